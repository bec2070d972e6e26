import importlib

import numpy as np
import pytest

from sbp_jax.errors import MissingExtraError
from sbp_jax.evaluation import EvaluationError, boosted_trees, fit_boosted_median


def plays(rows, seed):
    """Median 10 where the first fact is positive, else 0, with noise that is not symmetric."""
    rng = np.random.default_rng(seed)
    facts = rng.normal(size=(rows, 3)).astype(np.float32)
    noise = np.round(rng.exponential(4.0, rows) - 4.0 * np.log(2))
    return facts, np.where(facts[:, 0] > 0, 10.0, 0.0) + noise


def test_predicts_medians_and_does_it_again():
    pytest.importorskip("xgboost", reason="the extra xgboost is not installed")
    sets = [*plays(3000, 0), *plays(1000, 1)]
    one, two = fit_boosted_median(*sets), fit_boosted_median(*sets)
    facts, y = plays(1000, 2)
    predicted = one.predict(facts)
    np.testing.assert_array_equal(predicted, two.predict(facts))
    np.testing.assert_array_equal(predicted, np.rint(predicted))
    assert one.trees < boosted_trees.ROUNDS
    # The mean absolute error about the true median of such noise is 4 log 2 = 2.77; rounding
    # the noise and 1,000 plays blur it by about 0.1.
    assert abs(predicted - y).mean() < 2.77 + 0.3
    assert np.mean(predicted[facts[:, 0] > 0.3] - 10) == pytest.approx(0, abs=0.5)


def test_its_absence_is_explained(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(boosted_trees, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r'pip install "sbp-jax\[xgboost\]"'):
        fit_boosted_median(*plays(10, 0), *plays(10, 1))


def test_no_plays_are_refused():
    with pytest.raises(EvaluationError, match="got 0 and 10"):
        fit_boosted_median(*plays(0, 0), *plays(10, 1))


def test_xgboost_is_not_imported_before_it_is_needed():
    assert "xgboost" not in vars(importlib.import_module("sbp_jax.evaluation"))
    assert "xgboost" not in vars(boosted_trees)
