"""What people have becomes one batch, or one clear error."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.arrays.inputs import read_inputs
from sbp_jax.errors import InputError

X = np.arange(12.0).reshape(4, 3)
FRAME = pl.DataFrame(X, schema=["age", "height", "score"])


def test_arrays_and_data_frames_are_the_same_table():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for table in (X, FRAME, pandas.DataFrame(X, columns=FRAME.columns), X.astype(int)):
        batch, columns = read_inputs(table)
        np.testing.assert_array_equal(batch.static, X)
        assert not columns.has_sequence
    assert columns.static == ("x0", "x1", "x2")
    assert read_inputs(FRAME)[1].static == ("age", "height", "score")


def test_columns_of_a_data_frame_go_by_name():
    _, columns = read_inputs(FRAME)
    again, _ = read_inputs(FRAME.select("score", "age", "height"), columns=columns)
    np.testing.assert_array_equal(again.static, X)
    with pytest.raises(InputError, match=r"expected the columns .* got no \['height'\]"):
        read_inputs(FRAME.drop("height"), columns=columns)
    with pytest.raises(InputError, match="x: expected 3 columns, got 2"):
        read_inputs(X[:, :2], columns=columns)


def test_sequences_of_unequal_length_are_padded():
    short, long = np.ones((2, 5)), 2 * np.ones((4, 5))
    batch, columns = read_inputs([short, long], static=np.array([[1.0], [2.0]]))
    assert batch.sequence.shape == (2, 4, 5)
    assert batch.mask.tolist() == [[True, True, False, False], [True] * 4]
    assert batch.sequence[0, 2:].sum() == 0
    assert (len(columns.sequence), len(columns.static)) == (5, 1)
    whole = np.stack([np.concatenate([short, np.full((2, 5), np.nan)]), long])
    again, _ = read_inputs(whole, mask=batch.mask, static=np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(again.sequence, batch.sequence)


@pytest.mark.parametrize(
    ("x", "given", "message"),
    [
        (X[0], {}, "x: expected two axes, rows and columns, got shape"),
        (X[:0], {}, "x: expected at least one row, got none"),
        (np.where(X == 7, np.nan, X), {}, "got nan in row 2, column 'x1'"),
        (np.where(X == 7, np.inf, X), {}, "got inf in row 2, column 'x1'"),
        (X[:, :0], {}, "x: expected at least one column, got none"),
        (X, {"mask": np.ones((4, 3), bool)}, "mask: expected none with a table"),
        (X, {"static": X}, "static: expected none with a table"),
        (np.ones((2, 3, 1)), {"mask": np.ones((2, 2), bool)}, r"booleans of shape \(2, 3\)"),
        (np.ones((2, 3, 1)), {"mask": np.ones((2, 3))}, "booleans of shape .* got float64"),
        (np.ones((2, 3, 1)), {"mask": [[True], [True] * 3]}, "mask: expected rows of equal length"),
        (
            np.ones((2, 3, 1)),
            {"mask": np.array([[True, False, True], [True] * 3])},
            "observed steps before padding, got padding first in row 0",
        ),
        (np.full((1, 2, 1), np.nan), {}, "got nan in row 0, step 0, column 'step 0'"),
        (np.ones((2, 3, 0)), {}, r"x: expected columns, got shape \(2, 3, 0\)"),
        ([[[1, 2], [3]]] * 2, {}, "x: expected an array of numbers, got"),
        ([np.ones((2, 3)), np.ones(3)], {}, r"x\[1\]: expected steps of 3 columns"),
        ([np.ones((2, 0))], {}, r"x\[0\]: expected steps of some columns"),
        ([np.array([["a"]])], {}, r"x\[0\]: expected numbers, got text"),
        ([np.ones((2, 3)), np.ones((2, 4))], {}, r"x\[1\]: expected steps of 3 columns"),
        (np.ones((2, 3, 1)), {"static": X}, "static: expected 2 rows, as many as x, got 4"),
        (np.ones((2, 3, 1)), {"static": X[:2, 0]}, "static: expected two axes"),
    ],
)
def test_what_is_no_input_is_refused(x, given, message):
    with pytest.raises(InputError, match=message):
        read_inputs(x, **given)


@pytest.mark.parametrize("known", ["table", "sequences"])
def test_a_model_is_asked_about_what_it_was_fitted_on(known):
    both = {"table": X, "sequences": np.ones((4, 5, 3))}
    _, columns = read_inputs(both[known])
    (other,) = both.keys() - {known}
    with pytest.raises(InputError, match=f"x: expected .*{known}, as the model .*, got .*{other}"):
        read_inputs(both[other], columns=columns)
    with pytest.raises(InputError, match="columns, got 2"):
        read_inputs(both[known][..., :2], columns=columns)
