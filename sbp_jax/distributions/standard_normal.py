r"""The standard normal distribution, accurate far out: what the normal and its mixtures share.

Symbols: Phi and phi distribution function and density, M(x) = (1 - Phi(x)) / phi(x) Mills' ratio.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sbp_jax.distributions.elementary import far_off, log1mexp

Value = Float[Array, "*#batch"]
Result = Float[Array, "*batch"]

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_LEGENDRE, _LAGUERRE = (
    tuple(zip(*(x.tolist() for x in rule), strict=True))
    for rule in (np.polynomial.legendre.leggauss(10), np.polynomial.laguerre.laggauss(10))
)


def mean_distance(distance: Value, scale: Value, less: float = 0.0) -> Result:
    """Mean of |d - s X| for X standard normal, less a share of the scale s.

    With z = d / s it is `s (z (2 Phi(z) - 1) + 2 phi(z))`; `far_off` it is |d|, also where z is
    too large for a number.

    >>> round(float(mean_distance(jnp.zeros(()), jnp.ones(()))), 6)  # sqrt(2 / pi)
    0.797885
    """
    far = far_off(distance, scale)
    z = jnp.where(far, 0.0, distance) / jnp.where(far, 1.0, scale)
    density = jnp.exp(-0.5 * z * z - HALF_LOG_2PI)
    near = scale * (z * jax.scipy.special.erf(z / math.sqrt(2)) + 2 * density - less)
    return jnp.where(far, jnp.abs(distance), near)


def log_upper(x: Value) -> Result:
    """Log Phi(-x), to relative accuracy on both sides: 0 at -inf, -inf at inf.

    >>> round(float(log_upper(jnp.array(40.0))), 3)
    -804.608
    """
    tail = (x > 0) & (x < jnp.inf)
    far = jnp.where(tail, x, 1.0)
    upper = _log_mills(far) - 0.5 * far**2 - HALF_LOG_2PI
    body = jnp.log1p(-jax.scipy.special.ndtr(jnp.where(tail, -1.0, x)))
    return jnp.where(tail, upper, jnp.where(x == jnp.inf, -jnp.inf, body))


def inverse_log_upper(log_p: Value) -> Result:
    """The point x with `log_upper(x)` = log p, of whatever size; for log p <= log(1/2).

    Beyond ndtri's reach `x^2 / 2 = log M(x) - log sqrt(2 pi) - log p`, iterated: the error shrinks
    by x^2 > 150 each time.

    >>> inverse_log_upper(jnp.array([math.log(0.05), -804.608])).round(3).tolist()
    [1.64..., 40.0]
    """
    far = (log_p < -80) & (log_p > -jnp.inf)
    distant = jnp.where(far, log_p, -80.0)
    x = jnp.sqrt(-2 * distant)
    for _ in range(3):
        x = jnp.sqrt(2 * (_log_mills(x) - HALF_LOG_2PI - distant))
    return jnp.where(far, x, -jax.scipy.special.ndtri(jnp.exp(jnp.where(far, -1.0, log_p))))


def log_between(lo: Value, hi: Value, width: Value) -> Result:
    """log(Phi(hi) - Phi(lo)) without cancellation; -inf where hi <= lo, NaN where an end is.

    Args:
        lo: lower end, may be infinite.
        hi: upper end, may be infinite.
        width: hi - lo, from before a location was subtracted, so that it is not rounded.

    >>> round(float(log_between(jnp.array(40.0), jnp.array(41.0), jnp.array(1.0))), 3)
    -804.608
    """
    # Mirror, so that the end farther from the centre is on the right.
    mirror = lo + hi < 0
    near, far = jnp.where(mirror, -hi, lo), jnp.where(mirror, -lo, hi)
    bounded = (width > 0) & (width < jnp.inf)
    unbounded = width == jnp.inf
    value = _log_bounded(
        jnp.where(bounded, near, 0.0), jnp.where(bounded, far, 1.0), jnp.where(bounded, width, 1.0)
    )
    tail = jnp.where(unbounded, log_upper(jnp.where(unbounded, near, 0.0)), -jnp.inf)
    value = jnp.where(bounded, value, tail)
    return jnp.where(jnp.isnan(lo) | jnp.isnan(hi), jnp.nan, value)


def _log_mills(x: Array) -> Array:
    """Log M(x) for x >= 0, as accurate far out as near 0."""
    far = x > 5
    near_x, far_x = jnp.where(far, 0.0, x), jnp.where(far, x, 5.0)
    near = jnp.log(jax.scipy.special.ndtr(-near_x)) + 0.5 * near_x**2 + HALF_LOG_2PI
    # M(x) is the integral of exp(-w) / sqrt(x^2 + 2 w) over w > 0; the branch point at -x^2 / 2
    # is so far off that ten nodes leave an error below 1e-15.
    bend = 2 * (1 / far_x) ** 2
    share = sum(weight * jax.lax.rsqrt(1 + bend * node) for node, weight in _LAGUERRE)
    return jnp.where(far, jnp.log(share) - jnp.log(far_x), near)


def _log_bounded(near: Array, far: Array, width: Array) -> Array:
    """log(Phi(far) - Phi(near)) for -far <= near < far < inf."""
    middle, half = 0.5 * (near + far), 0.5 * width
    drop = middle * width  # log(phi(near) / phi(far)), without their difference
    narrow = (drop < 1) & (half < 1)
    straddles = near < 0
    # Narrow: quadrature around the middle, where the density hardly changes.
    m, h = jnp.where(narrow, middle, 0.0), jnp.where(narrow, half, 0.5)
    mean = sum(w * jnp.exp(-(m * h * x + 0.5 * (h * x) ** 2)) for x, w in _LEGENDRE)
    within = jnp.log(h * mean) - 0.5 * m**2 - HALF_LOG_2PI
    # Wide, on one side of the centre: a factor of the probability beyond the nearer end.
    one_sided = ~narrow & ~straddles
    a, b = jnp.where(one_sided, near, 0.0), jnp.where(one_sided, far, 1.0)
    ratio = jnp.where(one_sided, drop, 0.5) + _log_mills(a) - _log_mills(b)
    beyond = log_upper(a) + log1mexp(ratio)
    # Wide, across the centre: what is left by the two tails, never small.
    across = ~narrow & straddles
    a, b = jnp.where(across, near, -1.0), jnp.where(across, far, 1.0)
    rest = jnp.log1p(-jax.scipy.special.ndtr(a) - jax.scipy.special.ndtr(-b))
    return jnp.where(narrow, within, jnp.where(straddles, rest, beyond))
