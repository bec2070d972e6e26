"""What `fit` cannot do is refused before anything is compiled."""

import jax
import numpy as np
import polars as pl
import pytest

import sbp_jax
from sbp_jax.arrays.settings import NETWORK
from sbp_jax.distributions import Gaussian
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import NetworkConfig

X = np.random.default_rng(0).normal(size=(64, 2))
Y = X[:, 0] + 0.1
STEPS = np.ones((64, 5, 3))
FRAME = pl.DataFrame(X, schema=["a", "b"])


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    def train(*_):
        raise AssertionError("training has begun")

    monkeypatch.setattr("sbp_jax.arrays.train_parts._train", train)


def sizes(**given):
    return {"network": NetworkConfig(**given)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 0}, "members: expected a whole number >= 1, got 0"),
        ({"members": True}, "members: .* got True"),
        ({"members": 10**9}, "members: expected what .* GiB of memory hold, got 1,000,000,000 of"),
        ({"epochs": 1.5}, r"epochs: expected None or a whole number >= 1, got 1\.5"),
        ({"epochs": "3"}, "epochs: .* got '3'"),
        ({"batch_size": -1}, "batch_size: expected None or a whole number >= 1"),
        ({"cell": 0.0}, "cell: expected None or a finite number > 0"),
        ({"cell": "1"}, "cell: .* got '1'"),
        ({"cell": 1e-9}, "cell: expected at least 1e-05 standard deviations of y, got 1.1e-09"),
        ({"learning_rate": 0}, "learning_rate: expected None or a finite number > 0, got 0"),
        ({"learning_rate": "a"}, "learning_rate: .* got 'a'"),
        ({"learning_rate": np.nan}, "learning_rate: .* got nan"),
        ({"weight_decay": -1}, "weight_decay: expected a finite number >= 0, got -1"),
        ({"weight_decay": np.inf}, "weight_decay: .* got inf"),
        ({"seed": -1}, r"seed: expected a whole number in \[0, 2\*\*31\), got -1"),
        ({"seed": None}, "seed: .* got None"),
        ({"seed": 2**40}, "seed: .* got 1099511627776"),
        ({"devices": 99}, f"devices: expected at most {len(jax.devices())} here, got 99"),
        ({"devices": 0}, "devices: expected a whole number >= 1, got 0"),
        ({"devices": "gpu"}, "devices: .* got 'gpu'"),
        ({"precision": "float8"}, "precision: expected one of .*'bfloat16'.*, got 'float8'"),
        ({"missing": "drop"}, "missing: expected 'refuse' or 'fill', got 'drop'"),
        ({"family": Gaussian}, r"family: expected an instance, such as Gaussian\(\)"),
        ({"family": "Gaussian"}, "family: expected an instance, .* got 'Gaussian'"),
        ({"family": lambda _: None}, "expected a function that returns a family, got None"),
        ({"objective": "mse"}, "objective: expected None or one of .*'crps'.*, got 'mse'"),
        ({"objective": "interval_nll"}, "cell: expected a width with the objective interval_nll"),
        (
            {"family": Gaussian(), "objective": "window_nll"},
            "objective: window_nll: expected a family with 'log_window', got Gaussian",
        ),
        ({"network": {"hidden": (8,)}}, "network: expected None or a NetworkConfig, got {"),
        (sizes(hidden=(10**6, 10**6)), r"members: .* got 1 of 1,000,\d{3},\d{3},\d{3} parameters"),
        ({"valid": X}, r"valid: expected \(x, y\) or .* got ndarray"),
        ({"valid": 0.1}, "valid: .* got float"),
        ({"valid": (X,)}, "valid: .* got 1"),
        ({"valid": (X[:, :1], Y)}, "valid: x: expected 2 columns, got 1"),
        ({"valid": (X[:0], Y[:0])}, "valid: x: expected at least one row, got none"),
        ({"valid": (X, Y[:3])}, r"valid: y: expected shape \(64,\)"),
        ({"valid": (STEPS, Y)}, "valid: x: expected a table, .* got sequences"),
    ],
)
def test_a_setting_that_cannot_be_is_one_clear_error(settings, message):
    with pytest.raises(InputError, match=message):
        sbp_jax.fit(X, Y, **settings)


@pytest.mark.parametrize(
    ("x", "y", "settings", "message"),
    [
        (X, np.full(64, 3.5), {}, "y: expected at least two different values, got 3.5"),
        (X, Y * 1e-40, {}, "y: expected a standard deviation >= 1e-30"),
        (X, Y + 1e8, {}, r"y: expected a spread that float32 can hold .* subtract .* 1e\+08"),
        (X[:1], Y[:1], {}, "x: expected at least 16 rows, got 1"),
        (X[:1], Y[:1], {"valid": (X, Y)}, "x: expected at least 2 rows, got 1"),
        (X, Y[:-1], {}, r"y: expected shape \(64,\)"),
        (STEPS, Y, sizes(layers=0), "network: expected layers >= 1, as x is sequences"),
        (STEPS, Y, {"valid": (X, Y)}, "valid: x: expected sequences, .* got a table"),
        (FRAME, Y, {"valid": (FRAME.rename({"a": "z"}), Y)}, r"valid: x: .* got no \['a'\]"),
    ],
)
def test_inputs_that_cannot_be_are_one_clear_error(x, y, settings, message):
    with pytest.raises(InputError, match=message):
        sbp_jax.fit(x, y, **settings)


@pytest.mark.parametrize("name", ["members", "epochs", "batch_size", "seed"])
def test_whole_numbers_of_numpy_are_whole_numbers(name):
    with pytest.raises(AssertionError, match="training has begun"):
        sbp_jax.fit(X, Y, **{name: np.int64(3)})


def test_what_passes_here_is_left_to_training():
    with pytest.raises(AssertionError, match="training has begun"):
        sbp_jax.fit(X, Y, network=NETWORK, weight_decay=0, cell=np.float32(1), learning_rate=1)
