"""A few plays find their forecasts by game and number, wherever they stand."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from sbp_jax.batch import Batch
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


def test_a_play_that_was_not_scored_is_refused(found):
    stranger = pl.DataFrame({"game_id": ["a", "c"], "play_id": [1, 1]})
    with pytest.raises(ScoringError, match="throws: expected some that were scored, got 1 others"):
        found.cells(stranger, OUTCOME)
