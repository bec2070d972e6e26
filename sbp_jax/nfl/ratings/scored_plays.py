"""The table of scored plays: what every rating, split and figure of a run is made of."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.leverage import leverage
from sbp_jax.nfl.ratings.play_score import play_scores, throw_scores
from sbp_jax.nfl.require_columns import require_columns
from sbp_jax.runs.atomic import write_whole

FILE: Final = "scored_plays.parquet"

PLAY: Final = ("game_id", "play_id")
"""Columns that tell one play from another, throw or sack."""

SCORE_COLUMNS: Final = (
    "outcome",
    "expected",
    "pit_lower",
    "pit_upper",
    "play_score",
    "throw_score",
    "standard_score",
    "sack",
    "leverage",
)
"""Columns that are added to those of the passes table."""

_SITUATION: Final = ("score_diff", "quarter", "clock_seconds")


def scored_plays(
    passes: pl.DataFrame,
    *,
    outcome: Float[np.ndarray, " B"],
    expected: Float[np.ndarray, " B"],
    pit_lower: Float[np.ndarray, " B"],
    pit_upper: Float[np.ndarray, " B"],
) -> pl.DataFrame:
    """The passes with their scores.

    Args:
        passes: (B rows) of the passes table; without score and clock all leverages are 1.
        outcome: (B,) what the play was worth, in the unit of the forecast.
        expected: (B,) mean of the forecast.
        pit_lower: (B,) forecast distribution function just below the outcome.
        pit_upper: (B,) the same at it.

    Returns:
        The passes with `SCORE_COLUMNS`: outcome, expected and the two ends of its step as given;
        play_score in [0, 1] and throw_score in the unit of the outcome
        (`ratings.play_score`); standard_score, here the same as throw_score: sacks and the
        choice of the throw come in by `ratings.dropback.with_dropbacks`; sack, False;
        leverage (`ratings.leverage`).

    Raises:
        ScoringError: lengths differ, no plays, a column is missing, a number that is not finite,
            or a row without season, game or passer.
    """
    for name in ("season", "game_id", "passer_id"):
        if name not in passes.columns:
            raise ScoringError(f"passes: expected the column {name}, which is missing")
        if count := passes[name].null_count():
            raise ScoringError(f"passes: expected {name} in every row, got null in {count}")
    if outcome.shape != (passes.height,):
        raise ScoringError(f"outcome: expected {passes.height}, one a pass, got {outcome.shape}")
    situated = all(name in passes.columns for name in _SITUATION)
    seasons = passes["season"].to_numpy()
    throw = throw_scores(pit_lower, pit_upper, outcome - expected, seasons)
    columns = {
        "outcome": outcome,
        "expected": expected,
        "pit_lower": pit_lower,
        "pit_upper": pit_upper,
        "play_score": play_scores(pit_lower, pit_upper),
        "throw_score": throw,
        "standard_score": throw,
    }
    return passes.with_columns(
        *(pl.Series(name, np.asarray(values, np.float64)) for name, values in columns.items()),
        sack=pl.lit(value=False),
        leverage=pl.Series(leverage(passes)) if situated else pl.lit(1.0),
    )


def write_scored_plays(run: Path, plays: pl.DataFrame) -> Path:
    """Write the table into a run folder, whole or not at all; the path is returned."""
    path = run / FILE
    write_whole(path, lambda file: plays.write_parquet(file, compression="zstd"))
    return path


def read_scored_plays(run: Path) -> pl.DataFrame:
    """The table of a finished run.

    Raises:
        ScoringError: there is none, or it is damaged or of another kind.
    """
    path = run / FILE
    if not path.exists():
        raise ScoringError(
            f"{run}: expected a finished run with {FILE}, got none; "
            "experiments/wins.py, passing_score.py and tracking.py write one"
        )
    try:
        plays = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ScoringError(f"{path}: cannot be read: {error}") from error
    require_columns(path, plays, SCORE_COLUMNS, ScoringError)
    return plays
