"""A few plays find their forecasts by game and number, wherever they stand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings import cross_fit
from sbp_jax.nfl.ratings.fold_fit import FoldFit

PLAYS = pl.DataFrame({"game_id": ["a", "a", "b", "b", "c"], "play_id": [1, 2, 1, 3, 2]})
FOLD = np.array([0, 0, 1, 1, 0])
OUTCOME = SimpleNamespace(lowest=-1, highest=1)


@pytest.fixture
def found(monkeypatch):
    """Two folds whose forecast of a play is its row among all."""

    def forecasts(forecaster, params, batch, cells):
        return np.repeat(batch.target[:, None], cells[1] - cells[0] + 1, axis=1)

    monkeypatch.setattr(cross_fit, "cell_forecasts", forecasts)
    folds = []
    for number in range(2):
        rows = number == FOLD
        target = np.flatnonzero(rows).astype(np.float32)
        batch = Batch(*[target[:, None]] * 3, target)
        fit = SimpleNamespace(params=None)
        folds.append(FoldFit(None, fit, rows, PLAYS.filter(rows), batch, None))
    return cross_fit.CrossFit(PLAYS, folds, None, 0, 0)


def test_in_any_order(found):
    order = [4, 2, 0, 3]
    cells = found.cells(PLAYS[order].with_columns(sack=False), OUTCOME)
    assert cells.shape == (4, 3)
    assert cells[:, 0].tolist() == order


class Itself(NamedTuple):
    """A network whose forecast of a row of facts is that row."""

    def init(self, key, example):
        return None

    def apply(self, params, batch):
        return jnp.concatenate([batch.static, 0 * batch.static], axis=1)


def test_their_laws_are_in_the_unit_of_the_outcome(found):
    found = replace(found, forecaster=Forecaster(Itself(), Gaussian()))
    order = [4, 2, 0, 3]
    law = found.law(PLAYS[order], SimpleNamespace(step=0.25))
    np.testing.assert_allclose(law.median, 0.25 * np.array(order), atol=1e-6)
    with pytest.raises(ScoringError, match="throws: expected some that were scored, got 1 others"):
        found.law(pl.DataFrame({"game_id": ["a", "c"], "play_id": [1, 1]}), OUTCOME)
    with pytest.raises(ScoringError, match="throws: expected at least one, got none"):
        found.law(PLAYS[[]], OUTCOME)


def test_a_play_that_was_not_scored_is_refused(found):
    stranger = pl.DataFrame({"game_id": ["a", "c"], "play_id": [1, 1]})
    with pytest.raises(ScoringError, match="throws: expected some that were scored, got 1 others"):
        found.cells(stranger, OUTCOME)
