"""Inputs near one and a target in standard units: what a network is trained on, in any unit.

A fit depends on the target's unit through its location and scale alone, so that a target times c
has the same fit. The scale is the standard deviation; for a law with heavy tails it may be bounded
by what the middle half of the values says, so that a few huge ones do not make all others alike.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.errors import InputError

_CONSTANT: Final = 1e-12  # of a column's size; a smaller spread is rounding
_SMALLEST: Final = 1e-30
_MOST_QUARTILES: Final = 5.0  # interquartile ranges: a normal law has 0.74, a lognormal one 1.5
_LEAST_SPREAD: Final = 1e-5  # of the target's size: its laws, in its unit, are float32


class Scaling(NamedTuple):
    """Locations and scales of the training part, of the numbers that it has.

    A constant column has scale 1.

    Attributes:
        static_loc: (S,) mean of each column.
        static_scale: (S,) standard deviation.
        step_loc: (C,) likewise, over observed steps.
        step_scale: (C,) likewise.
        loc: median of the target.
        scale: its standard deviation, or a bound of that.
    """

    static_loc: Float[NDArray, " S"]
    static_scale: Float[NDArray, " S"]
    step_loc: Float[NDArray, " C"]
    step_scale: Float[NDArray, " C"]
    loc: float
    scale: float

    @classmethod
    def of(cls, batch: Batch, y: Float[NDArray, " B"], *, bounded: bool = False) -> "Scaling":
        """That of a training part, NaN where an input is missing.

        Args:
            batch: the training part.
            y: its target.
            bounded: the target's scale is at most five interquartile ranges, if these are not 0.

        Raises:
            InputError: the target is constant, or nearly so beside its size.
        """
        scale = _spread_of_target(y)
        if bounded:
            scale = min(scale, _bound(y))
        steps = batch.sequence[batch.mask].astype(np.float64)
        if not len(steps):
            steps = np.zeros((1, batch.sequence.shape[2]))
        static = batch.static.astype(np.float64)
        return cls(
            _mean(static),
            _spread(static),
            _mean(steps),
            _spread(steps),
            float(np.median(y)),
            scale,
        )

    def inputs(self, batch: Batch) -> Batch:
        """The batch as a network is given it, without its target."""
        static = (batch.static - self.static_loc) / self.static_scale
        steps = (batch.sequence - self.step_loc) / self.step_scale
        steps = np.where(batch.mask[..., None], steps, 0.0)
        return batch._replace(static=static.astype(np.float32), sequence=steps.astype(np.float32))

    def standardise(self, y: Float[NDArray, " B"]) -> Float[NDArray, " B"]:
        """The target in standard units."""
        return ((y - self.loc) / self.scale).astype(np.float32)


def _mean(values: Float[NDArray, "B k"]) -> Float[NDArray, " k"]:
    return np.nanmean(values, axis=0) if np.isnan(values).any() else values.mean(axis=0)


def _spread(values: Float[NDArray, "B k"]) -> Float[NDArray, " k"]:
    spread = np.nanstd(values, axis=0) if np.isnan(values).any() else values.std(axis=0)
    size = np.nanmax(np.abs(values), axis=0)
    return np.where(spread > _CONSTANT * size, spread, 1.0)


def _bound(y: Float[NDArray, " B"]) -> float:
    low, middle, high = map(float, np.quantile(y, [0.25, 0.5, 0.75]))
    if low == high:
        return np.inf
    return max(_MOST_QUARTILES * (high - low), _LEAST_SPREAD * abs(middle), _SMALLEST)


def _spread_of_target(y: Float[NDArray, " B"]) -> float:
    scale, size = float(y.std()), float(np.abs(y).max())
    if y.min() == y.max():
        raise InputError(f"y: expected at least two different values, got {y[0]} throughout")
    if scale < _SMALLEST:
        raise InputError(
            f"y: expected a standard deviation >= 1e-30, got {scale:g}; change the unit"
        )
    if scale < _LEAST_SPREAD * size:
        raise InputError(
            f"y: expected a spread that float32 can hold beside numbers up to {size:g}, got a "
            f"standard deviation of {scale:g}; subtract a constant such as {np.median(y):g} before"
        )
    return scale
