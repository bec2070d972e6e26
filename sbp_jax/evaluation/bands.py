"""What a figure shows of forecasts of a series."""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

BAND_LEVELS: Final = (0.005, 0.05, 0.25, 0.75, 0.95, 0.995)
"""Quantiles that a figure shows: the central 50, 90 and 99 %."""


class Bands(NamedTuple):
    """Central intervals of a forecast at every step, and what happened.

    Attributes:
        steps: (T,) which points of the series.
        y: (T,) what they turned out to be.
        quantiles: (6, T) at `BAND_LEVELS`, in the series' unit.
    """

    steps: Int[np.ndarray, " T"]
    y: Float[np.ndarray, " T"]
    quantiles: Float[np.ndarray, "levels T"]
