r"""Student's t distribution as a predictive family: both tails heavy alike, one index for the two.

Symbols: mu location, sigma scale, nu degrees of freedom, z = (y - mu) / sigma; in units of sigma
f density, F distribution function, T(z) = 1 - F(z) for z >= 0, L = log(1 + z^2 / nu):

    f(z) = c exp(-(nu + 1) L / 2),   c = Gamma((nu + 1) / 2) / (Gamma(nu / 2) sqrt(pi nu))

The tails fall as |z|^-nu. JAX's incomplete beta function knows no gradient in nu, so T is an
integral here, by a Gauss rule of fixed size, in a variable in which the integrand is smooth:

    near:  T = 1/2 - c sqrt(nu) \int_0^asinh(z / sqrt(nu)) cosh(s)^-nu ds         (Legendre)
    far:   T = c nu^-1/2 exp(-nu L / 2) \int_0^oo e^-w (1 - e^(-L - 2 w / nu))^-1/2 dw  (Laguerre)

Relative errors of T are about 1e-13 in float64 for every nu >= 1 and z.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.arguments import Number, Numbers, pair
from sbp_jax.distributions.bins import check_raw, random_levels
from sbp_jax.distributions.elementary import (
    align,
    at_ends,
    defined_by,
    divide_end,
    far_off,
    log1mexp,
    positive,
    wider,
)
from sbp_jax.distributions.family import Derived, compiled, compiled_sample
from sbp_jax.distributions.inversion import invert
from sbp_jax.distributions.raw_zeros import keep_location_scale
from sbp_jax.errors import InputError

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the spread
_DF_AT_ZERO = 5.0
_FAR = 5.0  # nu L from which on the far formula holds
_LEGENDRE = np.polynomial.legendre.leggauss(20)
_LAGUERRE = tuple(rule[:17] for rule in np.polynomial.laguerre.laggauss(24))  # the rest < 1e-19
_SHIFT = 8
# E_2k / (k 4^(2k + 1)), with Euler's numbers E_2k.
_GAMMA_SERIES = tuple(
    euler / (k * 4.0 ** (2 * k + 1))
    for k, euler in enumerate([-1, 5, -61, 1385, -50521, 2702765, -199360981], start=1)
)


@dataclass(frozen=True)
class StudentT(Derived):
    """Student's t distribution with location, scale and degrees of freedom.

    Args:
        center: location at raw zeros, in the unit of the target.
        spread: scale at raw zeros, > 0; the standard deviation is larger, see `variance`.
        df_range: lowest and highest degrees of freedom that a network can ask for,
            1 < lowest < highest. At raw zeros 5, or their geometric mean where 5 is not inside.

    >>> family = StudentT(center=7.0, spread=10.0)
    >>> [round(float(x), 4) for x in family.constrain(jnp.zeros(3))]
    [7.0, 10.0, 5.0]
    """

    center: Number = 0.0
    spread: Number = 1.0
    df_range: Numbers = (2.0, 100.0)

    class Params(NamedTuple):
        """Location and scale in the unit of the target; degrees of freedom, without unit."""

        loc: Float[Array, "*batch"]
        scale: Float[Array, "*batch"]
        df: Float[Array, "*batch"]

    def __post_init__(self) -> None:
        keep_location_scale(self)
        df_range = pair("df_range", self.df_range)
        if not 1 < df_range[0] < df_range[1] < math.inf:
            raise InputError(
                f"df_range: expected two finite numbers, 1 < lowest < highest, got {self.df_range}"
            )
        object.__setattr__(self, "df_range", df_range)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(self.spread)

    @property
    def num_outputs(self) -> int:
        """Location, scale and degrees of freedom."""
        return 3

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """`loc = center + spread raw_0`, `scale = spread softplus(raw_1) / log 2` above a floor.

        `log df` runs between its bounds as a logistic function of raw_2.
        """
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        low, high = self.df_range
        run = math.log(high / low)
        at_zero = math.log(_DF_AT_ZERO / low) / run if low < _DF_AT_ZERO < high else 0.5
        share = jax.nn.sigmoid(raw[..., 2] + math.log(at_zero / (1 - at_zero)))
        df = jnp.clip(low * jnp.exp(run * share), low, high)
        loc = self.center + self.spread * raw[..., 0]
        return self.Params(loc, positive(raw[..., 1], self.spread, _SCALE_FLOOR), df)

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `log c - log sigma - (nu + 1) L / 2`."""
        loc, scale, df, y = align(*params, y)

        def density(y: Array) -> Array:
            wide, less = _widened(y - loc, scale, df)
            unit = jnp.where(far_off(y - loc, scale), jnp.log(wide) + less, jnp.log(scale))
            return _log_density((y - loc) / wide, df) - unit

        return at_ends(density, y, -jnp.inf, -jnp.inf)

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function, accurate also where it is small."""
        loc, scale, df, y = align(*params, y)
        return at_ends(lambda y: _beyond(loc - y, scale, df), y, 0.0, 1.0)

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log F, also far below where F itself underflows."""
        loc, scale, df, y = align(*params, y)
        return at_ends(lambda y: _log_beyond(loc - y, scale, df), y, -jnp.inf, 0.0)

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function, accurate also where it is small."""
        loc, scale, df, y = align(*params, y)
        return at_ends(lambda y: _beyond(y - loc, scale, df), y, 1.0, 0.0)

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """log(1 - F), also far above where the survival function underflows."""
        loc, scale, df, y = align(*params, y)
        return at_ends(lambda y: _log_beyond(y - loc, scale, df), y, 0.0, -jnp.inf)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """log(F(hi) - F(lo)), without cancellation; -inf where hi <= lo.

        Either end may be infinite.
        """
        loc, scale, df, lo, hi = align(*params, lo, hi)
        low, high = lo - loc, hi - loc
        # Of an interval that lies far off as a whole; otherwise only its near end counts.
        near = jnp.where(low * high > 0, jnp.minimum(jnp.abs(low), jnp.abs(high)), 0.0)
        wide, less = _widened(near, scale, df)
        low, high, width = (divide_end(x, wide) for x in (low, high, hi - lo))
        return _log_between(low, high, width, df) - less

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F, by a search; infinite at 0 and 1, NaN outside [0, 1]."""
        loc, scale, df, q = align(*params, q)
        inside = (q > 0) & (q < 1)
        level = jnp.where(inside, q, 0.5)
        end = jnp.where(q == 0, -jnp.inf, jnp.where(q == 1, jnp.inf, jnp.nan))
        value = loc + scale * _quantile(level, 1 - level, df)
        return defined_by(jnp.where(inside, value, end), value)

    def median(self, params: Params) -> Result:
        """The location."""
        return self.mean(params)

    @compiled
    def mean(self, params: Params) -> Result:
        """The location; NaN where it does not exist, for nu <= 1."""
        loc, scale, df = jnp.broadcast_arrays(*align(*params))
        return defined_by(jnp.where(df > 1, loc, jnp.nan), scale)

    @compiled
    def variance(self, params: Params) -> Result:
        """`sigma^2 nu / (nu - 2)`; inf for nu <= 2."""
        loc, scale, df = jnp.broadcast_arrays(*align(*params))
        exists = df > 2
        finite = jnp.where(exists, df, 3.0)
        value = jnp.where(exists, scale**2 * (finite / (finite - 2)), jnp.inf)
        return defined_by(value, loc, scale, df)

    @compiled
    def entropy(self, params: Params) -> Result:
        """Differential entropy in nats, finite for every nu.

        `log sigma - log c + (nu + 1) (psi((nu + 1) / 2) - psi(nu / 2)) / 2`, psi the digamma
        function.
        """
        loc, scale, df = align(*params)
        step = jax.scipy.special.digamma(0.5 * (df + 1)) - jax.scipy.special.digamma(0.5 * df)
        return defined_by(jnp.log(scale) - _log_peak(df) + 0.5 * (df + 1) * step, loc)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion of uniform levels, differentiable in all parameters."""
        loc, scale, df = jnp.broadcast_arrays(*align(*params))
        level, complement = random_levels(key, (*shape, *loc.shape), loc.dtype)
        loc, scale, df, level, complement = align(loc, scale, df, level, complement)
        return loc + scale * _quantile(level, complement, df)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score, in closed form; NaN for nu <= 1.

        In units of sigma `z (2 F(z) - 1) + 2 f(z) (nu + z^2) / (nu - 1) - b`, where
        `b = 2 sqrt(nu) B(1/2, nu - 1/2) / ((nu - 1) B(1/2, nu / 2)^2)`. Rounding errors grow as
        1 / (nu - 1).

        Reference: Jordan, Krueger, Lerch (2019), Journal of Statistical Software 90.
        """
        loc, scale, df, y = align(*params, y)
        exists = df > 1
        nu = jnp.where(exists, df, 2.0)

        def score(y: Array) -> Array:
            far = far_off(y - loc, scale)
            near = scale * _crps(jnp.where(far, 0.0, y - loc) / jnp.where(far, 1.0, scale), nu)
            return jnp.where(far & ~jnp.isnan(near), jnp.abs(y - loc), near)

        return jnp.where(exists, at_ends(score, y, jnp.inf, jnp.inf), jnp.nan)


