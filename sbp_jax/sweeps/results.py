"""What a sweep found: a table of its trials, and the best of them."""

from collections.abc import Sequence
from typing import Any, Final

import optuna
import polars as pl
from optuna.trial import FrozenTrial, TrialState

from sbp_jax.errors import SweepError
from sbp_jax.sweeps.space import SearchSpace
from sbp_jax.sweeps.study import DIVERGED, EPOCHS
from sbp_jax.training.loop import VALIDATION_SCORE

STATE, COMPLETE = "state", "complete"
_ABOUT_TRIAL: Final = ("trial", STATE, VALIDATION_SCORE, "best_epoch", "epochs", "seconds")


def trials_table(study: optuna.Study, space: SearchSpace) -> pl.DataFrame:
    """One row per trial that was trained, in the order in which they were asked for.

    Columns: trial, its number; state: complete, pruned or diverged; validation_score of the best
    epoch; best_epoch, counted from 0; epochs trained; seconds from asking to telling, which
    members of a population share; and the settings, structural ones by their labels.

    Raises:
        SweepError: no trial was trained.
    """
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    rows = [_row(trial, space) for trial in study.get_trials(deepcopy=False, states=states)]
    if not rows:
        raise SweepError("expected trials that are complete or pruned, got none")
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(trial: FrozenTrial, space: SearchSpace) -> dict[str, Any]:
    curve = trial.intermediate_values
    best = min(curve, key=lambda epoch: curve[epoch]) if curve else None
    complete = trial.state == TrialState.COMPLETE
    cut_short = "diverged" if trial.user_attrs.get(DIVERGED) else "pruned"
    duration = trial.duration
    names = [*space.structural, *space.numeric]
    return {
        "trial": trial.number,
        STATE: COMPLETE if complete else cut_short,
        VALIDATION_SCORE: None if best is None else curve[best],
        "best_epoch": best,
        "epochs": trial.user_attrs.get(EPOCHS),
        "seconds": None if duration is None else round(duration.total_seconds(), 1),
        **{name: trial.params.get(name) for name in names},
    }


def render_best(table: pl.DataFrame, count: int = 10) -> str:
    """The best complete trials as text, best first.

    >>> rows = {"trial": [0, 1], "state": ["complete"] * 2, "validation_score": [2.5, 2.25],
    ...         "best_epoch": [3, 2], "epochs": [4, 4], "seconds": [1.0, 1.0], "rate": [0.1, 0.02]}
    >>> print(render_best(pl.DataFrame(rows)))
    trial  validation_score  best_epoch  rate
        1           2.25000           2  0.02
        0           2.50000           3   0.1
    """
    best = complete_trials(table).sort(VALIDATION_SCORE, "trial").head(count)
    columns = [name for name in best.columns if name not in (STATE, "epochs", "seconds")]
    lines: list[Sequence[str]] = [columns]
    for row in best.select(columns).iter_rows(named=True):
        lines.append([_cell(name, value) for name, value in row.items()])  # noqa: PERF401
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def complete_trials(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of trials that were trained to their last epoch."""
    return table.filter(pl.col(STATE) == COMPLETE)


def _cell(name: str, value: Any) -> str:
    if name == VALIDATION_SCORE:
        return f"{value:.5f}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
