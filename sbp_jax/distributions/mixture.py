r"""A mixture of distributions of one family: several networks' answer, or several tops.

Symbols, for component i of M: w_i weight, F_i, f_i distribution function and density:

    F(y) = sum_i w_i F_i(y)     f(y) = sum_i w_i f_i(y)     F^-1 by inversion of F

All probabilities are sums of positive terms, taken in log space. The CRPS is by quadrature.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.arguments import Whole, family_of, whole
from sbp_jax.distributions.bins import check_raw, log_of_either, random_levels
from sbp_jax.distributions.elementary import (
    align,
    align_with,
    defined_by,
    float_dtype,
    log_total,
    weighted_sum,
)
from sbp_jax.distributions.family import (
    Derived,
    Family,
    batch_shape,
    compiled,
    compiled_sample,
    on_any_mesh,
    where_base_has,
)
from sbp_jax.distributions.inversion import invert
from sbp_jax.distributions.layout import settled_scan
from sbp_jax.distributions.score_quadrature import score_integral

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

# Powers of 1/4 into either tail: between two of them a power law is as good as a polynomial.
_TAIL_LEVELS = (*(0.25**k for k in range(10, 1, -1)), *(1 - 0.25**k for k in range(2, 11)))
_LEVELS = tuple(sorted([*_TAIL_LEVELS, *(k / 32 for k in range(3, 30))]))
_NODES, _WEIGHTS = (x.tolist() for x in np.polynomial.legendre.leggauss(4))  # on [-1, 1]
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
    components: Whole = 2

    class Params(NamedTuple):
        """Logits of the weights; parameters of the base, components the last batch dimension."""

        logits: Float[Array, "*batch components"]
        base: Any

    def __post_init__(self) -> None:
        family_of("base", self.base)
        object.__setattr__(self, "components", whole("components", self.components, 1))

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

    @where_base_has("log_window")
    @on_any_mesh
    def log_window(self, params: Params, y: Value) -> Result:
        """Log of the mean density about y, each component's window.

        Raises:
            AttributeError: the base has none.
        """
        moved: Any = self.base
        return self._log_sum(moved.log_window, params, y)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F, by a search; ends of the support at 0 and 1, NaN outside [0, 1]."""
        (q,) = align(q)
        q = jnp.broadcast_to(q, jnp.broadcast_shapes(q.shape, batch_shape(self, params)))
        inside = (q > 0) & (q < 1)
        level = jnp.where(inside, q, 0.5)
        found = self._invert(params, level, 1 - level)
        ends = _quantiles(self.base, params.base, (0.0, 1.0))
        low, high = jnp.min(ends[0], axis=-1), jnp.max(ends[1], axis=-1)
        end = jnp.where(q == 0, low, jnp.where(q == 1, high, jnp.nan))
        return defined_by(jnp.where(inside, found, end), found)

    @compiled
    def mean(self, params: Params) -> Result:
        """`sum_i w_i E_i y`."""
        weights, mean = _with_weights(params, self.base.mean(params.base))
        return weighted_sum(weights, mean)

    @compiled
    def variance(self, params: Params) -> Result:
        """`sum_i w_i (Var_i + (E_i y - mean)^2)`; inf where a component's does not exist."""
        weights, variance = _with_weights(params, self.base.variance(params.base))
        exists = jnp.isfinite(variance)
        mean = jnp.where(exists, self.base.mean(params.base), 0.0)
        middle = weighted_sum(weights, mean)[..., None]
        return weighted_sum(weights, variance + (mean - middle) ** 2)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion of uniform levels, differentiable in all parameters."""
        (logits,) = align(params.logits)
        levels = random_levels(key, (*shape, *batch_shape(self, params)), logits.dtype)
        return self._invert(params, *levels)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score, by quadrature; see `twcrps`."""
        return self.twcrps(params, y)

    @compiled
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        """Threshold-weighted CRPS from `lower` to `upper`, by quadrature.

        Between the outermost knots of all components, where a density may jump, F is smooth from
        knot to knot: four Gauss points a piece, exact where densities are constant. Beyond them the
        rule of `score_quadrature` for tails. Quantiles of the components are knots too.
        """
        knots, y, lower, upper = align_with(_knots(self.base, params.base), y, lower, upper)
        first, last = knots[..., 0], knots[..., -1]
        # Of an interval without length, which may lie at inf, any other will do.
        none = upper <= lower
        lower, upper = (jnp.where(none, first, x) for x in (lower, upper))
        scale = jnp.maximum(last - first, jnp.finfo(first.dtype).tiny)[..., None] / 4
        beyond = partial(
            score_integral, lambda t: self.cdf(params, t), lambda t: self.sf(params, t), y
        )
        below = beyond(first[..., None], scale, start=lower, stop=jnp.minimum(first, upper))
        above = beyond(last[..., None], scale, start=jnp.maximum(last, lower), stop=upper)
        ends = (jnp.clip(x, lower, upper) for x in (first, last))
        return below + self._between(params, y, knots, *ends) + above

    def _between(
        self, params: Params, y: Array, knots: Array, lower: Array, upper: Array
    ) -> Result:
        """Integral of `(F(t) - 1{t >= y})^2` between two points among the knots."""
        inner = jnp.clip(y, lower, upper)
        shape = jnp.broadcast_shapes(knots.shape[:-1], inner.shape)
        inside = jnp.clip(knots, lower[..., None], upper[..., None])
        pieces = jnp.concatenate(
            [
                jnp.broadcast_to(inside, (*shape, knots.shape[-1])),
                jnp.broadcast_to(inner, shape)[..., None],
            ],
            axis=-1,
        )
        pieces = jnp.moveaxis(jnp.sort(pieces, axis=-1), -1, 0)
        lefts, widths = pieces[:-1], pieces[1:] - pieces[:-1]

        def at_node(total: Array, rule: Array) -> tuple[Array, None]:
            node, weight = rule
            t = lefts + widths * (0.5 + 0.5 * node)
            value = jnp.where(t < inner[None], self.cdf(params, t), self.sf(params, t))
            return total + jnp.sum(0.5 * weight * widths * value**2, axis=0), None

        # A loop, whose body is compiled once. In one that is transposed JAX (0.10) forgets
        # derivatives that functions define, as of where thresholds move; of a step without
        # residuals, which is differentiated anew, it does not.
        rules = jnp.stack([jnp.array(_NODES), jnp.array(_WEIGHTS)], axis=1).astype(pieces.dtype)
        nothing = settled_scan(at_node, jnp.zeros(shape, pieces.dtype), rules)
        return jax.lax.scan(jax.checkpoint(at_node), nothing, rules)[0]

    def _sum(self, part: Callable[..., Result], params: Params, *values: Value) -> Result:
        """A probability's mean over the components, no more than 1 by rounding."""
        weights, found = _with_weights(params, part(params.base, *_expanded(values)))
        return jnp.minimum(weighted_sum(weights, found), 1.0)

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
        # The search asks each for the side where it is small, and so accurate as a plain sum.
        return invert(
            lambda y: self._log_sum(self.base.log_cdf, params, y),
            lambda y: self._log_sum(self.base.log_sf, params, y),
            level,
            complement,
            low - margin,
            high + margin,
        )


