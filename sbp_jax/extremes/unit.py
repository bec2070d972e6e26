"""The standard unit in which a detector computes, so that neither scale nor offset matter."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.errors import DetectorError

_SMALLEST, _LARGEST = 1e-30, 1e30  # of what float32 holds with room to spare


class Unit(NamedTuple):
    """A series in standard units is `(x - centre - rest) / scale`.

    Attributes:
        centre: near the median of the calibration values, in the unit of x.
        rest: what rounding to float32 cut off from that median.
        scale: a power of 2 near their mean distance from it.
    """

    centre: Float[Array, "*batch"]
    rest: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]


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


def to_standard(unit: Unit, x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Values in standard units, as float32."""
    return ((x - unit.centre - unit.rest) / unit.scale).astype(jnp.float32)


def host_standard(unit: Unit, x: Real[ArrayLike, "..."]) -> tuple[Float[Array, "..."], bool]:
    """Values of a JAX array, and whether they are in standard units already.

    What is not a JAX array is brought to them in float64, on the host: a NumPy series far from 0
    keeps the digits that float32 would cut off. That is not possible while the state is traced.

    Args:
        unit: of each series.
        x: values of each series, with or without a last axis of time.
    """
    if isinstance(x, jax.Array) or isinstance(unit.centre, jax.core.Tracer):
        return jnp.asarray(x), False
    x = np.asarray(x, np.float64)
    parts = (np.asarray(part, np.float64) for part in unit)
    centre, rest, scale = (part.reshape(part.shape + (1,) * (x.ndim - part.ndim)) for part in parts)
    return jnp.asarray((x - centre - rest) / scale, jnp.float32), True


def to_original(unit: Unit, standard: Float[Array, "series side"]) -> Float[Array, "series side"]:
    """What values in standard units are in the unit of x."""
    centre, rest, scale = (part[:, None] for part in unit)
    return standard * scale + rest + centre
