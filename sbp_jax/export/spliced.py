"""The spliced binned-Pareto distribution in NumPy.

Formulas and symbols are those of `sbp_jax.distributions.spliced_binned_pareto`: bins between the
thresholds t_L and t_U, generalized Pareto tails of shape xi and scale beta beyond.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.bins import Bins
from sbp_jax.export.family import Parameters, at_values_of, clipped, positive, squashed_shape

Floats = NDArray[np.floating]
_TAILS = ("lower", "upper")


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
        tail_mass: probability of the lower and of the upper tail; None for one that is left out.
        splice: "quantile" or "edge", where the thresholds lie.
        shape_range: lowest and highest tail shape.
    """

    def __init__(
        self,
        edges: Sequence[float],
        tail_mass: Sequence[float | None],
        splice: str,
        shape_range: Sequence[float],
    ) -> None:
        self._bins = Bins(edges)
        self._span = edges[-1] - edges[0]
        self._tail_mass = tail_mass
        self._splice_at = splice
        self._shape_range = shape_range
        self.num_outputs = self._bins.count + 2 * sum(mass is not None for mass in tail_mass)

    def constrain(self, raw: Floats) -> Parameters:
        """Logits (..., n), shapes and scales (...) from raw outputs (..., n + 4).

        A tail that is left out has no raw outputs, shape 0 and scale 1.
        """
        raw = clipped(raw)
        logits = raw[..., : self._bins.count]
        found, at = {"logits": logits}, self._bins.count
        for side, mass in zip(_TAILS, self._tail_mass, strict=True):
            shape, scale = np.zeros_like(logits[..., 0]), np.ones_like(logits[..., 0])
            if mass is not None:
                shape = squashed_shape(raw[..., at], self._shape_range)
                scale = positive(raw[..., at + 1], mass * self._span)
                at += 2
            found |= {f"{side}_shape": shape, f"{side}_scale": scale}
        return found

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function at y."""
        y, cut, lower, upper = self._placed(parameters, y)
        body = self._bins.cdf(parameters["logits"], y)
        value = np.where(self._in_upper(y, cut), -np.expm1(cut.log_above - upper), body)
        return np.where(y < cut.lower, np.exp(cut.log_below - lower), value)

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Survival function at y."""
        y, cut, lower, upper = self._placed(parameters, y)
        body = self._bins.sf(parameters["logits"], y)
        value = np.where(self._in_upper(y, cut), np.exp(cut.log_above - upper), body)
        return np.where(y < cut.lower, -np.expm1(cut.log_below - lower), value)

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """Log density at y, in a tail `log a - log beta - (1 + xi) L`."""
        y, cut, lower, upper = self._placed(parameters, y)
        below, above = (
            -np.log(parameters[f"{side}_scale"]) - (1 + parameters[f"{side}_shape"]) * passed
            for side, passed in zip(_TAILS, (lower, upper), strict=True)
        )
        body = self._bins.log_prob(parameters["logits"], y)
        value = np.where(self._in_upper(y, cut), cut.log_above + above, body)
        return np.where(y < cut.lower, cut.log_below + below, value)

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F; the ends of the support at 0 and 1, NaN outside [0, 1]."""
        q = at_values_of(parameters["logits"], q)
        cut = self._splice(parameters["logits"])
        with np.errstate(divide="ignore", invalid="ignore"):
            log_below, log_above = np.log(q), np.log(1 - q)
            below, above = (
                np.maximum(log_mass - log_level, 0)
                for log_mass, log_level in zip(cut[2:], (log_below, log_above), strict=True)
            )
        lower = cut.lower - excess(below, parameters["lower_shape"], parameters["lower_scale"])
        upper = cut.upper + excess(above, parameters["upper_shape"], parameters["upper_scale"])
        value = self._bins.quantile(parameters["logits"], q)
        value = np.where(log_above < cut.log_above, upper, value)
        value = np.where(log_below < cut.log_below, lower, value)
        return np.where((q >= 0) & (q <= 1), value, np.nan)

    def _placed(self, parameters: Parameters, y: Floats) -> tuple[Floats, Splice, Floats, Floats]:
        """Points, thresholds, and L of what lies beyond the lower and the upper one."""
        y = at_values_of(parameters["logits"], y)
        cut = self._splice(parameters["logits"])
        excesses = np.maximum(cut.lower - y, 0), np.maximum(y - cut.upper, 0)
        lower, upper = (
            hazard(z, parameters[f"{side}_shape"], parameters[f"{side}_scale"])
            for side, z in zip(_TAILS, excesses, strict=True)
        )
        return y, cut, lower, upper

    def _in_upper(self, y: Floats, cut: Splice) -> NDArray[np.bool_]:
        """With splice "edge" the upper threshold belongs to its tail, as bins own left edges."""
        own = self._splice_at == "edge" and self._tail_mass[1] is not None
        found: NDArray[np.bool_] = y >= cut.upper if own else y > cut.upper
        return found

    def _splice(self, logits: Floats) -> Splice:
        (lower, log_below), (upper, log_above) = (
            self._cut(logits, mass, upper=upper)
            for mass, upper in zip(self._tail_mass, (False, True), strict=True)
        )
        return Splice(lower, upper, log_below, log_above)

    def _cut(self, logits: Floats, mass: float | None, *, upper: bool) -> tuple[Floats, Floats]:
        """Threshold of one side and the log of what lies beyond; the last edge without a tail."""
        if mass is None:
            end = np.full(logits.shape[:-1], self._bins.end(upper=upper), logits.dtype)
            return end, np.full_like(end, -np.inf)
        level = np.full(logits.shape[:-1], mass, logits.dtype)
        if self._splice_at == "quantile":
            return self._bins.quantile_from(logits, level, upper=upper), np.log(level)
        return self._bins.edge_from(logits, level, upper=upper)


def hazard(z: Floats, shape: Floats, scale: Floats) -> Floats:
    """L(z) = -log S(z) of the generalized Pareto, `log1p(xi z / beta) / xi`, for z >= 0.

    Infinite from the end of the support on, which shapes below 0 have.

    >>> float(hazard(np.array(3.0), np.array(1.0), np.array(1.0)))  # log 4
    1.3862943611198906
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = z / scale
        u = shape * x
        value = np.where((u == 0) | (shape == 0), x, x * (np.log1p(u) / u))
        # Where a ratio overflows its logarithm does not.
        apart = np.log(shape) + np.log(z) - np.log(scale)
        value = np.where((u == np.inf) & (z < np.inf), np.logaddexp(0, apart) / shape, value)
    return np.where((u <= -1) | (z == np.inf), np.inf, value)


def excess(w: Floats, shape: Floats, scale: Floats) -> Floats:
    """Excess z with L(z) = w, `beta expm1(xi w) / xi`; the end of the support for infinite w.

    >>> float(excess(np.array(2.0), np.array(0.0), np.array(3.0)))
    6.0
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        u = shape * w
        return scale * np.where((u == 0) | (shape == 0), w, np.expm1(u) / shape)