def _knots(base: Family, params: Any) -> Array:
    """Of all components (..., k), increasing: jumps of densities, and quantiles into the tails."""
    levels = _TAIL_LEVELS if hasattr(base, "knots") else _LEVELS
    found = jnp.moveaxis(_quantiles(base, params, levels), 0, -1)
    if hasattr(base, "knots"):
        jumping: Any = base
        jumps = jumping.knots(params)
        shape = jnp.broadcast_shapes(jumps.shape[:-1], found.shape[:-1])
        parts = [jnp.broadcast_to(x, (*shape, x.shape[-1])) for x in (jumps, found)]
        found = jnp.concatenate(parts, axis=-1)
    return jnp.sort(found.reshape(*found.shape[:-2], math.prod(found.shape[-2:])), axis=-1)


def _quantiles(base: Family, params: Any, levels: Sequence[float]) -> Array:
    """Of all components at each level, (levels, ...), compiled once for all levels."""
    dtype = float_dtype(*jax.tree.leaves(params))
    return jax.vmap(lambda level: base.quantile(params, level))(jnp.array(levels, dtype))


def _expanded(values: Sequence[Value]) -> tuple[Array, ...]:
    return tuple(value[..., None] for value in align(*values))


def _with_weights(params: Mixture.Params, of_components: Array) -> tuple[Array, Array]:
    weights, found = align(jax.nn.softmax(params.logits, axis=-1), of_components)
    return weights, found
