"""Missing numbers filled in: what the network is then given, and what the model says of it."""

import warnings

import numpy as np
import pytest

import sbp_jax
from sbp_jax.arrays.missing import Filling, prepared
from sbp_jax.arrays.scaling import Scaling
from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian, Moved
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import NetworkConfig

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

NAN = np.nan
NAMES = {"static": ("a", "b"), "sequence": ("step 0",)}
TRAIN = Batch(
    np.array([[[1.0], [NAN]], [[3.0], [0.0]], [[NAN], [5.0]]]),
    np.array([[True, True], [True, False], [True, True]]),
    np.array([[1.0, NAN], [2.0, 4.0], [6.0, 8.0]]),
    np.zeros(3),
)
Y = np.array([0.0, 1.0, 2.0])


def test_a_missing_number_is_the_mean_with_a_mark_beside_it():
    filling, scaling = Filling.of(TRAIN, **NAMES), Scaling.of(TRAIN, Y)
    assert filling == Filling(static=(0, 1), sequence=(2,))
    given = prepared(TRAIN, scaling, filling)
    np.testing.assert_allclose(
        # b is 6 with a deviation of 2 over the rows that have it.
        given.static, [[-2 / np.sqrt(14 / 3), 0, 1], [-1 / np.sqrt(14 / 3), -1, 0],
                       [3 / np.sqrt(14 / 3), 1, 0]], rtol=1e-6,
    )  # fmt: skip
    spread = np.sqrt(8 / 3)  # of 1, 3 and 5, what was observed
    np.testing.assert_allclose(
        given.sequence,
        [[[-2 / spread, 0], [0, 1]], [[0, 0], [0, 0]], [[0, 1], [2 / spread, 0]]],
        rtol=1e-6,
    )
    assert given.static.dtype == given.sequence.dtype == np.float32


def test_nothing_missing_is_nothing_changed():
    whole = Batch(np.zeros((3, 1, 1)), np.zeros((3, 1), bool), np.nan_to_num(TRAIN.static), Y)
    filling, scaling = Filling.of(whole, static=("a", "b"), sequence=()), Scaling.of(whole, Y)
    for filled, plain in zip(
        prepared(whole, scaling, filling), prepared(whole, scaling, None), strict=True
    ):
        np.testing.assert_array_equal(filled, plain)


def test_a_column_without_any_number_is_refused():
    empty = TRAIN._replace(static=np.array([[1.0, NAN]] * 3))
    with pytest.raises(InputError, match="x: expected a number in the training part of column 'b'"):
        Filling.of(empty, **NAMES)


RNG = np.random.default_rng(3)
X = RNG.normal(size=(240, 3))
GONE = RNG.random(240) < 0.4
TARGET = X[:, 0] + 4 * GONE + 0.2 * RNG.normal(size=240)  # what is missing tells most
X[GONE, 1] = NAN


@pytest.fixture(scope="module")
def model(quick_compilation_throughout):
    small = NetworkConfig(layers=0, hidden=(16,), dropout=0.0)
    return sbp_jax.fit(
        X, TARGET, missing="fill", family=Moved(Gaussian()), network=small, epochs=40,
        learning_rate=3e-2, progress=False,
    )  # fmt: skip


def test_a_law_knows_where_numbers_are_missing(model):
    asked = np.array([[0.0, NAN, 0.0], [0.0, 0.0, 0.0]])
    gone, there = model(asked).median
    assert abs(gone - 4) < 0.5
    assert abs(there) < 0.5


def test_the_choice_is_saved_with_the_model(model, tmp_path):
    model.save(tmp_path / "model.npz")
    again = sbp_jax.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again(X[:9]).median, model(X[:9]).median)
    assert again.report() == model.report()
    (count,) = {each for each in again.filling.static if each}
    assert 0 < count < GONE.sum()  # of the training part alone
    told = f"missing numbers of the training part, filled with means: {count} in 'x1'"
    assert told in model.report()


def test_a_hole_where_training_had_none_is_warned_of_with_its_column(model):
    asked = X[:5].copy()
    asked[:2, 2] = NAN
    with pytest.warns(UserWarning, match="2 in 'x2', of columns that lacked none in") as told:
        law = model(asked)
    assert len(told) == 1
    assert told[0].filename == __file__
    asked[:2, 2] = model.scaling.static_loc[2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(law.median, model(asked).median, rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="got inf in row 0, column 'x0'"):
        model(np.where(np.arange(3) == 0, np.inf, X[:1]))
