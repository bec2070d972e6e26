r"""The hybrid Pareto mixture: normal bodies that go on smoothly as generalized Pareto tails.

Symbols: mu location, sigma scale, xi shape, z = (y - mu) / sigma, phi and Phi density and
distribution function of the standard normal, g and S_G density and survival function of the
generalized Pareto (module `genpareto`), W Lambert's function. One component, facing up:

    W = W((1 + xi)^2 / (2 pi)),   s = sqrt(W),   beta = (1 + xi) / s,   gamma = 1 + Phi(s)

    sigma f(y) = phi(z) / gamma                z < s
               = g(z - s; xi, beta) / gamma    z >= s

Value and slope of phi and g agree at the junction s: phi(s) = 1 / beta and
s phi(s) = (1 + xi) / beta^2. The tail therefore holds 1 / gamma of the mass, 0.58 to 0.63 for xi
from 0.95 down to -0.5: it is not free, nor is beta, and one component alone fits badly. So there
are at least two, and about half of them face down, with y - mu negated.

Reference: Carreau and Bengio (2009), "A hybrid Pareto model for asymmetric fat-tailed data: the
univariate case", Extremes 12, and "A hybrid Pareto mixture for conditional asymmetric fat-tailed
distributions", IEEE Transactions on Neural Networks 20. There all components face up.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions import hybrid_component as component
from sbp_jax.distributions.arguments import Number, Numbers, Whole, whole
from sbp_jax.distributions.bins import check_raw, log_of_either, random_levels
from sbp_jax.distributions.elementary import (
    align,
    align_with,
    at_ends,
    defined_by,
    divide_end,
    far_off,
    log1mexp,
    log_dot,
    positive,
    weighted_sum,
    wider,
)
from sbp_jax.distributions.family import Derived, compiled, compiled_sample
from sbp_jax.distributions.inversion import invert
from sbp_jax.distributions.raw_zeros import check_shape_range, keep_location_scale, squash_shape
from sbp_jax.distributions.score_quadrature import score_integral

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_SCALE_AT_ZERO = 0.25  # in spreads; a component is about four times as wide as its sigma
_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the scale that raw zeros stand for
_FARTHEST = 1e4  # of a location from the centre, in spreads; float32 still resolves the scale there


@dataclass(frozen=True)
class HybridPareto(Derived):
    """Mixture of hybrid Pareto components, of which the later half face down.

    Formulas stand at the top of this module. The support is the whole line, for shapes below 0
    too, as every component has a normal flank; the first ceil(K / 2) of K components have their
    Pareto tail above, the others below. Shapes above -1 are supported.

    Args:
        components: how many, K >= 2.
        center: where raw zeros put the distribution, in the unit of the target.
        spread: its standard deviation there, about, > 0.
        shape_range: lowest and highest tail shape that `constrain` gives, in (-1, 2).

    >>> family = HybridPareto(components=2, center=7.0, spread=10.0)
    >>> params = family.constrain(jnp.zeros(8))
    >>> median, variance = jax.jit(lambda p: (family.median(p), family.variance(p)))(params)
    >>> round(float(median), 3), round(float(variance) ** 0.5, 2)
    (7.0, 9.45)
    """

    components: Whole = 4
    center: Number = 0.0
    spread: Number = 1.0
    shape_range: Numbers = (0.0, 0.95)

    class Params(NamedTuple):
        """Of each component, those facing up first; locations and scales in the unit of y."""

        logits: Float[Array, "*batch components"]
        locs: Float[Array, "*batch components"]
        scales: Float[Array, "*batch components"]
        shapes: Float[Array, "*batch components"]

    def __post_init__(self) -> None:
        # One that faces up and one that faces down, at least.
        object.__setattr__(self, "components", whole("components", self.components, 2))
        keep_location_scale(self)
        object.__setattr__(self, "shape_range", check_shape_range(self.shape_range))

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(self.spread)

    @property
    def num_outputs(self) -> int:
        """Logit, location, scale and shape of each component."""
        return 4 * self.components

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """Parameters from raw outputs: K logits, then K locations, K scales, K shapes.

        Logits are raw itself (clipped to +-1e30). A location is `center + spread (raw + offset)`,
        no farther than 1e4 spreads from the centre; the offsets 0, 1/n, ..., (n-1)/n of the n
        components that face up, and their negatives for those that face down, keep raw zeros
        from being all one component. A scale is `0.25 spread softplus(raw) / log 2` above a floor
        of a thousandth of that at 0. A shape is a sigmoid scaled to `shape_range`, 0 giving 0.1,
        or the middle where that is outside.
        """
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        logits, locs, scales, shapes = jnp.split(raw, 4, axis=-1)
        up, down = self._upward, self.components - self._upward
        offsets = np.concatenate([np.arange(up) / up, -np.arange(down) / down])
        offsets = offsets.astype(raw.dtype).reshape((1,) * (raw.ndim - 1) + (-1,))
        return self.Params(
            logits=logits,
            locs=self.center + self.spread * jnp.clip(locs + offsets, -_FARTHEST, _FARTHEST),
            scales=positive(scales, _SCALE_AT_ZERO * self.spread, _SCALE_FLOOR),
            shapes=squash_shape(shapes, self.shape_range),
        )

    @compiled
    def junctions(self, params: Params) -> Result:
        """Where body and tail of each component meet, in the unit of the target."""
        p, _ = self._prepare(params)
        return p.locs + self._signs(p.locs) * p.scales * component.join(p.shapes).at

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density, finite for every finite y short of overflow."""
        p, (y,) = self._prepare(params, y)

        def log_density(y: Array) -> Array:
            wide, less = self._widened(p, self._signs(p.locs) * (y[..., None] - p.locs))
            z = self._standardize(wide, y)
            density = self._each(p, component.log_density, component.log_density, z)
            return _log_mixture(p, density - jnp.log(wide.scales) - less)

        return at_ends(log_density, y, -jnp.inf, -jnp.inf)

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function, a sum of positive terms, so accurate where it is small."""
        p, (y,) = self._prepare(params, y)

        def mass(y: Array) -> Array:
            below = self._each(p, component.short, component.beyond, self._standardize(p, y))
            return weighted_sum(jax.nn.softmax(p.logits), below)

        return at_ends(mass, y, 0.0, 1.0)

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log distribution function, accurate near F = 0 and near F = 1."""
        p, (y,) = self._prepare(params, y)
        below, above = self._log_below, self._log_above
        return at_ends(lambda y: log_of_either(below(p, y), above(p, y)), y, -jnp.inf, 0.0)

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function, a sum of positive terms, so accurate where it is small."""
        p, (y,) = self._prepare(params, y)

        def mass(y: Array) -> Array:
            above = self._each(p, component.beyond, component.short, self._standardize(p, y))
            return weighted_sum(jax.nn.softmax(p.logits), above)

        return at_ends(mass, y, 1.0, 0.0)

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """Log survival function, accurate near F = 0 and near F = 1."""
        p, (y,) = self._prepare(params, y)
        below, above = self._log_below, self._log_above
        return at_ends(lambda y: log_of_either(above(p, y), below(p, y)), y, 0.0, -jnp.inf)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi]: the sum of what it covers of each body and each tail.

        Nothing cancels, however narrow or far out the interval. Either end may be infinite; -inf
        where hi <= lo.
        """
        p, (lo, hi) = self._prepare(params, lo, hi)
        signs, ends = self._signs(p.locs), (lo[..., None] - p.locs, hi[..., None] - p.locs)
        upward = signs > 0
        wide, less = self._widened(p, signs * jnp.where(upward, *ends))
        from_lo, from_hi = (signs * divide_end(end, wide.scales) for end in ends)
        width = divide_end(jnp.where(lo == hi, 0.0, hi - lo)[..., None], wide.scales)
        near, far = jnp.where(upward, from_lo, from_hi), jnp.where(upward, from_hi, from_lo)
        parts = self._each(p, component.log_part, component.log_part, near, far, width)
        return _log_mixture(p, parts - less)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F, by search; infinite at 0 and 1, NaN outside [0, 1]."""
        p, (q,) = self._prepare(params, q)
        inside = (q > 0) & (q < 1)
        level = jnp.where(inside, q, 0.5)
        end = jnp.where(q == 0, -jnp.inf, jnp.where(q == 1, jnp.inf, jnp.nan))
        value = self._invert(p, level, 1 - level)
        return defined_by(jnp.where(inside, value, end), value)

    @compiled
    def mean(self, params: Params) -> Result:
        """Mean; inf (-inf) where a shape of those facing up (down) is >= 1, NaN where both."""
        p, _ = self._prepare(params)
        mean, _ = component.moments(p.shapes)
        return _weigh(p, p.locs + self._signs(mean) * p.scales * mean)

    @compiled
    def variance(self, params: Params) -> Result:
        """Variance, within components and between them; inf where a shape is >= 1/2."""
        p, _ = self._prepare(params)
        exists = ~jnp.any(p.shapes >= 0.5, axis=-1)
        p = p._replace(shapes=jnp.where(exists[..., None], p.shapes, 0.0))
        mean, variance = component.moments(p.shapes)
        centers = p.locs + self._signs(mean) * p.scales * mean
        between = (centers - _weigh(p, centers)[..., None]) ** 2
        return jnp.where(exists, _weigh(p, p.scales**2 * variance + between), jnp.inf)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion, far into the tails; gradients are the quantile's at fixed levels."""
        p, _ = self._prepare(params)
        batch = jnp.broadcast_shapes(*(x.shape for x in p))[:-1]
        levels = random_levels(key, (*shape, *batch), p.logits.dtype)
        p, (level, complement) = self._prepare(p, *levels)
        return self._invert(p, level, complement)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score, by quadrature; see `twcrps`."""
        return self.twcrps(params, y)

    @compiled
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        r"""Threshold-weighted CRPS `\int_lower^upper (F(t) - 1{t >= y})^2 dt`, by quadrature.

        There is no closed form. Relative error below 1e-6 as a rule, for shapes up to 0.95; see
        `score_quadrature.score_integral`. It takes 182 (K + 1) evaluations of F or 1 - F.
        """
        p, _ = self._prepare(params)
        cdf, sf = partial(self.cdf, p), partial(self.sf, p)
        at = self.junctions(p)
        return score_integral(cdf, sf, y, at, p.scales, start=lower, stop=upper)

    @property
    def _upward(self) -> int:
        return self.components - self.components // 2

    def _signs(self, like: Array) -> Array:
        """1 for components that face up, -1 for the others, in the dtype and rank of `like`."""
        signs = np.where(np.arange(self.components) < self._upward, 1, -1)
        return jnp.asarray(signs, like.dtype).reshape((1,) * (like.ndim - 1) + (-1,))

    def _prepare(self, params: Params, *values: Value) -> tuple[Params, tuple[Array, ...]]:
        logits, *rest = align_with(align(*params)[0], *values)
        return self.Params(*align(logits, *params[1:])), tuple(rest)

    def _standardize(self, p: Params, y: Array) -> Array:
        """Signed distance from each location in the direction that the component faces."""
        return self._signs(p.locs) * divide_end(y[..., None] - p.locs, p.scales)

    def _widened(self, p: Params, distance: Array) -> tuple[Params, Array]:
        """Scales wide enough for distances into the tails, and by how much logs are too large."""
        tail = (p.shapes > 0) & (distance > 0) & (distance < jnp.inf) & far_off(distance, p.scales)
        wide = jnp.where(tail, wider(distance, p.scales), p.scales)
        ratio = jnp.log(jnp.where(tail, wide, 1.0)) - jnp.log(jnp.where(tail, p.scales, 1.0))
        less = jnp.where(tail, ratio / jnp.where(tail, p.shapes, 1.0), 0.0)
        return p._replace(scales=wide), less

    def _each(
        self, p: Params, upward: Callable[..., Array], downward: Callable[..., Array], *z: Array
    ) -> Array:
        """`upward` of the components that face up, `downward` of the others."""
        joint = component.join(p.shapes)
        up, down = (
            [jax.tree.map(lambda x, some=some: x[..., some], (x, p.shapes, joint)) for x in z]
            for some in (slice(None, self._upward), slice(self._upward, None))
        )
        parts = [
            function(*(x for x, _, _ in part), *part[0][1:])
            for function, part in ((upward, up), (downward, down))
        ]
        return jnp.concatenate(parts, axis=-1)

    def _log_below(self, p: Params, y: Array) -> Array:
        signs = self._signs(p.locs)
        wide, less = self._widened(p, signs * (y[..., None] - p.locs))
        z = self._standardize(wide, y)
        parts = self._each(p, component.log_short, component.log_beyond, z)
        return _log_mixture(p, parts - jnp.where(signs < 0, less, 0.0))

    def _log_above(self, p: Params, y: Array) -> Array:
        signs = self._signs(p.locs)
        wide, less = self._widened(p, signs * (y[..., None] - p.locs))
        z = self._standardize(wide, y)
        parts = self._each(p, component.log_beyond, component.log_short, z)
        return _log_mixture(p, parts - jnp.where(signs > 0, less, 0.0))

    def _invert(self, p: Params, level: Array, complement: Array) -> Array:
        level, complement = (
            jnp.broadcast_to(x, jnp.broadcast_shapes(level.shape, p.logits.shape[:-1]))
            for x in (level, complement)
        )
        low, high = self._bracket(jax.lax.stop_gradient(p), level, complement)
        below, above = partial(self._log_below, p), partial(self._log_above, p)
        return invert(below, above, level, complement, low, high)

    def _bracket(self, p: Params, level: Array, complement: Array) -> tuple[Array, Array]:
        """Ends of a range that holds the quantile, from those of the components.

        With q the smaller of the two levels, and Q_k the quantile of a component on that side,
        the answer is at least as far out as the least far Q_k(q / w_k), and no farther than the
        farthest Q_k(q / (K w_k)), where a level of 1 or more stands for the other end.
        """
        upper = (level > 0.5)[..., None]
        outward = jnp.where(upper, 1.0, -1.0).astype(level.dtype)
        log_q = jnp.log(jnp.minimum(level, complement))[..., None]
        least = log_q - jax.nn.log_softmax(p.logits)
        joint, sign = component.join(p.shapes), self._signs(p.locs)

        def distance(log_level: Array) -> Array:
            """Of each component's quantile from 0, outward."""
            a = jnp.minimum(log_level, 0.0)
            b = log1mexp(-a)
            flip = sign == outward
            z = component.inverse(jnp.where(flip, b, a), jnp.where(flip, a, b), p.shapes, joint)
            return outward * (p.locs + sign * p.scales * z)

        farthest = jnp.max(distance(least - math.log(self.components)), axis=-1)
        nearest = jnp.max(distance(least), axis=-1)
        # Where every weight is below q, only: no nearer than every component's own quantile.
        nearest = jnp.where(nearest > -jnp.inf, nearest, jnp.min(distance(log_q), axis=-1))
        room = 0.01 * jnp.min(p.scales, axis=-1)
        ends = outward[..., 0] * (nearest - room), outward[..., 0] * (farthest + room)
        return jnp.minimum(*ends), jnp.maximum(*ends)


def _log_mixture(p: HybridPareto.Params, logs: Array) -> Array:
    """log(sum(w exp(logs))) over the components, -inf with gradient 0 where all are -inf."""
    some = logs != -jnp.inf
    terms = jax.nn.log_softmax(p.logits) + jnp.where(some, logs, 0.0)
    return log_dot(terms, some.astype(terms.dtype))


def _weigh(p: HybridPareto.Params, values: Array) -> Array:
    """Sum over the components of w values, in which no weight counts no infinite value."""
    return weighted_sum(jax.nn.softmax(p.logits), values)
