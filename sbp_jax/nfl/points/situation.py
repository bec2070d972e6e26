"""The situation before a snap, as numbers that expected points are linear in."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.plays.static import hats
from sbp_jax.nfl.require_columns import require_columns

SITUATION: Final = ("down", "yards_to_go", "yards_to_endzone", "half_seconds")
"""Columns that say all of a situation: down 1 to 4, yards to go and to the end zone, seconds left
in the half."""

_FIELD = pl.col("yards_to_endzone").cast(pl.Float32)
_TO_GO = pl.col("yards_to_go").cast(pl.Float32)
_LEFT = pl.col("half_seconds").cast(pl.Float32)
_DOWNS = range(1, 5)
_FIELD_KNOTS = (1, 2, 4, 7, 12, 20, 30, 36, 45, 60, 75, 90, 99)
_TO_GO_KNOTS = (1, 2, 3, 5, 7, 10, 15, 20, 30)
_LEFT_KNOTS = (0, 10, 30, 60, 120, 240, 480, 900, 1800)


def _products(left: Mapping[str, pl.Expr], right: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    return {f"{a} {b}": x * y for a, x in left.items() for b, y in right.items()}


_IS_DOWN: Final = {f"down {i}": (pl.col("down") == i).cast(pl.Float32) for i in _DOWNS}
_CLOCK: Final = hats("left", _LEFT, _LEFT_KNOTS)

SITUATION_FEATURES: Final[Mapping[str, pl.Expr]] = {
    **_products(_IS_DOWN, hats("field", _FIELD, _FIELD_KNOTS)),
    **_products(_IS_DOWN, hats("to_go", _TO_GO, _TO_GO_KNOTS)),
    # A long field needs time; a try at the end zone from far away needs little.
    **_products(_CLOCK, hats("coarse_field", _FIELD, (1, 15, 35, 60, 99))),
    **_products(_CLOCK, _IS_DOWN),
    "goal to go": (_TO_GO >= _FIELD).cast(pl.Float32),
    # What a first down needs beside what there is room for, near the goal.
    **_products(_IS_DOWN, {"to_go by field": _TO_GO.clip(0, 20) / _FIELD.clip(1, 99) / 5}),
}
"""Name of each feature and how it comes from the columns of `SITUATION`."""


def situation_features(situations: pl.DataFrame) -> Float[np.ndarray, "B F"]:
    """Matrix of `SITUATION_FEATURES`, float32, from a table with the columns of `SITUATION`.

    Raises:
        PointsError: a column is missing, or a value is null or out of its range.
    """
    require_columns("situations", situations, SITUATION, PointsError)
    ranges = {"down": (1, 4), "yards_to_go": (0, 99), "yards_to_endzone": (0, 100)}
    for name in SITUATION:
        if count := situations[name].null_count():
            raise PointsError(f"situations: expected {name} in every row, got null in {count}")
    for name, (low, high) in ranges.items():
        outside = situations.filter(~pl.col(name).is_between(low, high))
        if outside.height:
            raise PointsError(
                f"situations: expected {name} from {low} to {high}, got {outside[name][0]}"
            )
    frame = situations.select(x.alias(name) for name, x in SITUATION_FEATURES.items())
    return np.ascontiguousarray(frame.cast(pl.Float32).to_numpy())