def _widened(distance: Array, scale: Array, df: Array) -> tuple[Array, Array]:
    """A scale wide enough for a distance, and by how much it makes log probabilities too large."""
    wide = wider(distance, scale)
    far = wide != scale
    ends = (jnp.log(jnp.where(far, x, 1.0)) for x in (wide, scale))
    return wide, jnp.where(far, df * (next(ends) - next(ends)), 0.0)


def _beyond(distance: Array, scale: Array, df: Array) -> Array:
    """Probability of what lies farther than a signed distance from the location."""
    wide, less = _widened(distance, scale, df)
    tail = jnp.exp(_log_tail(distance / wide, df) - less)
    return jnp.where(distance < 0, 1 - tail, tail)


def _log_beyond(distance: Array, scale: Array, df: Array) -> Array:
    """Log probability of what lies farther than a signed distance from the location."""
    wide, less = _widened(distance, scale, df)
    return _log_upper(distance / wide, df) - jnp.where(distance > 0, less, 0.0)


def _crps(z: Array, df: Array) -> Array:
    log_c = _log_peak(df)
    distance = jnp.where(z < 0, -z, z) * (1 - 2 * jnp.exp(_log_tail(z, df)))
    density = df * jnp.exp(log_c - 0.5 * (df - 1) * _log1p_square(z, df))
    between = jnp.exp(2 * log_c - _log_gamma_step(df - 0.5)) * df**1.5 * math.sqrt(math.pi)
    return distance + 2 * (density - between) / (df - 1)


