"""A unit of its own for each row of points: near 0 and of size 1, whatever they were before.

On the host in float64, so that points which float32 would not tell apart in the target's unit (1e6
and 1e6 + 0.01, or 1e-40) are told apart in their own.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

Rows = Float[np.ndarray, "..."]

LARGEST: Final = 1e37
"""Of a point, in size: what float32 holds with room for a scale."""

_LEAST_SHARE: Final = 1e-12  # of a row's range that a unit is: squares stay far below the largest
_EXPONENTS: Final = (-100, 120)  # what is narrower than 1e-30 as a whole is an atom so wide
_ROUNDINGS: Final = 32  # that neighbours lie apart


def own_unit(points: Rows, low: Rows, middle: Rows, high: Rows) -> tuple[Rows, Rows]:
    """Location and scale of each row, (..., 1) numbers of float32; the scale is a power of two.

    The unit is about the distance from the lower to the upper quartile; where these are one point
    the distance of the outermost, and where all are one point that point's size.

    Args:
        points: (..., k) increasing, finite.
        low: (..., 1) a point near the lower quartile.
        middle: near the median, where the digits are kept best.
        high: near the upper quartile.
    """
    reach = points[..., -1:] - points[..., :1]
    span = np.where(high > low, np.maximum(high - low, _LEAST_SHARE * reach), reach)
    span = np.where(span > 0, span, np.abs(middle))
    exponents = np.rint(np.log2(np.where(span > 0, span, 1.0)))
    return middle.astype(np.float32).astype(np.float64), 2.0 ** np.clip(exponents, *_EXPONENTS)


def apart(points: Rows) -> Rows:
    """Points in their own unit with neighbours at least 32 roundings apart, as float32.

    A rounding is that of 1 + |z|. Those that are too close are moved up, as far as it takes, so
    that what lies between them has a place.
    """
    step = _ROUNDINGS * float(np.finfo(np.float32).eps)
    size = 1 + np.minimum(np.abs(points[..., :-1]), np.abs(points[..., 1:]))
    close = np.any(np.diff(points, axis=-1) < step * size, axis=-1)
    if close.any():
        rows = points[close]
        steps = step * np.arange(points.shape[-1])
        # In this coordinate a rounding of 1 + |z| is about as long everywhere.
        even = np.copysign(np.log1p(np.abs(rows)), rows)
        even = np.maximum.accumulate(even - steps, axis=-1) + steps
        points = points.copy()
        points[close] = np.copysign(np.expm1(np.abs(even)), even)
    return points.astype(np.float32)
