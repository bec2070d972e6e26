"""Numbers of a table or a target, whatever holds them, or one clear error."""

import datetime

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
import scipy.sparse

from sbp_jax.arrays.tables import read_table, read_target
from sbp_jax.errors import InputError

X = np.arange(8.0).reshape(4, 2)
DAY = datetime.date(2026, 1, 1)


def objects(odd):
    return np.array([[1, 2], [3, odd], [5, 6], [7, 8]], object)


@pytest.mark.parametrize(
    "x",
    [
        X.astype(np.float16),
        X.astype(object),
        X.astype(np.int64),
        X.tolist(),
        jnp.asarray(X, jnp.bfloat16),
        list(X),
        np.ma.masked_array(X),
        pl.DataFrame(X),
        pl.DataFrame(X).cast(pl.Int8),
    ],
)
def test_numbers_are_read_whatever_holds_them(x):
    numbers, names, _ = read_table("x", x)
    np.testing.assert_array_equal(numbers, X)
    assert numbers.dtype == np.float64
    assert len(names) == 2


def test_truth_is_one_and_zero():
    assert read_table("x", X > 3)[0].tolist() == (X > 3).astype(float).tolist()
    assert read_target(X[:, 0] > 3, 4).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "x: expected an array of numbers, got None"),
        ("abc", "x: expected numbers, got text"),
        ({"a": [1, 2]}, "got a dict"),
        ({1, 2}, "got a set"),
        ((row for row in X), "got a generator"),
        (scipy.sparse.csr_array(X), "got a csr_array"),
        (pl.DataFrame(X).lazy(), "got a LazyFrame"),
        (3.5, r"two axes, rows and columns, got shape \(\)"),
        (X[:, 0], r"got shape \(4,\); a column is x\.reshape"),
        (pl.Series(X[:, 0]), r"got shape \(4,\)"),
        ([[1, 2], [3]], "x: expected an array of numbers, got .*inhomogeneous"),
        (X.astype(str), "x: expected numbers, got text"),
        (X.astype(bytes), "x: expected numbers, got text"),
        (objects("7"), "x: expected numbers, got text, '7'"),
        (objects(DAY), "x: expected numbers, got others: .*date"),
        (objects([1]), "x: expected numbers, got others"),
        (X + 1j, "x: expected numbers, got complex numbers"),
        (X.astype("datetime64[D]"), "x: expected numbers, got dates"),
        (X.astype("timedelta64[s]"), "x: expected numbers, got durations"),
        (objects(10**40), r"expected numbers within 1e30, got 1e\+40 in row 1, column 'x1'"),
        (objects(10**400), "x: expected numbers, got others: int too large"),
        (objects(None), "x: expected finite numbers, got nan in row 1, column 'x1'; fill in"),
        (np.ma.masked_equal(X, 3), "got nan in row 1, column 'x1'"),
        (np.where(X == 3, -np.inf, X), "expected finite numbers, got -inf in row 1, column 'x1'$"),
        (pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "x, column 'b': expected numbers, got text"),
        (pl.DataFrame({"a": [1], "b": [DAY]}), "x, column 'b': expected numbers, got dates"),
        (
            pl.DataFrame({"a": [1, None]}),
            "got nan in row 1, column 'a'; .* fit with missing='fill'",
        ),
    ],
)
def test_what_is_no_table_is_refused(x, message):
    with pytest.raises(InputError, match=message):
        read_table("x", x)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("Int64", "got nan in row 3, column 'b'"),
        ("category", "x, column 'b': expected numbers, got text"),
        ("datetime64[ns]", "x, column 'b': expected numbers, got dates"),
    ],
)
def test_columns_of_pandas_are_read_by_their_kind(column, message):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    held = {
        "Int64": pandas.array([1, 2, 3, None], "Int64"),
        "category": pandas.Categorical(list("xyxy")),
        "datetime64[ns]": pandas.date_range("2026-01-01", periods=4),
    }
    with pytest.raises(InputError, match=message):
        read_table("x", pandas.DataFrame({"a": X[:, 0], "b": held[column]}))
    with pytest.raises(InputError, match=r"columns of different names, got \['a'\] twice"):
        read_table("x", pandas.DataFrame(X, columns=["a", "a"]))


def test_missing_numbers_may_be_allowed_but_never_infinite_ones():
    numbers, _, _ = read_table("x", objects(None), missing=True)
    assert np.argwhere(np.isnan(numbers)).tolist() == [[1, 1]]
    with pytest.raises(InputError, match="got inf in row 1"):
        read_table("x", objects(np.inf), missing=True)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(3), r"y: expected shape \(4,\), as many as x has rows, got \(3,\)"),
        (np.ones((4, 2)), r"got \(4, 2\)"),
        (np.ones((1, 4)), r"got \(1, 4\)"),
        (3.5, r"got \(\)"),
        (None, "y: expected an array of numbers, got None"),
        (np.array([1, 2, np.nan, 4]), "y: expected finite numbers, got nan in row 2.*drop those"),
        (np.array([1, 2, np.inf, 4]), "y: expected finite numbers, got inf in row 2"),
        (["a"] * 4, "y: expected numbers, got text"),
        (["1"] * 4, "y: expected numbers, got text"),
        (np.arange(4).astype("datetime64[D]"), "y: expected numbers, got dates"),
        (pl.DataFrame(X), r"got \(4, 2\)"),
        (np.full(4, 1e31), r"y: expected numbers within 1e30, got 1e\+31 in row 0"),
    ],
)
def test_what_is_no_target_is_refused(y, message):
    with pytest.raises(InputError, match=message):
        read_target(y, 4)


@pytest.mark.parametrize(
    "y", [np.ones((4, 1)), [1, 1, 1, 1], pl.Series([1] * 4), pl.DataFrame({"y": [1.0] * 4})]
)
def test_a_target_may_be_a_column(y):
    np.testing.assert_array_equal(read_target(y, 4), np.ones(4))
