"""Static facts of a pass: what is known at the moment of the throw, as numbers near one.

The throw itself is known (how far and where it goes), its outcome is not; no column names the
passer, the receiver or a team. Scales are fixed numbers, not fitted ones: there is nothing to
save beside a model, and nothing that could leak from one season into another.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.nfl.clock import CLOCK, HALF_SECONDS, LAST_TWO_MINUTES, QUARTER, QUARTER_SECONDS

AIR_YARDS: Final = "air_yards"
YARDS_TO_ENDZONE: Final = "yards_to_endzone"
AIR_YARDS_SCALE: Final = 10.0
YARDS_TO_ENDZONE_SCALE: Final = 50.0

# The feed holds some fifty air yards with a wrong sign or side; beyond these they say no more.
_AIR = pl.col("air_yards").fill_null(0).cast(pl.Float32).clip(-15, 60)
_FIELD = pl.col("yards_to_endzone").fill_null(50).cast(pl.Float32)
_TO_GO = pl.col("yards_to_go").fill_null(10).cast(pl.Float32)
_LEAD = pl.col("score_diff").fill_null(0).cast(pl.Float32).clip(-28, 28)


def hats(name: str, value: pl.Expr, knots: Sequence[float]) -> dict[str, pl.Expr]:
    """Hat functions on knots: a linear map of them is any piecewise linear function of value.

    Each is 1 at its knot and falls to 0 at the neighbours; beyond the end knots the end ones
    stay 1.

    >>> frame = pl.DataFrame({"x": [0.0, 2.5, 99.0]})
    >>> frame.select(**hats("x", pl.col("x"), [0, 5, 10])).rows()
    [(1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.0, 1.0)]
    """
    value = value.clip(knots[0], knots[-1])
    columns = {}
    for i, knot in enumerate(knots):
        slopes = []
        if i > 0:
            slopes.append((value - knots[i - 1]) / (knot - knots[i - 1]))
        if i + 1 < len(knots):
            slopes.append((knots[i + 1] - value) / (knots[i + 1] - knot))
        columns[f"{name}_near_{knot:g}"] = pl.min_horizontal(slopes).clip(0, 1)
    return columns


STATIC_FEATURES: Final[Mapping[str, pl.Expr]] = {
    AIR_YARDS: _AIR / AIR_YARDS_SCALE,
    YARDS_TO_ENDZONE: _FIELD / YARDS_TO_ENDZONE_SCALE,
    **hats("air_yards", _AIR, [-8, -5, -3, -1, 0, 1, 2, 4, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50]),
    **hats("yards_to_endzone", _FIELD, [1, 2, 3, 5, 8, 12, 17, 24, 35, 50, 75, 99]),
    **hats("beyond_goal_line", _AIR - _FIELD, [-30, -20, -12, -7, -4, -2, -1, 0, 1, 3, 6, 10]),
    **hats("beyond_marker", _AIR - _TO_GO, [-15, -8, -4, -2, -1, 0, 1, 2, 4, 8, 15]),
    # On an incompletion, 0 partly stands for "not recorded".
    "air_yards_are_zero": _AIR == 0,
    "air_yards_unknown": pl.col("air_yards").is_null(),
    "yards_to_go": _TO_GO.clip(0, 30) / 10,
    **{f"down_{i}": pl.col("down").fill_null(0).eq(i) for i in (1, 2, 3, 4)},
    **{f"quarter_{i}": QUARTER.fill_null(1).eq(i) for i in (1, 2, 3, 4, 5)},
    "clock": CLOCK.cast(pl.Float32) / QUARTER_SECONDS,
    "half_clock": HALF_SECONDS.cast(pl.Float32) / (2 * QUARTER_SECONDS),
    "two_minute": LAST_TWO_MINUTES,
    "lead": _LEAD / 14,
    **hats("lead", _LEAD, [-21, -14, -8, -3, 0, 3, 8, 14, 21]),
    "shotgun": pl.col("shotgun"),
    "no_huddle": pl.col("no_huddle"),
    "at_home": pl.col("offense") == pl.col("home_team"),
    "season": (pl.col("season") - 2013) / 5,
    "week": pl.col("week") / 17,
    "playoffs": pl.col("season_type") == "POST",
    **{f"location_{w}": pl.col("pass_location").eq(w) for w in ("left", "middle", "right")},
    **{f"depth_{w}": pl.col("pass_depth").eq(w) for w in ("short", "deep")},
}
"""Name of each column and how it comes from the passes table."""


def static_features(passes: pl.DataFrame) -> Float[NDArray, "B S"]:
    """Matrix of `STATIC_FEATURES`, one row a pass, float32; missing flags count as 0."""
    frame = passes.select(
        expression.cast(pl.Float32).fill_null(0).alias(name)
        for name, expression in STATIC_FEATURES.items()
    )
    return np.ascontiguousarray(frame.to_numpy())