def _log_gamma_step(x: Array) -> Array:
    """log(Gamma(x + 1/2) / Gamma(x)) for x > 0: without the difference, small to large.

    Stirling's series in (x - 1/4)^-2, which has no odd powers, after the argument was raised by
    `Gamma(x + 1/2) / Gamma(x) = x / (x + 1/2) * Gamma(x + 3/2) / Gamma(x + 1)`.
    """
    steps = np.arange(_SHIFT, dtype=x.dtype).reshape((1,) * x.ndim + (-1,))
    y = x + (_SHIFT - 0.25)
    series, power = jnp.zeros_like(x), 1 / (y * y)
    for coefficient in reversed(_GAMMA_SERIES):
        series = (series + coefficient) * power
    return 0.5 * jnp.log(y) - series - jnp.sum(jnp.log1p(0.5 / (x[..., None] + steps)), axis=-1)


def _log_peak(df: Array) -> Array:
    """Log c, the log density at z = 0."""
    return _log_gamma_step(0.5 * df) - 0.5 * jnp.log(math.pi * df)


def _log1p_square(z: Array, df: Array) -> Array:
    """L = log(1 + z^2 / nu), also where z^2 would overflow."""
    r = z / jnp.sqrt(df)
    r = jnp.where(r < 0, -r, r)
    large = r > 1
    big, small = jnp.where(large, r, 1.0), jnp.where(large, 0.0, r)
    return jnp.where(large, 2 * jnp.log(big) + jnp.log1p((1 / big) ** 2), jnp.log1p(small * small))


def _log_density(z: Array, df: Array) -> Array:
    return _log_peak(df) - 0.5 * (df + 1) * _log1p_square(z, df)


def _integrate(values: Array, weights: np.ndarray) -> Array:
    """Weighted sum over the last axis, which holds the nodes of a Gauss rule."""
    return jnp.sum(values * _last(weights, values), axis=-1)


def _last(rule: np.ndarray, like: Array) -> np.ndarray:
    return rule.astype(like.dtype).reshape((1,) * (like.ndim - 1) + (-1,))


