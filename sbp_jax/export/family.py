"""The families of distributions in NumPy, as a weights file names them.

Parameters are a dictionary of arrays, named as the fields of the JAX family's ``Params``.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.bins import Bins

Floats = NDArray[np.floating]
Parameters = dict[str, Floats]

_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the scale that raw zeros stand for
# NumPy has no error function; the standard library's are exact in both tails.
_erfc = np.frompyfunc(math.erfc, 1, 1)
_standard_normal = NormalDist()


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
        z = (at_values_of(loc, y) - loc) / scale
        return 0.5 * np.asarray(_erfc(-z / math.sqrt(2))).astype(loc.dtype)

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """`loc + scale Phi^-1(q)`; infinite at 0 and 1, NaN outside [0, 1]."""
        loc, scale = parameters["loc"], parameters["scale"]
        return loc + scale * np.asarray(_normal_quantile(q)).astype(loc.dtype)


def clipped(raw: Floats) -> Floats:
    """Keep raw outputs so far from overflow that no sum of two can."""
    return np.clip(raw, -1e30, 1e30)


def positive(raw: Floats, at_zero: float) -> Floats:
    """Softplus scaled to `at_zero` at raw = 0, above a floor of a thousandth of it."""
    softplus = np.logaddexp(raw, np.zeros_like(raw))
    return at_zero * (_SCALE_FLOOR + (1 - _SCALE_FLOOR) * softplus / math.log(2))


def at_values_of(like: Floats, values: Floats) -> Floats:
    """Points or levels in the dtype of the parameters."""
    return np.asarray(values, like.dtype)


def _inverse_normal(q: float) -> float:
    if 0 < q < 1:
        return _standard_normal.inv_cdf(q)
    return {0.0: -math.inf, 1.0: math.inf}.get(q, math.nan)


_normal_quantile = np.frompyfunc(_inverse_normal, 1, 1)
