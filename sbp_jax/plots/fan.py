"""Bands of quantiles along an axis, and where the values fell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Bool, Float, Real

from sbp_jax.evaluation.bands import BAND_LEVELS
from sbp_jax.plots.style import BLUE, INK, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRENGTHS: Final = (0.12, 0.22, 0.4)
"""How strong the bands are drawn, from the widest to the narrowest."""


def draw_fan(
    axis: "Axes",
    at: Real[np.ndarray, " T"],
    y: Float[np.ndarray, " T"],
    quantiles: Float[np.ndarray, "levels T"] | Sequence[Float[np.ndarray, " T"]],
) -> Bool[np.ndarray, " T"]:
    """Draw the central 50, 90 and 99 %, and values, those outside 99 % marked.

    Args:
        axis: to draw into.
        at: where each law stands.
        y: what was observed; NaN where missing.
        quantiles: at `BAND_LEVELS`.

    Returns:
        Which values lie outside.
    """
    for i, strength in enumerate(STRENGTHS):
        share = BAND_LEVELS[-1 - i] - BAND_LEVELS[i]
        axis.fill_between(
            at,
            quantiles[i],
            quantiles[-1 - i],
            color=BLUE,
            alpha=strength,
            lw=0,
            label=f"central {100 * share:.0f} %",
        )
    outside = (y < quantiles[0]) | (y > quantiles[-1])
    if not np.isnan(y).all():
        axis.plot(at, y, ".", ms=2.5, color=INK, label="observed")
        axis.plot(at[outside], y[outside], "o", ms=4, color=VERMILION, label="outside 99 %")
    return outside


def outside_of(outside: Bool[np.ndarray, " T"], y: Float[np.ndarray, " T"]) -> str:
    """How many values lie outside, in words."""
    return f"{outside.sum()} of {(~np.isnan(y)).sum()} outside 99 %"
