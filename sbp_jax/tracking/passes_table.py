"""Tracked plays as a table of passes, such as passers are rated by."""

import numpy as np
import polars as pl

from sbp_jax.batch import Batch
from sbp_jax.models.tracking_anchors import TRACKING_CEILING


def passes_table(plays: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    """One row a play, with the columns that `sbp_jax.scoring.rate_passers` reads.

    Args:
        plays: who they are: `sbp_jax.tracking.parts.ID_COLUMNS`.
        batch: the same plays in the same order; statics are `TRACKING_STATIC`, targets yards.

    Returns:
        Passers are told by id alone, since tracking files name no one.
    """
    caught = pl.col("pass_result") == "C"
    to_endzone = np.rint(batch.static[:, TRACKING_CEILING.column] * TRACKING_CEILING.scale)
    return plays.select(
        "season",
        pl.col("game_id").cast(pl.String),
        pl.col("passer_id").cast(pl.String),
        pl.col("passer_id").cast(pl.String).alias("passer_name"),
        "offense",
        caught.alias("complete"),
        pl.Series("yards_gained", batch.target).cast(pl.Int64),
        (caught & pl.Series(batch.target >= to_endzone)).alias("pass_touchdown"),
        (pl.col("pass_result") == "IN").alias("interception"),
    )
