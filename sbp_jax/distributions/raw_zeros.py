"""What raw zeros stand for: a location and a spread, and a mild shape within a range."""

import math
from collections.abc import Sequence

import jax
from jaxtyping import Array, Float

_MILD = 0.1  # the tail index that raw zeros stand for, where the range allows it


def check_location_scale(center: float, spread: float) -> None:
    """ValueError unless the centre is finite, and the spread finite and > 0."""
    if not math.isfinite(center):
        raise ValueError(f"center: expected a finite number, got {center!r}")
    if not 0 < spread < math.inf:
        raise ValueError(f"spread: expected a finite number > 0, got {spread!r}")


def check_shape_range(shape_range: Sequence[float | int]) -> tuple[float, float]:
    """Return the range as floats; ValueError unless -1 < lowest < highest < 2."""
    if len(shape_range) != 2 or not -1 < shape_range[0] < shape_range[1] < 2:
        raise ValueError(
            "shape_range: expected (lowest, highest) with -1 < lowest < highest < 2, "
            f"got {shape_range!r}"
        )
    return float(shape_range[0]), float(shape_range[1])


def squash_shape(
    raw: Float[Array, "..."], shape_range: Sequence[float | int]
) -> Float[Array, "..."]:
    """Sigmoid scaled to the range; raw 0 gives 0.1, or the middle where that is outside."""
    lowest, highest = shape_range
    at_zero = _MILD if lowest < _MILD < highest else (lowest + highest) / 2
    offset = math.log((at_zero - lowest) / (highest - at_zero))
    return lowest + (highest - lowest) * jax.nn.sigmoid(raw + offset)
