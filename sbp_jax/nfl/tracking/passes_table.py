"""Tracked plays as a table of passes, such as scores are split by."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.nfl.heads.tracking_anchors import TRACKING_CEILING
from sbp_jax.nfl.tracking.static import (
    QUARTER_SECONDS,
    TRACKING_STATIC,
    YARDS_TO_ENDZONE,
    YARDS_TO_ENDZONE_SCALE,
    YARDS_TO_GO,
    YARDS_TO_GO_SCALE,
)
from sbp_jax.nfl.tracking.summary import SUMMARY_FEATURES, summary_of_batch

_AT_THROW: Final[Mapping[str, str]] = {
    "nearest_rusher": "nearest_rusher",
    "time_to_throw": "time_since_snap",
    "defenders_near_target": "defenders_near_target",
    "separation": "separation",
    "target_depth": "target_x",
}
"""Column of the table: column of the summary."""

_LEAD_SCALE: Final = 14
_HUNDREDTHS: Final = 2  # decimals: what is kept as float16 knows no more


def passes_table(plays: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    """One row a play, with the columns that `sbp_jax.nfl.ratings` reads and splits by.

    Args:
        plays: who they are: `sbp_jax.nfl.tracking.parts.ID_COLUMNS`.
        batch: the same plays in the same order; statics are `TRACKING_STATIC`, targets yards.

    Returns:
        Passers are told by id alone, since tracking files name no one. Situation: down,
        yards_to_go (at most 30), yards_to_endzone, quarter (5 is any overtime), clock_seconds,
        score_diff (at most 28 either way). At the throw: nearest_rusher, yards from the passer to
        the nearest defender; time_to_throw, seconds since the snap; defenders_near_target, within
        two yards; separation, yards from the target to the nearest defender; target_depth, yards
        downfield of the line of scrimmage.
    """
    caught = pl.col("pass_result") == "C"
    to_endzone = np.rint(batch.static[:, TRACKING_CEILING.column] * TRACKING_CEILING.scale)
    return plays.select(
        "season",
        pl.col("game_id").cast(pl.String),
        "play_id",
        "week",
        pl.col("passer_id").cast(pl.String),
        pl.col("passer_id").cast(pl.String).alias("passer_name"),
        "offense",
        *(pl.Series(name, values) for name, values in _situation(batch).items()),
        *(pl.Series(name, values) for name, values in _throw(batch).items()),
        caught.alias("complete"),
        pl.Series("yards_gained", batch.target).cast(pl.Int64),
        (caught & pl.Series(batch.target >= to_endzone)).alias("pass_touchdown"),
        (pl.col("pass_result") == "IN").alias("interception"),
    )


def _situation(batch: Batch) -> dict[str, NDArray]:
    """What the statics say, back in its own units."""
    static = dict(zip(TRACKING_STATIC, np.asarray(batch.static).T, strict=True))

    def one_of(name: str, numbers: range) -> NDArray:
        return np.argmax([static[f"{name}_{i}"] for i in numbers], axis=0) + numbers[0]

    def whole(name: str, scale: float) -> NDArray:
        return np.rint(static[name] * scale).astype(np.int64)

    return {
        "down": one_of("down", range(1, 5)),
        "yards_to_go": whole(YARDS_TO_GO, YARDS_TO_GO_SCALE),
        "yards_to_endzone": whole(YARDS_TO_ENDZONE, YARDS_TO_ENDZONE_SCALE),
        "quarter": one_of("quarter", range(1, 6)),
        "clock_seconds": whole("clock", QUARTER_SECONDS),
        "score_diff": whole("lead", _LEAD_SCALE),
    }


def _throw(batch: Batch) -> dict[str, Float[NDArray, " K"]]:
    """What the frame of the throw shows."""
    summary = summary_of_batch(batch)
    return {
        name: summary[:, SUMMARY_FEATURES.index(column)].astype(np.float64).round(_HUNDREDTHS)
        for name, column in _AT_THROW.items()
    }
