"""The spliced binned-Pareto distribution in NumPy.

Formulas and symbols are those of `sbp_jax.distributions.spliced_binned_pareto`: bins between the
thresholds t_L and t_U, generalized Pareto tails of shape xi and scale beta beyond.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.bins import Bins
from sbp_jax.export.family import Parameters, at_values_of, clipped, positive

Floats = NDArray[np.floating]
_MILD_SHAPE = 0.1  # the tail index that raw zeros stand for, where the range allows it


class Splice(NamedTuple):
    """Thresholds, and the log probability of what lies below the one and above the other."""

    lower: Floats
    upper: Floats
    log_below: Floats
    log_above: Floats


class Spliced:
    """Spliced binned-Pareto distribution.

    Args:
        edges: of the bins.
        tail_mass: probability of the lower and of the upper tail.
        splice: "quantile" or "edge", where the thresholds lie.
        shape_range: lowest and highest tail shape.
    """

    def __init__(
        self,
        edges: Sequence[float],
        tail_mass: Sequence[float],
        splice: str,
        shape_range: Sequence[float],
    ) -> None:
        self._bins = Bins(edges)
        self._span = edges[-1] - edges[0]
        self._tail_mass = tail_mass
        self._splice_at = splice
        self._shape_range = shape_range
        self.num_outputs = self._bins.count + 4

    def constrain(self, raw: Floats) -> Parameters:
        """Logits (..., n), shapes and scales (...) from raw outputs (..., n + 4)."""
        raw = clipped(raw)
        below, above = self._tail_mass
        return {
            "logits": raw[..., :-4],
            "lower_shape": self._shape(raw[..., -4]),
            "lower_scale": positive(raw[..., -3], below * self._span),
            "upper_shape": self._shape(raw[..., -2]),
            "upper_scale": positive(raw[..., -1], above * self._span),
        }

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function at y."""
        y = at_values_of(parameters["logits"], y)
        cut = self._splice(parameters["logits"])
        lower = cut.log_below - hazard(
            np.maximum(cut.lower - y, 0), parameters["lower_shape"], parameters["lower_scale"]
        )
        upper = cut.log_above - hazard(
            np.maximum(y - cut.upper, 0), parameters["upper_shape"], parameters["upper_scale"]
        )
        # With splice "edge" the upper threshold belongs to its tail, as bins own left edges.
        in_upper = y >= cut.upper if self._splice_at == "edge" else y > cut.upper
        body = self._bins.cdf(parameters["logits"], y)
        value = np.where(in_upper, -np.expm1(upper), body)
        return np.where(y < cut.lower, np.exp(lower), value)

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F; the ends of the support at 0 and 1, NaN outside [0, 1]."""
        q = at_values_of(parameters["logits"], q)
        cut = self._splice(parameters["logits"])
        with np.errstate(divide="ignore", invalid="ignore"):
            log_below, log_above = np.log(q), np.log(1 - q)
        lower = cut.lower - excess(
            np.maximum(cut.log_below - log_below, 0),
            parameters["lower_shape"],
            parameters["lower_scale"],
        )
        upper = cut.upper + excess(
            np.maximum(cut.log_above - log_above, 0),
            parameters["upper_shape"],
            parameters["upper_scale"],
        )
        value = self._bins.quantile(parameters["logits"], q)
        value = np.where(log_above < cut.log_above, upper, value)
        value = np.where(log_below < cut.log_below, lower, value)
        return np.where((q >= 0) & (q <= 1), value, np.nan)

    def _shape(self, raw: Floats) -> Floats:
        """A sigmoid over the range of shapes, 0 giving the mild one."""
        lowest, highest = self._shape_range
        at_zero = _MILD_SHAPE if lowest < _MILD_SHAPE < highest else (lowest + highest) / 2
        offset = math.log((at_zero - lowest) / (highest - at_zero))
        # The sigmoid as a tanh, which cannot overflow.
        return lowest + (highest - lowest) * (0.5 * (1 + np.tanh(0.5 * (raw + offset))))

    def _splice(self, logits: Floats) -> Splice:
        below, above = (np.full(logits.shape[:-1], mass, logits.dtype) for mass in self._tail_mass)
        if self._splice_at == "quantile":
            lower = self._bins.quantile_from(logits, below, upper=False)
            upper = self._bins.quantile_from(logits, above, upper=True)
            return Splice(lower, upper, np.log(below), np.log(above))
        lower, log_below = self._bins.edge_from(logits, below, upper=False)
        upper, log_above = self._bins.edge_from(logits, above, upper=True)
        return Splice(lower, upper, log_below, log_above)


def hazard(z: Floats, shape: Floats, scale: Floats) -> Floats:
    """L(z) = -log S(z) of the generalized Pareto, `log1p(xi z / beta) / xi`, for z >= 0.

    Infinite from the end of the support on, which shapes below 0 have.

    >>> float(hazard(np.array(3.0), np.array(1.0), np.array(1.0)))  # log 4
    1.3862943611198906
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        x = z / scale
        u = shape * x
        value = np.where(u == 0, x, x * (np.log1p(u) / u))
    return np.where((u > -1) & (x < np.inf), value, np.inf)


def excess(w: Floats, shape: Floats, scale: Floats) -> Floats:
    """Excess z with L(z) = w, `beta expm1(xi w) / xi`; the end of the support for infinite w.

    >>> float(excess(np.array(2.0), np.array(0.0), np.array(3.0)))
    6.0
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        u = shape * w
        return scale * np.where((u == 0) | (shape == 0), w, np.expm1(u) / shape)
