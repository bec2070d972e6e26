"""What the expectation of a scored play knows: the throw and its situation, and nobody's quality.

A score asks how well a play went for the throw that it was. So its forecast knows how far and where
the ball goes, down, distance, field position, clock and whose field it is. It does not know the
score, the formation, the season or the game so far: a team that leads, or completed its passes
so far, is more often a good team, and a forecast that knows it expects more of good passers and
rewards them less. Left out on purpose, they are free to show up in splits.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.plays.static import STATIC_FEATURES, hats

_LEFT_OUT: Final = ("lead", "season", "week", "playoffs", "shotgun", "no_huddle")
_TO_GO: Final = pl.col("yards_to_go").fill_null(10).cast(pl.Float32)

EXPECTATION_FEATURES: Final[Mapping[str, pl.Expr]] = {
    **{
        name: expression
        for name, expression in STATIC_FEATURES.items()
        if not name.startswith(_LEFT_OUT)
    },
    **hats("yards_to_go", _TO_GO, [1, 2, 3, 5, 7, 10, 13, 16, 20, 25]),
    "location_unknown": pl.col("pass_location").is_null(),
}
"""Name of each column and how it comes from the passes table."""


def expectation_features(passes: pl.DataFrame) -> Float[np.ndarray, "B S"]:
    """Matrix of `EXPECTATION_FEATURES`, one row a pass, float32; missing flags count as 0."""
    frame = passes.select(
        expression.cast(pl.Float32).fill_null(0).alias(name)
        for name, expression in EXPECTATION_FEATURES.items()
    )
    return np.ascontiguousarray(frame.to_numpy())
