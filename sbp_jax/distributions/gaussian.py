r"""The normal distribution as a predictive family: the comparator without heavy tails.

Symbols: mu location, sigma scale, z = (y - mu) / sigma, Phi and phi distribution function and
density of the standard normal, M(x) = (1 - Phi(x)) / phi(x) Mills' ratio.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.bins import check_raw
from sbp_jax.distributions.elementary import align, log1mexp, positive
from sbp_jax.distributions.family import Derived

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the spread
_DEPTH = 24  # terms of the continued fraction of Mills' ratio
_QUADRATURE = tuple(zip(*(x.tolist() for x in np.polynomial.legendre.leggauss(10)), strict=True))


@dataclass(frozen=True)
class Gaussian(Derived):
    """Normal distribution with raw zeros at the data's own location and spread.

    Args:
        center: location at raw zeros, in the unit of the target.
        spread: standard deviation at raw zeros, > 0.

    >>> family = Gaussian(center=7.0, spread=10.0)
    >>> family.constrain(jnp.zeros(2))
    Params(loc=Array(7., dtype=float32), scale=Array(10., dtype=float32))
    """

    center: float | int = 0.0
    spread: float | int = 1.0

    class Params(NamedTuple):
        """Mean and standard deviation, in the unit of the target."""

        loc: Float[Array, "*batch"]
        scale: Float[Array, "*batch"]

    def __post_init__(self) -> None:
        if not math.isfinite(self.center):
            raise ValueError(f"center: expected a finite number, got {self.center!r}")
        if not 0 < self.spread < math.inf:
            raise ValueError(f"spread: expected a finite number > 0, got {self.spread!r}")

    @property
    def num_outputs(self) -> int:
        """Location and scale."""
        return 2

    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """`loc = center + spread raw_0`, `scale = spread softplus(raw_1) / log 2` above a floor."""
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        loc = self.center + self.spread * raw[..., 0]
        return self.Params(loc, positive(raw[..., 1], self.spread, _SCALE_FLOOR))

    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `-z^2 / 2 - log sigma - log(2 pi) / 2`."""
        loc, scale, y = align(*params, y)
        return -0.5 * ((y - loc) / scale) ** 2 - jnp.log(scale) - _HALF_LOG_2PI

    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function Phi(z)."""
        loc, scale, y = align(*params, y)
        return jax.scipy.special.ndtr((y - loc) / scale)

    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log Phi(z), also far below where Phi itself underflows."""
        loc, scale, y = align(*params, y)
        return _log_upper((loc - y) / scale)

    def sf(self, params: Params, y: Value) -> Result:
        """Survival function Phi(-z)."""
        loc, scale, y = align(*params, y)
        return jax.scipy.special.ndtr((loc - y) / scale)

    def log_sf(self, params: Params, y: Value) -> Result:
        """Log Phi(-z), also far above where the survival function underflows."""
        loc, scale, y = align(*params, y)
        return _log_upper((y - loc) / scale)

    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """log(Phi(z_hi) - Phi(z_lo)), without cancellation; -inf where hi <= lo.

        Either end may be infinite.
        """
        loc, scale, lo, hi = align(*params, lo, hi)
        return _log_between((lo - loc) / scale, (hi - loc) / scale, (hi - lo) / scale)

    def quantile(self, params: Params, q: Value) -> Result:
        """`mu + sigma Phi^-1(q)`; infinite at 0 and 1, NaN outside [0, 1]."""
        loc, scale, q = align(*params, q)
        inside = (q > 0) & (q < 1)
        value = loc + scale * jax.scipy.special.ndtri(jnp.where(inside, q, 0.5))
        end = jnp.where(q == 0, -jnp.inf, jnp.where(q == 1, jnp.inf, jnp.nan))
        return jnp.where(inside, value, end)

    def median(self, params: Params) -> Result:
        """The location."""
        return self.mean(params)

    def mean(self, params: Params) -> Result:
        """The location."""
        loc, scale = align(*params)
        return jnp.broadcast_arrays(loc, scale)[0]

    def variance(self, params: Params) -> Result:
        """The squared scale."""
        loc, scale = align(*params)
        return jnp.broadcast_arrays(loc, scale)[1] ** 2

    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws `mu + sigma epsilon`, differentiable in both."""
        loc, scale = jnp.broadcast_arrays(*align(*params))
        epsilon = jax.random.normal(key, (*shape, *loc.shape), loc.dtype)
        loc, scale, epsilon = align(loc, scale, epsilon)
        return loc + scale * epsilon

    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score `sigma (z (2 Phi(z) - 1) + 2 phi(z) - pi^-1/2)`.

        Reference: Gneiting and Raftery (2007), Journal of the American Statistical Association.
        """
        loc, scale, y = align(*params, y)
        z = (y - loc) / scale
        density = jnp.exp(-0.5 * z * z - _HALF_LOG_2PI)
        spread = z * jax.scipy.special.erf(z / math.sqrt(2)) + 2 * density
        return scale * (spread - 1 / math.sqrt(math.pi))


