"""Static facts of a tracked play: what is known before the snap, as numbers near one.

Down, distance, place, clock and score; no column names a player or a team, and none has a left or
a right. Where the throw goes is for the sequence to tell. Scales are fixed numbers, not fitted
ones. Of what a source may lack, an unknown clock counts as the middle of the quarter, an unknown
score as level, an unknown week as the ninth.

Legend: K plays, S columns.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.nfl.clock import CLOCK, HALF_SECONDS, LAST_TWO_MINUTES, QUARTER, QUARTER_SECONDS
from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.plays.static import YARDS_TO_ENDZONE as YARDS_TO_ENDZONE
from sbp_jax.nfl.plays.static import YARDS_TO_ENDZONE_SCALE as YARDS_TO_ENDZONE_SCALE
from sbp_jax.nfl.plays.static import hats

YARDS_TO_GO: Final = "yards_to_go"
YARDS_TO_GO_SCALE: Final = 10.0
MOST_YARDS_TO_GO: Final = 30.0
"""Longer distances count as this one."""

LAST_WEEK: Final = 18.0

_FIELD = pl.col("yards_to_endzone").cast(pl.Float32)
_TO_GO = pl.col("yards_to_go").cast(pl.Float32).clip(0, MOST_YARDS_TO_GO)
_LEAD = (pl.col("offense_score") - pl.col("defense_score")).fill_null(0).cast(pl.Float32)

TRACKING_STATIC: Final[Mapping[str, pl.Expr]] = {
    YARDS_TO_ENDZONE: _FIELD / YARDS_TO_ENDZONE_SCALE,
    YARDS_TO_GO: _TO_GO / YARDS_TO_GO_SCALE,
    **hats("yards_to_endzone", _FIELD, [1, 2, 3, 5, 8, 12, 17, 24, 35, 50, 75, 99]),
    **hats("yards_to_go", _TO_GO, [1, 2, 4, 7, 10, 15, 20]),
    **{f"down_{i}": pl.col("down").eq(i) for i in (1, 2, 3, 4)},
    **{f"quarter_{i}": QUARTER.eq(i) for i in (1, 2, 3, 4, 5)},
    "clock": CLOCK.cast(pl.Float32) / QUARTER_SECONDS,
    "half_clock": HALF_SECONDS.cast(pl.Float32) / (2 * QUARTER_SECONDS),
    "two_minute": LAST_TWO_MINUTES.fill_null(False),
    "lead": _LEAD.clip(-28, 28) / 14,
    **hats("lead", _LEAD, [-21, -14, -8, -3, 0, 3, 8, 14, 21]),
    "at_home": pl.col("offense") == pl.col("home_team"),
    "week": pl.col("week").fill_null(9) / LAST_WEEK,
}
"""Name of each column and how it comes from a table of `tables.PLAY_COLUMNS`."""


def tracking_static(plays: pl.DataFrame) -> Float[NDArray, "K S"]:
    """Matrix of `TRACKING_STATIC`, one row a play, float32.

    Args:
        plays: has the columns of `PLAY_COLUMNS` that the expressions name.

    Raises:
        TrackingError: a column is missing, or is null where only week, clock_seconds and the
            scores may be.
    """
    needed = {name for column in TRACKING_STATIC.values() for name in column.meta.root_names()}
    if missing := sorted(needed - set(plays.columns)):
        raise TrackingError(f"plays: expected a column {missing[0]!r}, got {plays.columns}")
    frame = plays.select(
        expression.cast(pl.Float32).alias(name) for name, expression in TRACKING_STATIC.items()
    )
    for name, column in zip(frame.columns, frame, strict=True):
        if column.null_count():
            row = int(column.is_null().arg_max() or 0)
            inputs = {root: plays[root][row] for root in TRACKING_STATIC[name].meta.root_names()}
            raise TrackingError(f"plays: cannot tell {name!r} of row {row} from {inputs}")
    return np.ascontiguousarray(frame.to_numpy())
