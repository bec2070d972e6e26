"""Training that goes on from a model, and what it refuses."""

import numpy as np
import polars as pl
import pytest

import sbp_jax
from sbp_jax.distributions import Gaussian, Moved
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.training.loop import VALIDATION_SCORE

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

RNG = np.random.default_rng(0)
X = pl.DataFrame(RNG.normal(size=(128, 2)), schema=["depth", "age"])
Y = 100 + 30 * X["depth"].to_numpy() + 5 * RNG.normal(size=128)
SMALL = NetworkConfig(hidden=(8,), dropout=0.0)


@pytest.fixture(scope="module")
def model(quick_compilation_throughout):
    return sbp_jax.fit(
        X, Y, network=SMALL, family=Moved(Gaussian()), epochs=3, members=2, progress=False
    )


@pytest.fixture(scope="module")
def further(model):
    return sbp_jax.fit(
        X.select("age", "depth"), Y, start=model, epochs=4, learning_rate=2e-2, progress=False
    )


def scores(model, member):
    return [each[VALIDATION_SCORE] for each in model.history[member]]


def test_it_goes_on_from_where_it_was(model, further):
    for member, history in enumerate(further.history):
        assert history[:3] == model.history[member]
        assert [each["epoch"] for each in history] == list(range(7))
        assert (np.diff([each["step"] for each in history]) == history[0]["step"]).all()
        # The same rows and seed are the same validation part.
        begun = history[3]["start_score"]
        assert begun == pytest.approx(min(scores(model, member)), abs=1e-6)
        assert min(scores(further, member)[3:]) < begun
    for name in ("forecaster", "columns", "scaling", "cell", "members"):
        assert getattr(further, name) == getattr(model, name)
    assert further(X).log_prob(Y).mean() > model(X).log_prob(Y).mean()
    assert "of 4" in further.report()


def test_what_is_saved_goes_on_too(further, tmp_path):
    further.save(tmp_path / "model.npz")
    again = sbp_jax.load(tmp_path / "model.npz")
    assert again.report() == further.report()


def test_where_no_epoch_is_better_it_stays_what_it_was(further):
    wrong = RNG.permutation(Y)
    same = sbp_jax.fit(X, wrong, valid=(X, Y), start=further, epochs=2, progress=False)
    np.testing.assert_array_equal(same(X).median, further(X).median)
    assert "epoch 0 of 2, 0 of 2" in same.report()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": "model.npz"}, "start: expected a model of fit or load, got str"),
        ({"members": 3}, "members: expected 2, those of start, got 3"),
        ({"cell": 1.0}, r"cell: expected None, as start has its own, got 1\.0"),
        ({"network": SMALL}, "network: expected None, as start has its own"),
        ({"family": Gaussian()}, "family: expected None, as start has its own"),
        ({"x": X.drop("age")}, r"x: expected the columns .* got no \['age'\]"),
    ],
)
def test_what_a_model_has_already_is_not_asked_for(model, settings, message):
    given = {"x": X, "y": Y, "start": model, "epochs": 1, "progress": False} | settings
    with pytest.raises(InputError, match=message):
        sbp_jax.fit(given.pop("x"), given.pop("y"), **given)
