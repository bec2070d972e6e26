r"""How much a point is worth for winning when a play is snapped, from score and clock alone.

With the lead L of the offence and t seconds left, the rest of the game adds a normal margin with
standard deviation s = 13.5 sqrt(t / 3600), so that [1]

    P(win) = Phi(L / s),      d P(win) / d L = phi(L / s) / s

The second is a play's leverage: large in a close game near its end, next to nothing with three
scores between the teams late. It is known before the snap, so a play score that is fair by itself
stays fair under these weights. Half a minute is added to t, without which the last plays of a close
game would weigh without bound.

References:
    [1] Stern (1991), "On the probability of winning a football game", The American Statistician
    45 (standard deviation 13.5 to 14 points), and (1994), "A Brownian motion model for the progress
    of sports scores", JASA 89 (the square root of time).
"""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.clock import GAME_SECONDS_LEFT, QUARTER_SECONDS

MARGIN_SD: Final = 13.5
GAME_SECONDS: Final = 4 * QUARTER_SECONDS
FLOOR_SECONDS: Final = 30
LEAST: Final = 1e-9
"""Least leverage: in a game long decided it would underflow, and no mean can be made of zeros."""


def leverage(passes: pl.DataFrame) -> Float[np.ndarray, " B"]:
    """Leverage of each pass, relative to that of the first snap of a game, which has 1.

    Args:
        passes: columns score_diff, quarter and clock_seconds; where one is null the pass gets the
            mean leverage of the others.

    >>> late = {"quarter": [4, 4], "clock_seconds": [120, 120]}
    >>> leverage(pl.DataFrame(late | {"score_diff": [0, 21]})).round(2).tolist()
    [4.92, 0.0]
    """
    left = seconds_left(passes)
    lead = passes["score_diff"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    spread = np.sqrt((left + FLOOR_SECONDS) / (GAME_SECONDS + FLOOR_SECONDS))
    worth = np.exp(-0.5 * (lead / (MARGIN_SD * spread)) ** 2) / spread
    known = ~np.isnan(worth)
    worth = np.where(known, worth, worth[known].mean() if known.any() else 1.0)
    return np.maximum(worth, LEAST)


def seconds_left(passes: pl.DataFrame) -> Float[np.ndarray, " B"]:
    """Seconds left in the game, or in the overtime; NaN where the clock is unknown."""
    return passes.select(GAME_SECONDS_LEFT.fill_null(float("nan"))).to_series().to_numpy()
