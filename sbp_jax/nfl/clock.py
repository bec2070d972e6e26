"""Clocks of a game: what its quarter and the seconds left in it say of the time, in one place.

A quarter has 15 minutes. Overtime is the fifth quarter, and whatever follows it; it had 15 minutes
until 2016 and has 10 since 2017, but 15 in the playoffs of any year. Each is a half of its own,
so no other quarter is added to what is left of it, and it has a last two minutes.

Expressions on columns of the tables; of what is unknown (null) each says what it is.
"""

from typing import Final

import polars as pl

QUARTER_SECONDS: Final = 900
SHORT_OVERTIME_SECONDS: Final = 600
FIRST_SHORT_OVERTIME: Final = 2017
"""The season from which on an overtime of the regular season is short."""

TWO_MINUTES: Final = 120
OVERTIME: Final = 5
"""The number of the first overtime among the quarters."""

CLOCK: Final = pl.col("clock_seconds").fill_null(QUARTER_SECONDS // 2)
"""Seconds left in the quarter; unknown, the middle of one."""

QUARTER: Final = pl.col("quarter").clip(1, OVERTIME)
"""1 to 5: every overtime is the fifth; null where it is unknown."""

_FIRST_OF_HALF: Final = pl.col("quarter").fill_null(0).is_in([1, 3])

HALF_SECONDS: Final = CLOCK.cast(pl.Int32) + pl.when(_FIRST_OF_HALF).then(
    QUARTER_SECONDS
).otherwise(0)
"""Seconds left in the half, or in the overtime; of an unknown quarter, in the quarter."""

ENDS_HALF: Final = pl.col("quarter").is_in([2, 4]) | (pl.col("quarter") >= OVERTIME)
"""Whether a half, or the game, may end with the quarter."""

LAST_TWO_MINUTES: Final = ENDS_HALF & (pl.col("clock_seconds") <= TWO_MINUTES)
"""Whether at most two minutes are left in the half or in the overtime; null where that is unknown.
"""

GAME_SECONDS_LEFT: Final = pl.col("clock_seconds").cast(pl.Float64) + QUARTER_SECONDS * (
    4 - pl.col("quarter").cast(pl.Int64)
).clip(0)
"""Seconds left in the game, or in the overtime; null where that is unknown."""

OVERTIME_SECONDS: Final = (
    pl.when((pl.col("season") >= FIRST_SHORT_OVERTIME) & (pl.col("season_type") != "POST"))
    .then(SHORT_OVERTIME_SECONDS)
    .otherwise(QUARTER_SECONDS)
)
"""How long an overtime of the game is."""

_QUARTERS_BEFORE: Final = pl.col("quarter").fill_null(1).cast(pl.Int64) - 1
_OVERTIMES_BEFORE: Final = (_QUARTERS_BEFORE - OVERTIME + 1).clip(0)
_LENGTH: Final = (
    pl.when(_QUARTERS_BEFORE >= OVERTIME - 1).then(OVERTIME_SECONDS).otherwise(QUARTER_SECONDS)
)

SECONDS_PLAYED: Final = (
    QUARTER_SECONDS * (_QUARTERS_BEFORE - _OVERTIMES_BEFORE)
    + OVERTIME_SECONDS * _OVERTIMES_BEFORE
    + _LENGTH
    - CLOCK.cast(pl.Int64)
)
"""Seconds that the clock of the game has run; an unknown quarter is the first."""
