r"""A mixture of distributions of one family: several networks' answer, or several tops.

Symbols, for component i of M: w_i weight, F_i, f_i distribution function and density:

    F(y) = sum_i w_i F_i(y)     f(y) = sum_i w_i f_i(y)     F^-1 by inversion of F

All probabilities are sums of positive terms, taken in log space. The CRPS is by quadrature.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.bins import check_raw, log_of_either, random_levels
from sbp_jax.distributions.elementary import align, log_total
from sbp_jax.distributions.family import (
    Derived,
    Family,
    batch_shape,
    compiled,
    compiled_sample,
)
from sbp_jax.distributions.inversion import invert
from sbp_jax.distributions.score_quadrature import score_integral

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_FEATURES = (0.01, 0.25, 0.5, 0.75, 0.99)  # levels about which a component changes fast
_INNER = slice(1, -1)
_GUESSED = 1e-6  # levels nearer to 0 or 1 are looked for from here on


@dataclass(frozen=True)
class Mixture(Derived):
    """Mixture of M distributions of one family.

    Args:
        base: the family of the components.
        components: M >= 1.

    >>> from sbp_jax.distributions import Gaussian
    >>> family = Mixture(Gaussian(), components=2)
    >>> base = Gaussian.Params(jnp.array([-1.0, 3.0]), jnp.array([1.0, 1.0]))
    >>> params = Mixture.Params(jnp.zeros(2), base)
    >>> float(family.mean(params)), round(float(family.quantile(params, 0.5)), 4)
    (1.0, 1.0)
    """

    base: Family
    components: int = 2

    class Params(NamedTuple):
        """Logits of the weights; parameters of the base, components the last batch dimension."""

        logits: Float[Array, "*batch components"]
        base: Any

    def __post_init__(self) -> None:
        if not isinstance(self.components, int) or self.components < 1:
            raise ValueError(f"components: expected a whole number >= 1, got {self.components!r}")

    @property
    def num_outputs(self) -> int:
        """A logit for each component, then the outputs of each."""
        return self.components * (1 + self.base.num_outputs)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(getattr(self.base, "unit", 1.0))

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """Logits of the weights are raw itself; the base's parameters are as the base has them."""
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        logits, own = raw[..., : self.components], raw[..., self.components :]
        shape = (*raw.shape[:-1], self.components, self.base.num_outputs)
        return self.Params(logits, self.base.constrain(own.reshape(shape)))

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `log sum_i w_i f_i(y)`."""
        return self._log_sum(self.base.log_prob, params, y)

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function `sum_i w_i F_i(y)`."""
        return self._sum(self.base.cdf, params, y)

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log F, near F = 1 from 1 - F."""
        below, above = (
            self._log_sum(part, params, y) for part in (self.base.log_cdf, self.base.log_sf)
        )
        return log_of_either(below, above)

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function `sum_i w_i (1 - F_i(y))`."""
        return self._sum(self.base.sf, params, y)

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """log(1 - F), near 1 - F = 1 from F."""
        below, above = (
            self._log_sum(part, params, y) for part in (self.base.log_cdf, self.base.log_sf)
        )
        return log_of_either(above, below)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi], a sum over the components; -inf where hi <= lo."""
        return self._log_sum(self.base.log_interval, params, lo, hi)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F, by a search; ends of the support at 0 and 1, NaN outside [0, 1]."""
        (q,) = align(q)
        q = jnp.broadcast_to(q, jnp.broadcast_shapes(q.shape, batch_shape(self, params)))
        inside = (q > 0) & (q < 1)
        level = jnp.where(inside, q, 0.5)
        found = self._invert(params, level, 1 - level)
        ends = [self.base.quantile(params.base, end) for end in (0.0, 1.0)]
        low, high = jnp.min(ends[0], axis=-1), jnp.max(ends[1], axis=-1)
        end = jnp.where(q == 0, low, jnp.where(q == 1, high, jnp.nan))
        return jnp.where(inside, found, end)

    @compiled
    def mean(self, params: Params) -> Result:
        """`sum_i w_i E_i y`."""
        weights, mean = _with_weights(params, self.base.mean(params.base))
        return jnp.sum(weights * mean, axis=-1)

    @compiled
    def variance(self, params: Params) -> Result:
        """`sum_i w_i (Var_i + (E_i y - mean)^2)`; inf where a component's does not exist."""
        weights, variance = _with_weights(params, self.base.variance(params.base))
        exists = jnp.isfinite(variance)
        mean = jnp.where(exists, self.base.mean(params.base), 0.0)
        middle = jnp.sum(weights * mean, axis=-1, keepdims=True)
        return jnp.sum(weights * (variance + (mean - middle) ** 2), axis=-1)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion of uniform levels, differentiable in all parameters."""
        (logits,) = align(params.logits)
        levels = random_levels(key, (*shape, *batch_shape(self, params)), logits.dtype)
        return self._invert(params, *levels)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score, by quadrature; see `score_quadrature`."""
        return self.twcrps(params, y)

    @compiled
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        """Threshold-weighted CRPS from `lower` to `upper`, by quadrature."""
        points = [self.base.quantile(params.base, q) for q in _FEATURES]
        width = (points[-1] - points[0]) / 4
        location = jnp.concatenate(points[_INNER], axis=-1)
        scale = jnp.concatenate([width] * len(points[_INNER]), axis=-1)
        return score_integral(
            lambda t: self.cdf(params, t), lambda t: self.sf(params, t), y, location, scale,
            start=lower, stop=upper,
        )  # fmt: skip

    def _sum(self, part: Callable[..., Result], params: Params, *values: Value) -> Result:
        """A probability's mean over the components."""
        weights, found = _with_weights(params, part(params.base, *_expanded(values)))
        return jnp.sum(weights * found, axis=-1)

    def _log_sum(self, part: Callable[..., Result], params: Params, *values: Value) -> Result:
        """The log of a density's or a probability's mean over the components."""
        found = part(params.base, *_expanded(values))
        log_weights, found = align(jax.nn.log_softmax(params.logits, axis=-1), found)
        return log_total(log_weights + found)

    def _invert(self, params: Params, level: Array, complement: Array) -> Array:
        """Point y with F(y) = level = 1 - complement; it lies among those of the components."""
        # A guess: where a level rounds to 1 the component's answer would be infinite.
        points = self.base.quantile(params.base, jnp.clip(level, _GUESSED, 1 - _GUESSED)[..., None])
        low, high = jnp.min(points, axis=-1), jnp.max(points, axis=-1)
        margin = 0.1 * jnp.abs(high - low)
        return invert(
            lambda y: self.log_cdf(params, y),
            lambda y: self.log_sf(params, y),
            level,
            complement,
            low - margin,
            high + margin,
        )


def _expanded(values: Sequence[Value]) -> tuple[Array, ...]:
    return tuple(value[..., None] for value in align(*values))


def _with_weights(params: Mixture.Params, of_components: Array) -> tuple[Array, Array]:
    weights, found = align(jax.nn.softmax(params.logits, axis=-1), of_components)
    return weights, found