def _log_tail(z: Array, df: Array) -> Array:
    """Log T(|z|)."""
    z = jnp.where(z < 0, -z, z)
    L = _log1p_square(z, df)
    far = df * L > _FAR
    # Far out: the factor by which the tail differs from a power law, between 1 and sqrt(nu).
    L = jnp.where(far, L, _FAR / df)
    falls = L[..., None] + 2 * _last(_LAGUERRE[0], L[..., None]) / df[..., None]
    factor = _integrate(jax.lax.rsqrt(-jnp.expm1(-falls)), _LAGUERRE[1])
    log_front = _log_peak(df) - 0.5 * jnp.log(df)
    outer = log_front - 0.5 * df * L + jnp.log(factor)
    # Near the centre: what is left of 1/2.
    end = jnp.arcsinh(jnp.where(far, 0.0, z) / jnp.sqrt(df))
    s = end[..., None] * _last(0.5 + 0.5 * _LEGENDRE[0], end[..., None])
    body = jnp.exp(-0.5 * df[..., None] * jnp.log1p(jnp.sinh(s) ** 2))
    mass = jnp.exp(log_front) * df * end * _integrate(body, 0.5 * _LEGENDRE[1])
    return jnp.where(far, outer, jnp.log(0.5 - mass))


def _log_upper(z: Array, df: Array) -> Array:
    """log(1 - F(z)): 0 at -inf, -inf at inf."""
    log_tail = _log_tail(z, df)
    below = z < 0
    return jnp.where(below, jnp.log1p(-jnp.exp(jnp.where(below, log_tail, -1.0))), log_tail)


def _quantile(level: Array, complement: Array, df: Array) -> Array:
    """Point z with F(z) = level = 1 - complement."""
    level, complement, df = jnp.broadcast_arrays(level, complement, df)
    guess = jnp.full_like(level, 2.0)
    return invert(
        lambda z: _log_upper(-z, df), lambda z: _log_upper(z, df), level, complement, -guess, guess
    )


def _log_between(lo: Array, hi: Array, width: Array, df: Array) -> Array:
    """log(F(hi) - F(lo)); width = hi - lo comes from before the location was subtracted."""
    # Mirror, so that the end farther from the centre is on the right.
    mirror = lo + hi < 0
    near, far = jnp.where(mirror, -hi, lo), jnp.where(mirror, -lo, hi)
    root = jnp.sqrt(df)
    bounded = (width > 0) & (width < jnp.inf)
    m = jnp.where(bounded, 0.5 * near + 0.5 * far, 0.0)
    h = jnp.where(bounded, 0.5 * width, 1.0)
    # sqrt(nu + m^2): f has its singularities as far away from m as this.
    away = jnp.hypot(root, m)
    drop = (df + 1) * (m / away) * (2 * h / away)  # about log(f(near) / f(far))
    reach = jnp.minimum(0.35, jax.lax.rsqrt(df + 1))
    narrow = bounded & (drop < 1) & (h < reach * away)
    inner = _log_narrow(jnp.where(narrow, m, 0.0), jnp.where(narrow, h, 0.1), df)
    # Wide: from the two tails, of which one is a fraction of the other, or neither is large.
    near_tail = _log_tail(jnp.where(narrow | jnp.isinf(near), 1.0, near), df)
    near_tail = jnp.where(jnp.isinf(near), -jnp.inf, near_tail)
    far_tail = _log_tail(jnp.where(narrow | jnp.isinf(far), 2.0, far), df)
    far_tail = jnp.where(jnp.isinf(far), -jnp.inf, far_tail)
    straddles = near < 0
    ratio = near_tail - far_tail
    beyond = near_tail + log1mexp(jnp.where(straddles | narrow, 1.0, ratio))
    both = jnp.exp(near_tail) + jnp.exp(far_tail)
    across = jnp.log1p(-jnp.where(straddles & ~narrow, both, 0.5))
    value = jnp.where(narrow, inner, jnp.where(straddles, across, beyond))
    value = jnp.where(width > 0, value, -jnp.inf)
    return jnp.where(jnp.isnan(lo) | jnp.isnan(hi), jnp.nan, value)


def _log_narrow(middle: Array, half: Array, df: Array) -> Array:
    """Log probability of middle -+ half, by the density relative to that in the middle."""
    m, h, nu = middle[..., None], half[..., None], df[..., None]
    away = jnp.hypot(jnp.sqrt(nu), m)
    x = h * _last(_LEGENDRE[0], h)
    change = jnp.log1p((x / away) * ((2 * m + x) / away))
    mean = _integrate(jnp.exp(-0.5 * (nu + 1) * change), 0.5 * _LEGENDRE[1])
    return jnp.log(2 * half * mean) + _log_density(middle, df)
