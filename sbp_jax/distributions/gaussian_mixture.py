r"""A mixture of normal distributions as a predictive family: several modes, light tails.

Symbols, for component i of K: w_i weight, mu_i location, sigma_i scale, z_i = (y - mu_i) / sigma_i;
Phi and phi distribution function and density of the standard normal.

All probabilities are sums of positive terms over the components, taken in log space, so both
tails and narrow cells far out keep their relative accuracy.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.arguments import Number, Whole, whole
from sbp_jax.distributions.bins import check_raw, log_of_either, random_levels
from sbp_jax.distributions.elementary import (
    align,
    align_with,
    at_ends,
    defined_by,
    divide_end,
    log_total,
    positive,
    weighted_sum,
)
from sbp_jax.distributions.family import Derived, compiled, compiled_sample
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.inversion import invert
from sbp_jax.distributions.mixture import Mixture
from sbp_jax.distributions.raw_zeros import keep_location_scale
from sbp_jax.distributions.standard_normal import (
    HALF_LOG_2PI,
    log_between,
    log_upper,
    mean_distance,
)

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

# Lowest scale, as a fraction of that at raw zeros: a component that shrinks onto one observation
# would drive the likelihood to infinity.
_SCALE_FLOOR = 1e-2


@dataclass(frozen=True)
class GaussianMixture(Derived):
    """Mixture of K normal distributions, spread over the data's own range at raw zeros.

    Args:
        components: K >= 1.
        center: mean at raw zeros, in the unit of the target.
        spread: standard deviation of the whole mixture at raw zeros, > 0. The locations are then
            the normal quantiles at (i + 1/2) / K, so that no two components start out alike.

    >>> family = GaussianMixture(components=2, center=7.0, spread=10.0)
    >>> params = family.constrain(jnp.zeros(6))
    >>> [round(float(x), 2) for x in (*params.locs, family.mean(params), family.variance(params))]
    [0.26, 13.74, 7.0, 100.0]
    """

    components: Whole = 3
    center: Number = 0.0
    spread: Number = 1.0

    class Params(NamedTuple):
        """Logits of the weights; locations and scales in the unit of the target."""

        logits: Float[Array, "*batch components"]
        locs: Float[Array, "*batch components"]
        scales: Float[Array, "*batch components"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", whole("components", self.components, 1))
        keep_location_scale(self)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(self.spread)

    @property
    def num_outputs(self) -> int:
        """Three for each component."""
        return 3 * self.components

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """K logits, then K shifts of the locations in units of the spread, then K scales.

        `scales = s softplus(raw) / log 2` above a floor; s makes up for what the locations at raw
        zeros leave of the spread.
        """
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        logits, shifts, widths = jnp.split(raw, 3, axis=-1)
        levels = [(i + 0.5) / self.components for i in range(self.components)]
        starts = [statistics.NormalDist().inv_cdf(level) for level in levels]
        rest = math.sqrt(1 - sum(start**2 for start in starts) / self.components)
        shifts += jnp.array(starts, raw.dtype).reshape((1,) * (raw.ndim - 1) + (-1,))
        locs, at_zero = self.center + self.spread * shifts, self.spread * rest
        return self.Params(logits, locs, positive(widths, at_zero, _SCALE_FLOOR))

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `log sum_i w_i phi(z_i) / sigma_i`."""
        log_weights, locs, scales, y = _align(params, y)

        def density(y: Array) -> Array:
            z = divide_end(y[..., None] - locs, scales)
            return log_total(log_weights - 0.5 * z * z - jnp.log(scales) - HALF_LOG_2PI)

        return at_ends(density, y, -jnp.inf, -jnp.inf)

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function `sum_i w_i Phi(z_i)`."""
        log_weights, locs, scales, y = _align(params, y)

        def mass(y: Array) -> Array:
            z = divide_end(y[..., None] - locs, scales)
            return weighted_sum(jnp.exp(log_weights), jax.scipy.special.ndtr(z))

        return at_ends(mass, y, 0.0, 1.0)

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log F, also far below where F itself underflows, and near F = 1 from 1 - F."""
        log_weights, locs, scales, y = _align(params, y)

        def log_mass(y: Array) -> Array:
            z = divide_end(y[..., None] - locs, scales)
            below, above = (log_total(log_weights + log_upper(x)) for x in (-z, z))
            return log_of_either(below, above)

        return at_ends(log_mass, y, -jnp.inf, 0.0)

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function `sum_i w_i Phi(-z_i)`."""
        log_weights, locs, scales, y = _align(params, y)

        def mass(y: Array) -> Array:
            z = divide_end(y[..., None] - locs, scales)
            return weighted_sum(jnp.exp(log_weights), jax.scipy.special.ndtr(-z))

        return at_ends(mass, y, 1.0, 0.0)

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """log(1 - F), also far above where it underflows, and near 1 - F = 1 from F."""
        log_weights, locs, scales, y = _align(params, y)

        def log_mass(y: Array) -> Array:
            z = divide_end(y[..., None] - locs, scales)
            below, above = (log_total(log_weights + log_upper(x)) for x in (-z, z))
            return log_of_either(above, below)

        return at_ends(log_mass, y, 0.0, -jnp.inf)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """log(F(hi) - F(lo)), without cancellation; -inf where hi <= lo.

        Either end may be infinite.
        """
        log_weights, locs, scales, lo, hi = _align(params, lo, hi)
        lo, hi = lo[..., None], hi[..., None]
        inside = log_between(*(divide_end(x, scales) for x in (lo - locs, hi - locs, hi - lo)))
        return log_total(log_weights + inside)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F, by a search; infinite at 0 and 1, NaN outside [0, 1]."""
        log_weights, locs, scales, q = _align(params, q)
        inside = (q > 0) & (q < 1)
        level = jnp.where(inside, q, 0.5)
        end = jnp.where(q == 0, -jnp.inf, jnp.where(q == 1, jnp.inf, jnp.nan))
        value = _quantile(log_weights, locs, scales, level, 1 - level)
        return defined_by(jnp.where(inside, value, end), value)

    @compiled
    def mean(self, params: Params) -> Result:
        """`sum_i w_i mu_i`."""
        log_weights, locs, scales = _align(params)
        return weighted_sum(jnp.exp(log_weights), defined_by(locs, scales))

    @compiled
    def variance(self, params: Params) -> Result:
        """`sum_i w_i (sigma_i^2 + (mu_i - mean)^2)`."""
        log_weights, locs, scales = _align(params)
        weights = jnp.exp(log_weights)
        mean = weighted_sum(weights, locs)[..., None]
        return weighted_sum(weights, scales**2 + (locs - mean) ** 2)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion of uniform levels, differentiable in all parameters."""
        parts = jnp.broadcast_arrays(*_align(params))
        batch = parts[0].shape[:-1]
        level, complement = random_levels(key, (*shape, *batch), parts[0].dtype)
        log_weights, locs, scales = (align_with(part, level)[0] for part in parts)
        return _quantile(log_weights, locs, scales, level, complement)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        r"""Continuous ranked probability score, in closed form.

        `sum_i w_i A(y - mu_i, sigma_i) - sum_ij w_i w_j A(mu_i - mu_j, (sigma_i^2 +
        sigma_j^2)^(1/2)) / 2`, with A(m, s) the mean distance of 0 from a normal variable.

        Reference: Grimit, Gneiting, Berrocal, Johnson (2006), Quarterly Journal of the Royal
        Meteorological Society 132.
        """
        log_weights, locs, scales, y = _align(params, y)
        weights = jnp.exp(log_weights)
        apart = locs[..., :, None] - locs[..., None, :]
        scale = jnp.hypot(scales[..., :, None], scales[..., None, :])
        among = weighted_sum(weights[..., None, :], mean_distance(apart, scale))

        def score(y: Array) -> Array:
            distance = mean_distance(y[..., None] - locs, scales)
            return weighted_sum(weights, distance - 0.5 * among)

        return at_ends(score, y, jnp.inf, jnp.inf)

    @compiled
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        """Threshold-weighted CRPS from `lower` to `upper`, by quadrature; see `Mixture.twcrps`.

        In closed form it would be in terms of bivariate normal probabilities.
        """
        normals = Gaussian.Params(*align(params.locs, params.scales))
        mixture = Mixture(Gaussian(), self.components)
        return mixture.twcrps(Mixture.Params(params.logits, normals), y, lower, upper)


def _align(params: GaussianMixture.Params, *values: Value) -> tuple[Array, ...]:
    """Log weights, locations and scales, components last, and the values, of equal batch rank."""
    logits, locs, scales = align(*params)
    logits, *values_ = align_with(logits, *values)
    locs, scales = (align_with(part, *values_)[0] for part in (locs, scales))
    return jax.nn.log_softmax(logits, axis=-1), locs, scales, *values_


def _quantile(
    log_weights: Array, locs: Array, scales: Array, level: Array, complement: Array
) -> Array:
    """Point y with F(y) = level = 1 - complement; it lies among those of the components."""
    shape = jnp.broadcast_shapes(*(x.shape[:-1] for x in (log_weights, locs, scales)), level.shape)
    level, complement = (jnp.broadcast_to(x, shape) for x in (level, complement))
    upper = level > 0.5
    far = jax.scipy.special.ndtri(jnp.where(upper, complement, level))
    points = locs + scales * jnp.where(upper, -far, far)[..., None]
    margin = 0.1 * jnp.max(scales, axis=-1)

    def log_cdf(y: Array) -> Array:
        return log_total(log_weights + log_upper((locs - y[..., None]) / scales))

    def log_sf(y: Array) -> Array:
        return log_total(log_weights + log_upper((y[..., None] - locs) / scales))

    low, high = jnp.min(points, axis=-1) - margin, jnp.max(points, axis=-1) + margin
    return invert(log_cdf, log_sf, level, complement, low, high)
