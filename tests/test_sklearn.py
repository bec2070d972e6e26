"""The estimator among scikit-learn's own tools, and before its own judge."""

import importlib
import inspect
import pickle
import sys
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("sklearn", reason="the extra sklearn is not installed")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import sbp_jax
from sbp_jax.distributions import Gaussian, Moved
from sbp_jax.errors import InputError, MissingExtraError
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.sklearn import SBPRegressor

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

SMALL: dict[str, Any] = {
    "network": NetworkConfig(layers=0, hidden=(16,), residual=True, dropout=0.0),
    "family": Moved(Gaussian()),
    "epochs": 60,
    "batch_size": 32,
    "learning_rate": 3e-2,
}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 2))
Y = 3 * X[:, 0] + 0.3 * RNG.normal(size=160)


@pytest.fixture(scope="module")
def fitted(quick_compilation_throughout):
    return SBPRegressor(**SMALL).fit(X, Y)


def test_keywords_and_defaults_are_those_of_fit():
    own = inspect.signature(SBPRegressor).parameters
    of_fit = dict(inspect.signature(sbp_jax.fit).parameters)
    for name in ("x", "y", "mask", "static", "valid", "progress", "start", "folder"):
        del of_fit[name]
    of_fit["random_state"] = of_fit.pop("seed")
    assert {name: one.default for name, one in own.items()} == {
        name: one.default for name, one in of_fit.items()
    }


def test_predictions_are_those_of_the_law(fitted):
    law = fitted.model_(X[:9])
    np.testing.assert_allclose(fitted.predict(X[:9]), law.median)
    np.testing.assert_allclose(
        fitted.predict_quantiles(X[:9], [0.1, 0.9]), law.quantile([0.1, 0.9])
    )
    assert fitted.predict_law(X[:9]).shape == (9,)
    assert fitted.score(X, Y) > 0.95


def test_a_fitted_estimator_is_pickled_and_cloned(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X[:9]), fitted.predict(X[:9]))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


def test_wrong_settings_are_refused_when_it_is_fitted():
    with pytest.raises(
        InputError, match="learning_rate: expected None or a finite number > 0, got 0"
    ):
        SBPRegressor(learning_rate=0).fit(X, Y)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        SBPRegressor().fit(X[:1], Y[:1])


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "sbp_jax.sklearn")
    monkeypatch.setattr("sbp_jax.runs.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"sbp-jax\[sklearn\]"):
        importlib.import_module("sbp_jax.sklearn")


@pytest.mark.slow
def test_columns_keep_their_names():
    frame = pl.DataFrame(X, schema=["depth", "age"])
    model = SBPRegressor(**{**SMALL, "epochs": 1}).fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["depth", "age"]
    assert model.model_.columns.static == ("depth", "age")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.select("age", "depth"))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [15, 16])
def test_few_rows_are_enough(rows):
    model = SBPRegressor(**{**SMALL, "epochs": 2}, random_state=None).fit(X[:rows], Y[:rows])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.slow
def test_a_search_finds_the_better_setting_in_a_pipeline():
    model = make_pipeline(StandardScaler(), SBPRegressor(**SMALL))
    grid = {"sbpregressor__learning_rate": [1e-6, 3e-2]}
    search = GridSearchCV(model, grid, cv=2).fit(X, Y)
    assert search.best_params_ == {"sbpregressor__learning_rate": 3e-2}
    assert search.best_estimator_.score(X, Y) > 0.9


@pytest.mark.slow
def test_missing_numbers_may_be_filled_in():
    holes = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
    assert SBPRegressor(**SMALL, missing="fill").fit(holes, Y).score(holes, Y) > 0.5
    with pytest.raises(ValueError, match="contains NaN"):
        SBPRegressor(**SMALL).fit(holes, Y)


@pytest.mark.slow
@parametrize_with_checks([SBPRegressor(**SMALL), SBPRegressor(**SMALL, missing="fill")])
def test_scikit_learn_accepts_it(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that ask about what training lacked
        check(estimator)


@pytest.mark.parametrize("levels", [95, [0.5, 1.5], float("nan")])
def test_levels_that_are_none_are_refused(fitted, levels):
    with pytest.raises(InputError, match=r"levels: expected numbers in \(0, 1\)"):
        fitted.predict_quantiles(X[:2], levels)
