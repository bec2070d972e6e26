"""Tracked plays as a table of passes, such as scores are split by."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from sbp_jax.nfl.examples import Examples
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


def passes_table(examples: Examples) -> pl.DataFrame:
    """One row a play, with the columns that `sbp_jax.nfl.ratings` reads and splits by.

    Args:
        examples: of `load_split`.

    Returns:
        Passers are told by id alone, since tracking files name no one. Situation: down,
        yards_to_go, yards_to_endzone, quarter (above 4 an overtime), clock_seconds and score_diff,
        null where the source does not tell. At the throw: nearest_rusher, yards from the passer to
        the nearest defender; time_to_throw, seconds since the snap; defenders_near_target, within
        two yards; separation, yards from the target to the nearest defender; target_depth, yards
        downfield of the line of scrimmage.
    """
    caught = pl.col("pass_result") == "C"
    summary = summary_of_batch(examples.batch)
    return examples.plays.select(
        "season",
        pl.col("game_id").cast(pl.String),
        "play_id",
        "week",
        pl.col("passer_id").cast(pl.String),
        pl.col("passer_id").cast(pl.String).alias("passer_name"),
        "offense",
        "down",
        "yards_to_go",
        "yards_to_endzone",
        "quarter",
        "clock_seconds",
        score_diff=pl.col("offense_score") - pl.col("defense_score"),
        **{
            name: pl.Series(
                summary[:, SUMMARY_FEATURES.index(column)].astype(np.float64).round(_HUNDREDTHS)
            )
            for name, column in _AT_THROW.items()
        },
        complete=caught,
        yards_gained="yards_gained",
        pass_touchdown=caught & (pl.col("yards_gained") >= pl.col("yards_to_endzone")),
        interception=pl.col("pass_result") == "IN",
    ).with_columns(pl.col(pl.Int32).cast(pl.Int64))
