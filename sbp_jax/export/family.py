"""The families of distributions in NumPy, as a weights file names them.

Parameters are a dictionary of arrays, named as the fields of the JAX family's ``Params``.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.bins import Bins

Floats = NDArray[np.floating]
Parameters = dict[str, Any]
"""Arrays by name; those of a base family are a dictionary of their own."""

_MILD_SHAPE = 0.1  # the tail index that raw zeros stand for, where the range allows it
_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the scale that raw zeros stand for
# NumPy has no error function; the standard library's are exact in both tails.
_erfc = np.frompyfunc(math.erfc, 1, 1)
_standard_normal = NormalDist()


class Family(Protocol):
    """What each of them offers; arguments broadcast with the parameters by NumPy's rules."""

    num_outputs: int

    def constrain(self, raw: Floats) -> Parameters:
        """Parameters from raw numbers (..., num_outputs)."""

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """Log density; -inf outside the support."""

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function, accurate where it is small."""

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Survival function, accurate where it is small."""

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F; the ends of the support at 0 and 1, NaN outside [0, 1]."""


class Binned:
    """A histogram: constant density on each bin, nothing outside."""

    def __init__(self, edges: Sequence[float]) -> None:
        self._bins = Bins(edges)
        self.num_outputs = self._bins.count

    def constrain(self, raw: Floats) -> Parameters:
        """Logits (..., n)."""
        return {"logits": clipped(raw)}

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Linear on each bin, 0 below all and 1 above."""
        logits = parameters["logits"]
        return self._bins.cdf(logits, at_values_of(logits, y))

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Likewise, from above."""
        logits = parameters["logits"]
        return self._bins.sf(logits, at_values_of(logits, y))

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """Log density; -inf outside the bins."""
        logits = parameters["logits"]
        return self._bins.log_prob(logits, at_values_of(logits, y))

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F; NaN outside [0, 1]."""
        logits = parameters["logits"]
        q = at_values_of(logits, q)
        return np.where((q >= 0) & (q <= 1), self._bins.quantile(logits, q), np.nan)


class Gaussian:
    """The normal distribution.

    >>> family = Gaussian(center=7.0, spread=10.0)
    >>> parameters = family.constrain(np.zeros(2, np.float32))
    >>> family.cdf(parameters, np.array(7.0)).tolist()
    0.5
    """

    num_outputs = 2

    def __init__(self, center: float, spread: float) -> None:
        self._center = center
        self._spread = spread

    def constrain(self, raw: Floats) -> Parameters:
        """Location and scale."""
        raw = clipped(raw)
        loc = self._center + self._spread * raw[..., 0]
        return {"loc": loc, "scale": positive(raw[..., 1], self._spread)}

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Phi((y - loc) / scale)."""
        loc, scale = parameters["loc"], parameters["scale"]
        return normal_cdf((at_values_of(loc, y) - loc) / scale)

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Phi((loc - y) / scale)."""
        loc, scale = parameters["loc"], parameters["scale"]
        return normal_cdf((loc - at_values_of(loc, y)) / scale)

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """Log density."""
        loc, scale = parameters["loc"], parameters["scale"]
        return log_normal_density((at_values_of(loc, y) - loc) / scale) - np.log(scale)

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """`loc + scale Phi^-1(q)`; infinite at 0 and 1, NaN outside [0, 1]."""
        loc, scale = parameters["loc"], parameters["scale"]
        return loc + scale * normal_quantile(q).astype(loc.dtype)


def defined_by(value: Floats, parameters: Parameters, shape: tuple[int, ...]) -> Floats:
    """The value of distributions of that shape, NaN where one of their parameters is."""
    undefined = np.zeros(shape, np.bool_)
    for leaf in _leaves(parameters):
        undefined |= np.isnan(leaf).reshape(*shape, -1).any(axis=-1)
    return np.where(undefined, np.nan, value) if undefined.any() else value


def _leaves(parameters: Parameters) -> list[Floats]:
    return [
        leaf
        for value in parameters.values()
        for leaf in (_leaves(value) if isinstance(value, dict) else [value])
    ]


def clipped(raw: Floats) -> Floats:
    """Keep raw outputs so far from overflow that no sum of two can."""
    return np.clip(raw, -1e30, 1e30)


def positive(raw: Floats, at_zero: Any, floor: float = _SCALE_FLOOR) -> Floats:
    """Softplus scaled to `at_zero` at raw = 0, above a floor, a fraction of it."""
    softplus = np.logaddexp(raw, np.zeros_like(raw))
    return at_zero * (floor + (1 - floor) * softplus / math.log(2))


def squashed_shape(raw: Floats, shape_range: Sequence[float]) -> Floats:
    """A sigmoid over the range of tail shapes, 0 giving a mild one."""
    lowest, highest = shape_range
    at_zero = _MILD_SHAPE if lowest < _MILD_SHAPE < highest else (lowest + highest) / 2
    offset = math.log((at_zero - lowest) / (highest - at_zero))
    return lowest + (highest - lowest) * sigmoid(raw + offset)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), as a tanh, which cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def normal_cdf(z: Floats) -> Floats:
    """Phi(z), accurate in both tails.

    >>> float(normal_cdf(np.array(-10.0)))
    7.61985302416...e-24
    """
    return 0.5 * np.asarray(_erfc(-z / math.sqrt(2))).astype(z.dtype)


def log_normal_density(z: Floats) -> Floats:
    """Log phi(z)."""
    with np.errstate(over="ignore"):
        return -0.5 * z * z - 0.5 * math.log(2 * math.pi)


def normal_quantile(q: Floats) -> Floats:
    """Phi^-1(q); infinite at 0 and 1, NaN outside [0, 1]."""
    with np.errstate(invalid="ignore"):  # what a comparison with NaN is called
        return np.asarray(_normal_quantile(q)).astype(np.float64)


def at_values_of(like: Floats, values: Floats) -> Floats:
    """Points or levels in the dtype of the parameters."""
    return np.asarray(values, like.dtype)


def _inverse_normal(q: float) -> float:
    if 0 < q < 1:
        return _standard_normal.inv_cdf(q)
    return {0.0: -math.inf, 1.0: math.inf}.get(q, math.nan)


_normal_quantile = np.frompyfunc(_inverse_normal, 1, 1)
