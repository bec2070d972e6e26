"""A histogram as a predictive distribution: constant density on each bin, nothing outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.bin_grid import grid
from sbp_jax.distributions.bins import Bins, Edges, check_edges, check_raw, random_levels
from sbp_jax.distributions.elementary import align_with, defined_by
from sbp_jax.distributions.family import Derived, compiled, compiled_sample

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]


@dataclass(frozen=True, init=False)
class Binned(Derived):
    """Piecewise uniform distribution: density `p_i / w_i` on bin i, `p = softmax(logits)`.

    Edge values: a bin owns its left edge, the last bin also its right one. Outside
    [e_0, e_n] the log density is -inf, F is 0 or 1, and an interval counts with the part of it
    that lies inside. Unlike the spliced family this one therefore gives a log likelihood of -inf
    to an observation out of range; clip targets to the edges if that can happen.

    Args:
        edges: at least 3 strictly increasing numbers, in the unit of the target.

    >>> family = Binned([0.0, 1.0, 3.0])
    >>> params = family.constrain(jnp.zeros(2))
    >>> float(family.cdf(params, 2.0)), float(family.quantile(params, 0.25))
    (0.75, 0.5)
    """

    edges: tuple[float, ...]

    class Params(NamedTuple):
        """Parameters of `Binned`: log probabilities of the bins up to a constant."""

        logits: Float[Array, "*batch bins"]

    def __init__(self, edges: Edges) -> None:
        object.__setattr__(self, "edges", check_edges(edges))

    @cached_property
    def bins(self) -> Bins:
        """The grid of bins."""
        return Bins(self.edges)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return self.edges[-1] - self.edges[0]

    @property
    def num_outputs(self) -> int:
        """One logit for each bin."""
        return self.bins.count

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """Logits = raw (clipped to +-1e30); zeros are equal probabilities."""
        return self.Params(logits=check_raw(jnp.asarray(raw), self.num_outputs))

    def knots(self, params: Params) -> Float[Array, "*batch knots"]:
        """The edges, where the density jumps."""
        (logits,) = align_with(params.logits)
        return jnp.broadcast_to(grid(self.edges, logits), (*logits.shape[:-1], len(self.edges)))

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `log p_i - log w_i`; -inf outside [e_0, e_n]."""
        return self.bins.log_prob(*align_with(params.logits, y))

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function: linear on each bin, 0 below e_0 and 1 above e_n."""
        return self.bins.cdf(*align_with(params.logits, y))

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log distribution function; -inf at and below e_0."""
        return self.bins.log_cdf(*align_with(params.logits, y))

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function, summed from above so that a small one is accurate."""
        return self.bins.sf(*align_with(params.logits, y))

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """Log survival function; -inf at and above e_n."""
        return self.bins.log_sf(*align_with(params.logits, y))

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi]; exactly `log p_i` where the interval is bin i."""
        return self.bins.log_interval(*align_with(params.logits, lo, hi))

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F; e_0 at 0, e_n at 1, NaN outside [0, 1]; empty bins are skipped."""
        logits, q = align_with(params.logits, q)
        valid = (q >= 0) & (q <= 1)
        return jnp.where(valid, self.bins.quantile(logits, q, 1 - q), jnp.nan)

    @compiled
    def mean(self, params: Params) -> Result:
        """Mean: the probability-weighted average of bin centres."""
        return self._moments(params, 0.0)[0]

    @compiled
    def variance(self, params: Params) -> Result:
        """Variance, summed about the mean, so that nothing cancels."""
        return self._moments(params, self.mean(params))[1]

    @compiled
    def entropy(self, params: Params) -> Result:
        """Differential entropy `-sum_i p_i log(p_i / w_i)`, in nats; an empty bin adds 0."""
        (logits,) = align_with(params.logits)
        first, last = (
            jnp.full((1,) * (logits.ndim - 1), x, logits.dtype)
            for x in (self.edges[0], self.edges[-1])
        )
        return self.bins.entropy(logits, first, last)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion; gradients are those of the quantile at fixed levels."""
        (logits,) = align_with(params.logits)
        shape = (*shape, *logits.shape[:-1])
        levels = random_levels(key, shape, logits.dtype)
        return self.bins.quantile(*align_with(logits, *levels))

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score; y outside adds its distance to the range."""
        logits, y = align_with(params.logits, y)
        lower, upper = jnp.full_like(y, self.edges[0]), jnp.full_like(y, self.edges[-1])
        none = jnp.zeros_like(y)
        outside = jnp.maximum(lower - y, 0.0) + jnp.maximum(y - upper, 0.0)
        return outside + self.bins.crps(logits, y, lower, upper, none, none)

    @compiled
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        r"""Threshold-weighted CRPS `\int_lower^upper (F(t) - 1{t >= y})^2 dt`, in closed form.

        `crps` with both infinite; 0 where upper <= lower.

        Reference: Gneiting and Ranjan (2011), Journal of Business and Economic Statistics 29.

        >>> family = Binned([0.0, 1.0, 2.0])
        >>> family.twcrps(family.constrain(jnp.zeros(2)), 5.0, 1.0)
        Array(3.5833335, dtype=float32)
        """
        logits, y, start, stop = align_with(params.logits, y, lower, upper)
        first, last = self.edges[0], self.edges[-1]
        near, far = (jnp.clip(x, first, last) for x in (start, stop))
        body = self.bins.crps(
            logits, y, near, far, self.bins.cdf(logits, near), self.bins.sf(logits, far)
        )
        below = jnp.maximum(jnp.minimum(stop, first) - jnp.maximum(start, y), 0.0)
        above = jnp.maximum(jnp.minimum(stop, y) - jnp.maximum(start, last), 0.0)
        score = below + body + above
        return defined_by(jnp.where(stop <= start, 0.0, score), body, y)

    def _moments(self, params: Params, center: Value) -> tuple[Result, Result]:
        logits, center = align_with(params.logits, center)
        lower, upper = jnp.full_like(center, self.edges[0]), jnp.full_like(center, self.edges[-1])
        return self.bins.moments(logits, lower, upper, center)
