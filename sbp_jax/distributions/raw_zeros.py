"""What raw zeros stand for: a location and a spread, and a mild shape within a range."""

import math
from typing import Any

import jax
from jaxtyping import Array, Float

from sbp_jax.distributions.arguments import Numbers, number, pair
from sbp_jax.errors import InputError

_MILD = 0.1  # the tail index that raw zeros stand for, where the range allows it


def keep_location_scale(family: Any) -> None:
    """Check `center` and `spread` of a frozen family that is being made, and keep them as numbers.

    Raises:
        InputError: the centre is not finite, or the spread not finite and > 0.
    """
    center, spread = number("center", family.center), number("spread", family.spread)
    if not math.isfinite(center):
        raise InputError(f"center: expected a finite number, got {center!r}")
    if not 0 < spread < math.inf:
        raise InputError(f"spread: expected a finite number > 0, got {spread!r}")
    object.__setattr__(family, "center", center)
    object.__setattr__(family, "spread", spread)


def check_shape_range(shape_range: Numbers) -> tuple[float, float]:
    """Return the range as floats; InputError unless -1 < lowest < highest < 2."""
    lowest, highest = pair("shape_range", shape_range)
    if not -1 < lowest < highest < 2:
        raise InputError(
            "shape_range: expected (lowest, highest) with -1 < lowest < highest < 2, "
            f"got {shape_range!r}"
        )
    return lowest, highest


def squash_shape(raw: Float[Array, "..."], shape_range: Numbers) -> Float[Array, "..."]:
    """Sigmoid scaled to the range; raw 0 gives 0.1, or the middle where that is outside."""
    lowest, highest = shape_range
    at_zero = _MILD if lowest < _MILD < highest else (lowest + highest) / 2
    offset = math.log((at_zero - lowest) / (highest - at_zero))
    return lowest + (highest - lowest) * jax.nn.sigmoid(raw + offset)
