"""The best and the worst plays of every rated season, with what was forecast for them."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.outcome import Outcome
from sbp_jax.runs.atomic import write_whole

FILE: Final = "extreme_plays.parquet"
COUNT: Final = 3
"""Plays at either end of a passer's season."""

_PMF: Final = "pmf"
_WHO: Final = ["season", "passer_id"]


class ExtremePlays(NamedTuple):
    """Plays with their forecasts.

    Attributes:
        plays: scored plays.
        pmf: (B, cells) probability of each cell of the outcome.
        values: (cells,) the outcome at the middle of each, in its unit.
    """

    plays: pl.DataFrame
    pmf: Float[np.ndarray, "B cells"]
    values: Float[np.ndarray, " cells"]


def extreme_plays(plays: pl.DataFrame, passer_seasons: pl.DataFrame) -> pl.DataFrame:
    """The best and the worst scored plays of the given passer-seasons, in the plays' order.

    Throws by throw score, regular seasons alone; of equal ones the first.

    Args:
        plays: scored plays.
        passer_seasons: columns season and passer_id.
    """
    mine = pl.struct(_WHO).is_in(passer_seasons.select(pl.struct(_WHO)).to_series().implode())
    score = pl.col("throw_score")
    best = score.rank("ordinal", descending=True).over(_WHO)
    worst = score.rank("ordinal").over(_WHO)
    throw = (pl.col("season_type") == "REG") & ~pl.col("sack")
    return plays.filter(mine & throw).filter((best <= COUNT) | (worst <= COUNT))


def write_extreme_plays(
    run: Path, plays: pl.DataFrame, pmf: Float[np.ndarray, "B cells"], outcome: Outcome
) -> Path:
    """Write plays and forecasts into a run folder; the path is returned."""
    path = run / FILE
    table = plays.with_columns(
        pl.Series(_PMF, pmf.astype(np.float32), pl.Array(pl.Float32, pmf.shape[1])),
        _lowest=pl.lit(outcome.lowest),
        _step=pl.lit(outcome.step),
    )
    write_whole(path, lambda file: table.write_parquet(file, compression="zstd"))
    return path


def read_extreme_plays(run: Path) -> ExtremePlays:
    """What `write_extreme_plays` wrote.

    Raises:
        ScoringError: the run has none, or it is damaged.
    """
    path = run / FILE
    if not path.exists():
        raise ScoringError(
            f"{run}: expected a finished run with {FILE}, got none; experiments/wins.py writes one"
        )
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ScoringError(f"{path}: cannot be read: {error}") from error
    pmf = table[_PMF].to_numpy()
    lowest, step = table["_lowest"][0], table["_step"][0]
    values = (lowest + np.arange(pmf.shape[1])) * step
    return ExtremePlays(table.drop(_PMF, "_lowest", "_step"), pmf, values)