def _log_mills(x: Array) -> Array:
    """Log M(x) for x >= 0, as accurate far out as near 0."""
    far = x > 3
    near_x, far_x = jnp.where(far, 0.0, x), jnp.where(far, x, 3.0)
    near = jnp.log(jax.scipy.special.ndtr(-near_x)) + 0.5 * near_x**2 + _HALF_LOG_2PI
    # Laplace's continued fraction M(x) = 1 / (x + 1 / (x + 2 / (x + 3 / ...))); its error after
    # n terms is about exp(-2 x sqrt(2 n)), below 1e-17 here.
    fraction = far_x
    for depth in range(_DEPTH, 0, -1):
        fraction = far_x + depth / fraction
    return jnp.where(far, -jnp.log(fraction), near)


def _log_upper(x: Array) -> Array:
    """Log Phi(-x): 0 at -inf, -inf at inf."""
    tail = (x > 0) & (x < jnp.inf)
    far = jnp.where(tail, x, 1.0)
    upper = _log_mills(far) - 0.5 * far**2 - _HALF_LOG_2PI
    body = jnp.log1p(-jax.scipy.special.ndtr(jnp.where(tail, -1.0, x)))
    return jnp.where(tail, upper, jnp.where(x == jnp.inf, -jnp.inf, body))


def _log_between(lo: Array, hi: Array, width: Array) -> Array:
    """log(Phi(hi) - Phi(lo)); width = hi - lo comes from before the location was subtracted."""
    # Mirror, so that the end farther from the centre is on the right.
    mirror = lo + hi < 0
    near, far = jnp.where(mirror, -hi, lo), jnp.where(mirror, -lo, hi)
    bounded = (width > 0) & (width < jnp.inf)
    unbounded = width == jnp.inf
    value = _log_bounded(
        jnp.where(bounded, near, 0.0), jnp.where(bounded, far, 1.0), jnp.where(bounded, width, 1.0)
    )
    tail = jnp.where(unbounded, _log_upper(jnp.where(unbounded, near, 0.0)), -jnp.inf)
    return jnp.where(bounded, value, tail)


def _log_bounded(near: Array, far: Array, width: Array) -> Array:
    """log(Phi(far) - Phi(near)) for -far <= near < far < inf."""
    middle, half = 0.5 * (near + far), 0.5 * width
    drop = middle * width  # log(phi(near) / phi(far)), without their difference
    narrow = (drop < 1) & (half < 1)
    straddles = near < 0
    # Narrow: quadrature around the middle, where the density hardly changes.
    m, h = jnp.where(narrow, middle, 0.0), jnp.where(narrow, half, 0.5)
    mean = sum(w * jnp.exp(-(m * h * x + 0.5 * (h * x) ** 2)) for x, w in _QUADRATURE)
    within = jnp.log(h * mean) - 0.5 * m**2 - _HALF_LOG_2PI
    # Wide, on one side of the centre: a factor of the probability beyond the nearer end.
    one_sided = ~narrow & ~straddles
    a, b = jnp.where(one_sided, near, 0.0), jnp.where(one_sided, far, 1.0)
    ratio = jnp.where(one_sided, drop, 0.5) + _log_mills(a) - _log_mills(b)
    beyond = _log_upper(a) + log1mexp(ratio)
    # Wide, across the centre: what is left by the two tails, never small.
    across = ~narrow & straddles
    a, b = jnp.where(across, near, -1.0), jnp.where(across, far, 1.0)
    rest = jnp.log1p(-jax.scipy.special.ndtr(a) - jax.scipy.special.ndtr(-b))
    return jnp.where(narrow, within, jnp.where(straddles, rest, beyond))
