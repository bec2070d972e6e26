"""The standard unit in which a detector computes, so that neither scale nor offset matter.

Numbers in the unit of x are kept as pairs of float32, the second of which is what rounding cut off
from the first: far from 0 one float32 cannot tell a value from its neighbours.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.errors import DetectorError

_SMALLEST, _LARGEST = 1e-30, 1e30  # of what float32 holds with room to spare


Number = Float[Array, "..."] | Float[np.ndarray, "..."]


class Unit(NamedTuple):
    """A series in standard units is `(x - centre - rest) / scale`.

    Attributes:
        centre: near the level of the series, at first the median of the calibration values, in the
            unit of x.
        rest: what rounding to float32 cut off from that level.
        scale: a power of 2 near the mean distance of the calibration values from their median.
    """

    centre: Float[Array, "*batch"]
    rest: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]


class Pair(NamedTuple):
    """Values in the unit of x, `high + low`."""

    high: Float[Array, "*batch"]
    low: Float[Array, "*batch"]


def find_unit(values: np.ndarray, name: str) -> tuple[float, float, float]:
    """Centre, rest and scale of a calibration series, none of whose values is NaN.

    Args:
        values: (N,) float64.
        name: of the series, for the message when it is constant or float32 cannot hold it.
    """
    median = np.median(values)
    spread = np.mean(np.abs(values - median))
    if spread == 0:
        raise DetectorError(
            f"{name}: expected values that vary, got {median:g} in all {len(values)}"
        )
    if not (_SMALLEST < spread < _LARGEST and abs(median) < _LARGEST):
        raise DetectorError(
            f"{name}: expected size and spread within {_SMALLEST:g} and {_LARGEST:g}, "
            f"got median {median:g} with mean distance {spread:g} from it"
        )
    centre = float(np.float32(median))
    rest = float(np.float32(median - centre))
    return centre, rest, float(np.exp2(np.round(np.log2(spread))))


def split(x: Real[ArrayLike, "..."]) -> Pair:
    """Values as pairs; what is not a JAX array, or is one of float64, keeps its digits.

    >>> pair = split(1e9 + 0.25)
    >>> float(pair.high), float(pair.low)
    (1000000000.0, 0.25)
    """
    if isinstance(x, jax.Array):
        whole = x.astype(jnp.result_type(float))
        high = jax.lax.reduce_precision(whole, 8, 23)  # a cast and back may be simplified away
        low = jnp.where(jnp.isfinite(high), whole - high, 0.0)
        return Pair(high.astype(jnp.float32), low.astype(jnp.float32))
    exact = np.asarray(x, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # inf is a value like any other
        rounded = exact.astype(np.float32)
        rest = np.where(np.isfinite(rounded), exact - rounded, 0.0)
    return Pair(jnp.asarray(rounded), jnp.asarray(rest, jnp.float32))


def join(high: Real[ArrayLike, "..."], low: Real[ArrayLike, "..."]) -> tuple[Number, Number]:
    """The sum of two numbers of any size, and what rounding it cut off.

    Outside of `jax.jit` the sum is a NumPy array of float64, that cuts off nothing of what matters
    here, and the second number is 0. In a traced program it is of JAX's default precision.

    >>> total, rest = join(jnp.float32(1e9), jnp.float32(3.25))
    >>> float(total) - 1e9, float(rest)
    (3.25, 0.0)
    >>> total, rest = jax.jit(join)(jnp.float32(1e9), jnp.float32(3.25))
    >>> float(total) - 1e9, float(rest)
    (0.0, 3.25)
    """
    if not (isinstance(high, jax.core.Tracer) or isinstance(low, jax.core.Tracer)):
        exact = np.asarray(np.asarray(high, np.float64) + np.asarray(low, np.float64))
        return exact, np.zeros_like(exact)
    high, low = (jnp.asarray(part, jnp.result_type(float)) for part in (high, low))
    total = high + low  # Knuth's two-sum
    of_low = total - high
    return total, (high - (total - of_low)) + (low - of_low)


def to_standard(unit: Unit, x: Pair) -> Float[Array, "*batch"]:
    """Values in standard units, as float32."""
    return ((x.high - unit.centre) + (x.low - unit.rest)) / unit.scale


def move(unit: Unit, distance: Float[Array, "*batch"]) -> Unit:
    """The unit of a level that lies further up by a distance in standard units."""
    exact = unit.rest + distance * unit.scale
    centre = unit.centre + exact
    of_exact = centre - unit.centre
    rest = (unit.centre - (centre - of_exact)) + (exact - of_exact)
    return Unit(centre, rest, unit.scale)
