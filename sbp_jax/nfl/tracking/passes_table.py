"""Tracked plays as a table of passes, such as scores are split by."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.nfl.tracking.summary import SUMMARY_FEATURES, summary_of_batch

_AT_THROW: Final[Mapping[str, str]] = {
    "nearest_rusher": "nearest_rusher",
    "time_to_throw": "time_since_snap",
    "defenders_near_target": "defenders_near_target",
    "separation": "separation",
    "target_depth": "target_x",
}
"""Column of the table: column of the summary."""

_HUNDREDTHS: Final = 2  # decimals: what is kept as float16 knows no more


def passes_table(plays: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    """One row a play, with the columns that `sbp_jax.nfl.ratings` reads and splits by.

    Args:
        plays: K rows of `sbp_jax.nfl.tracking.tables.FACT_COLUMNS`.
        batch: the same plays in the same order; targets are yards.

    Returns:
        Passers are told by id alone, since tracking files name no one. Situation as the source
        has it: down, yards_to_go, yards_to_endzone, quarter (5 and more are overtimes),
        clock_seconds, score_diff; the last two and week are null where the source does not tell
        them. At the throw: nearest_rusher, yards from the passer to the nearest defender;
        time_to_throw, seconds since the snap; defenders_near_target, within two yards; separation,
        yards from the target to the nearest defender; target_depth, yards downfield of the line of
        scrimmage.
    """
    caught = pl.col("pass_result") == "C"
    gained = pl.Series("yards_gained", batch.target).cast(pl.Int64)
    return plays.select(
        "season",
        pl.col("game_id").cast(pl.String),
        "play_id",
        "week",
        pl.col("passer_id").cast(pl.String),
        pl.col("passer_id").cast(pl.String).alias("passer_name"),
        "offense",
        pl.col("down", "yards_to_go", "yards_to_endzone", "quarter", "clock_seconds").cast(
            pl.Int64
        ),
        (pl.col("offense_score") - pl.col("defense_score")).cast(pl.Int64).alias("score_diff"),
        *(pl.Series(name, values) for name, values in _throw(batch).items()),
        caught.alias("complete"),
        gained,
        (caught & (gained >= pl.col("yards_to_endzone"))).alias("pass_touchdown"),
        (pl.col("pass_result") == "IN").alias("interception"),
    )


def _throw(batch: Batch) -> dict[str, Float[NDArray, " K"]]:
    """What the frame of the throw shows."""
    summary = summary_of_batch(batch)
    return {
        name: summary[:, SUMMARY_FEATURES.index(column)].astype(np.float64).round(_HUNDREDTHS)
        for name, column in _AT_THROW.items()
    }
