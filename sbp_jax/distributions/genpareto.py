r"""The generalized Pareto distribution of excesses over a threshold, smooth through shape 0.

Symbols: z >= 0 excess, xi shape, beta > 0 scale, S survival function, L = -log S:

    S(z) = (1 + xi z / beta) ** (-1 / xi),     xi -> 0: exp(-z / beta)
    L(z) = log1p(xi z / beta) / xi = (z / beta) g(xi z / beta),   g(u) = log1p(u) / u

The tail is heavy for xi > 0 (moments of order >= 1 / xi are infinite), exponential for xi = 0
and ends at -beta / xi for xi < 0. Every finite shape is supported. Outside the support the density
is 0: log values are -inf there and gradients 0, never NaN. At the end point itself (where
beta + xi z is exactly 0) the density is its limit from inside: 0 for xi > -1, 1 / beta for xi = -1
(the uniform distribution) and infinite for xi < -1; gradients there do not see z or xi.

Names are those of `jax.scipy.stats`, without its `loc`: whoever has a threshold subtracts it. A
scale that is not positive and finite, a shape that is not finite, or a NaN gives NaN. Arguments
broadcast against each other. Values and first derivatives are right to a few units in the last
place of the terms of their formulas, as long as the result is a normal number of its type; many
processors count smaller (subnormal) numbers as 0. Where L overflows, S is 0.

References: Pickands (1975), Annals of Statistics 3; Coles (2001), An Introduction to Statistical
Modeling of Extreme Values, chapter 4.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions.elementary import align, expm1_ratio, log1mexp
from sbp_jax.distributions.genpareto_hazard import are_valid, locate, stretch

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "*batch"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)  # on [-1, 1]


def logpdf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Log density `-log(beta) - (1 + xi) L(z)`.

    Args:
        z: excess over the threshold; the density is 0 for z < 0 and 1 / scale at 0.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    Returns:
        Natural logarithm of the density; -inf outside the support. Exactly at its end, for
        shape < 0: -inf for shape > -1, -log(scale) for shape = -1, +inf for shape < -1.

    >>> float(logpdf(2.0, shape=0.0, scale=1.0))
    -2.0
    """
    z, shape, scale = align(z, shape, scale)
    place = locate(z, shape, scale)
    end = jnp.where(shape < -1, jnp.inf, jnp.where(shape == -1, -jnp.log(scale), -jnp.inf))
    outside = jnp.where(place.beyond == 0, end, -jnp.inf)
    value = jnp.where(place.inside, -jnp.log(scale) - (1 + shape) * place.hazard, outside)
    return jnp.where(place.defined, value, jnp.nan)


def pdf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Density `exp(logpdf)`; arguments and edge values as in `logpdf`, with gradient 0 at inf.

    >>> float(pdf(0.0, shape=0.3, scale=2.0))
    0.5
    """
    log_density = logpdf(z, shape, scale)
    infinite = log_density > math.log(jnp.finfo(log_density.dtype).max)
    return jnp.where(infinite, jnp.inf, jnp.exp(jnp.where(infinite, 0.0, log_density)))


def logsf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Log survival function `-L(z)`: 0 for z <= 0, -inf from the end point on.

    Args:
        z: excess over the threshold.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    >>> float(logsf(1e6, shape=1.0, scale=1.0))
    -13.815511...
    """
    z, shape, scale = align(z, shape, scale)
    place = locate(z, shape, scale)
    value = jnp.where(place.inside, -place.hazard, jnp.where(z < 0, 0.0, -jnp.inf))
    return jnp.where(place.defined, value, jnp.nan)


def sf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Survival function `exp(-L(z))`; arguments as in `logsf`.

    >>> float(sf(3.0, shape=1.0, scale=1.0))
    0.25
    """
    return jnp.exp(logsf(z, shape, scale))


def cdf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Distribution function `-expm1(-L(z))`, accurate near 0; arguments as in `logsf`.

    >>> float(cdf(3.0, shape=1.0, scale=1.0))
    0.75
    """
    return -jnp.expm1(logsf(z, shape, scale))


def logcdf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Log distribution function `log(1 - exp(-L(z)))`; -inf, with gradient 0, for z <= 0.

    Arguments as in `logsf`. Where L itself is too small for a number, it is `log(z / beta)`.

    >>> float(logcdf(3.0, shape=1.0, scale=1.0))
    -0.287682...
    """
    z, shape, scale = align(z, shape, scale)
    place = locate(z, shape, scale)
    faint = place.inside & (z > 0) & (place.hazard < 2**20 * jnp.finfo(z.dtype).tiny)
    low = jnp.log(jnp.where(faint, z, 1.0)) - jnp.log(jnp.where(faint, scale, 1.0))
    body = log1mexp(jnp.where(faint, 1.0, place.hazard))
    beyond = jnp.where(z < 0, -jnp.inf, 0.0)
    value = jnp.where(faint, low, jnp.where(place.inside, body, beyond))
    return jnp.where(place.defined, value, jnp.nan)


def loginterval(z: Value, width: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Log probability `log(S(z) - S(z + width))` of an interval, without cancellation.

    The excess over z of what exceeds z is again generalized Pareto, with scale beta + xi z, so
    the interval has probability S(z) times that law's distribution function at `width`.

    Args:
        z: lower end of the interval, z >= 0; from the end of the support on, also at inf, the
            result is -inf.
        width: its length; inf reaches to the end of the tail, 0 or less gives -inf.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z; beta + xi z must not overflow.

    >>> float(loginterval(1.0, 2.0, shape=1.0, scale=1.0))  # log(1/2 - 1/4)
    -1.386294...
    """
    z, width, shape, scale = align(z, width, shape, scale)
    place = locate(z, shape, scale)
    defined = place.defined & ~jnp.isnan(width)
    width = jnp.where(place.inside, width, 0.0)
    beyond = jnp.where(place.inside, place.beyond, scale)
    value = jnp.where(place.inside, logcdf(width, shape, beyond) - place.hazard, -jnp.inf)
    return jnp.where(defined, value, jnp.nan)


def inverse_logsf(log_q: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Excess z with `log S(z) = log_q`: `beta expm1(xi w) / xi` with `w = -log_q`.

    Args:
        log_q: log of the survival probability, <= 0; -inf gives the end of the support (inf for
            xi >= 0), with gradient 0; values above 0 give NaN.
        shape: xi, without unit.
        scale: beta > 0.

    >>> float(inverse_logsf(-2.0, shape=0.0, scale=3.0))
    6.0
    """
    log_q, shape, scale = align(log_q, shape, scale)
    valid = are_valid(shape, scale)
    inside = (log_q <= 0) & (log_q > -jnp.inf)
    bounded = shape < 0
    end = jnp.where(bounded, scale / jnp.where(bounded, -shape, 1.0), jnp.inf)
    outside = jnp.where(log_q < 0, jax.lax.stop_gradient(end), jnp.nan)
    value = jnp.where(inside, stretch(-jnp.where(inside, log_q, 0.0), shape, scale), outside)
    return jnp.where(valid, value, jnp.nan)


def isf(q: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Inverse survival function: z with S(z) = q; NaN for q outside [0, 1].

    Arguments as in `inverse_logsf`, with q itself in place of its logarithm.

    >>> float(isf(0.25, shape=1.0, scale=1.0))
    3.0
    """
    q, shape, scale = align(q, shape, scale)
    inside = (q > 0) & (q <= 1)
    log_q = jnp.log(jnp.where(inside, q, 1.0))
    outside = jnp.where(q == 0, -jnp.inf, jnp.nan)
    return inverse_logsf(jnp.where(inside, log_q, outside), shape, scale)


def ppf(q: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Quantile function: z with cdf(z) = q; 0 at q = 0, the end of the support at q = 1.

    NaN for q outside [0, 1]. Arguments as in `isf`.

    >>> float(ppf(0.75, shape=1.0, scale=1.0))
    3.0
    """
    q, shape, scale = align(q, shape, scale)
    inside = (q >= 0) & (q < 1)
    log_sf = jnp.log1p(-jnp.where(inside, q, 0.0))
    outside = jnp.where(q == 1, -jnp.inf, jnp.nan)
    return inverse_logsf(jnp.where(inside, log_sf, outside), shape, scale)


def mean(shape: Value, scale: Value = 1.0) -> Result:
    """Mean `beta / (1 - xi)`; inf for xi >= 1.

    >>> float(mean(shape=0.5, scale=1.0))
    2.0
    """
    shape, scale = align(shape, scale)
    exists = shape < 1
    value = jnp.where(exists, scale / (1 - jnp.where(exists, shape, 0.0)), jnp.inf)
    return jnp.where(are_valid(shape, scale), value, jnp.nan)


def second_moment(shape: Value, scale: Value = 1.0) -> Result:
    """Second moment about 0, `2 beta^2 / ((1 - xi) (1 - 2 xi))`; inf for xi >= 1/2.

    >>> float(second_moment(shape=0.0, scale=3.0))
    18.0
    """
    shape, scale = align(shape, scale)
    exists = shape < 0.5
    xi = jnp.where(exists, shape, 0.0)
    middle = scale / (1 - xi)
    value = jnp.where(exists, 2 * middle * (scale / (1 - 2 * xi)), jnp.inf)
    return jnp.where(are_valid(shape, scale), value, jnp.nan)


def variance(shape: Value, scale: Value = 1.0) -> Result:
    """Variance `beta^2 / ((1 - xi)^2 (1 - 2 xi))`; inf for xi >= 1/2.

    >>> float(variance(shape=0.25, scale=3.0))
    32.0
    """
    shape, scale = align(shape, scale)
    exists = shape < 0.5
    xi = jnp.where(exists, shape, 0.0)
    value = jnp.where(exists, (scale / (1 - xi)) ** 2 / (1 - 2 * xi), jnp.inf)
    return jnp.where(are_valid(shape, scale), value, jnp.nan)


def entropy(shape: Value, scale: Value = 1.0) -> Result:
    """Differential entropy `log(beta) + 1 + xi`, in nats, for every shape.

    >>> float(entropy(shape=0.5, scale=1.0))
    1.5
    """
    shape, scale = align(shape, scale)
    return jnp.where(are_valid(shape, scale), jnp.log(scale) + 1 + shape, jnp.nan)


def integrated_sf(z: Value, shape: Value, scale: Value = 1.0) -> Result:
    """Integral of S from 0 to z, `beta (1 - S(z)^(1 - xi)) / (1 - xi)`, smooth through xi = 1.

    Args:
        z: upper end; 0 or less gives 0, beyond the end of the support the mean.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    >>> float(integrated_sf(3.0, shape=0.0, scale=1.0))  # 1 - exp(-3)
    0.950212...
    """
    z, shape, scale = align(z, shape, scale)
    place = locate(z, shape, scale)
    exponent = (shape - 1) * place.hazard
    # For large exponents ((beta + xi z) S(z) - beta) / (xi - 1), in an order in which neither
    # S(z) underflows nor a sum overflows.
    heavy = exponent > 1
    excess = jnp.where(heavy, shape - 1, 1.0)
    half = jnp.exp(-0.5 * place.hazard)
    whole = (scale / excess * half + place.z * half * (shape / excess)) * half
    rising = whole * -jnp.expm1(-jnp.where(heavy, exponent, 1.0))
    # For very negative ones as the formula stands: L, whose slopes are large there, drops out.
    light = exponent < -1
    lacking = jnp.expm1(jnp.maximum(jnp.where(light, exponent, -1.0), -100.0))
    falling = scale / jnp.where(light, 1 - shape, 1.0) * -lacking
    between = jnp.where(heavy | light, 0.0, place.hazard)
    level = scale * between * expm1_ratio((shape - 1) * between)
    value = jnp.where(heavy, rising, jnp.where(light, falling, level))
    # L itself may be too small for a number where the integral, then z, is not.
    value = jnp.where(place.hazard < 2**20 * jnp.finfo(z.dtype).tiny, place.z, value)
    outside = jnp.where(z < 0, 0.0, mean(shape, scale))
    value = jnp.where(place.inside, value, outside)
    return jnp.where(place.defined, value, jnp.nan)


def crps(
    z: Value,
    shape: Value,
    scale: Value = 1.0,
    mass: Value = 1.0,
    *,
    start: Value = 0.0,
    stop: Value = math.inf,
) -> Result:
    r"""Continuous ranked probability score of the distribution, or of a part of it in a tail.

    For a tail that holds `mass` of a larger distribution and an observation at z, the integral
    `\int_start^stop (mass S(t) - 1{t < z})^2 dt`. Over the whole tail and for z >= 0 that is
    `z - 2 mass \int_0^z S + mass^2 beta / (2 - xi)`. Parts of it are seen from their own left
    end, from which the tail is again generalized Pareto, so nothing cancels far out. Up to a
    finite stop it is summed from positive parts. (The numbers 0 and inf, as opposed to arrays,
    leave out what they make needless.)

    Args:
        z: observation, as an excess over the threshold. For z < 0, and start 0, |z| is added:
            the score between z and 0 of a distribution that begins at 0.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.
        mass: probability of the tail, in (0, 1]; 1 gives the score of the distribution itself.
        start: where the integral begins, >= 0; less counts as 0.
        stop: where it ends; at or below start the integral is 0.

    Returns:
        The integral, in the unit of z. Up to stop = inf it is finite for xi < 2, also where the
        mean is infinite; inf for larger xi or infinite z.

    Reference: Friederichs and Thorarinsdottir (2012), Environmetrics 23, for mass 1 and xi < 1.

    >>> round(float(crps(1.0, shape=0.0, scale=1.0)), 6)
    0.235759
    >>> round(float(crps(1.0, 0.0, start=0.5, stop=2.0)), 6)
    0.197479
    """
    from_0, unbounded = _is_number(start, 0.0), _is_number(stop, math.inf)
    z, shape, scale, mass, start, stop = align(z, shape, scale, mass, start, stop)
    valid = are_valid(shape, scale)
    for value in (z, mass, start, stop):
        valid = valid & ~jnp.isnan(value)
    before = jnp.where((z < 0) & (start <= 0), -z, 0.0)
    start = jnp.maximum(start, 0.0)
    length = jnp.where(stop > start, stop - start, 0.0)
    infinite = (length == jnp.inf) & ((shape >= 2) | (z == jnp.inf))
    length = jnp.where(infinite, 0.0, length)
    covered = jnp.minimum(jnp.where(z > start, z - start, 0.0), length)
    short = 1 - mass
    if not from_0:
        # The tail from start on: its scale, its mass, and what is short of 1, not by difference.
        place = locate(start, shape, scale)
        scale = jnp.where(place.inside, place.beyond, scale)
        short = jnp.where(place.inside, short - mass * jnp.expm1(-place.hazard), 1.0)
        mass = jnp.where(place.inside, mass * jnp.exp(-place.hazard), 0.0)
    if unbounded:
        # The last term is no larger than a few times the sum, so nothing cancels.
        square = scale / (2 - jnp.where(shape < 2, shape, 0.0))
        square = jnp.where(length > 0, square, 0.0)
        value = covered - 2 * mass * integrated_sf(covered, shape, scale) + mass**2 * square
    else:
        value = _covered_score(covered, shape, scale, mass, short)
        value = value + mass**2 * _squared_sf(covered, length, shape, scale)
    return jnp.where(valid, jnp.where(infinite, jnp.inf, before + value), jnp.nan)


def _is_number(value: Value, number: float) -> bool:
    """Whether a value is this very number, known when the program is built."""
    return isinstance(value, int | float) and value == number


def _covered_score(width: Array, shape: Array, scale: Array, mass: Array, short: Array) -> Array:
    r"""Integral `\int_0^width (1 - mass S(t))^2 dt`, where short = 1 - mass."""
    place = locate(width, shape, scale)
    narrow = place.inside & (place.hazard < 1) & (jnp.abs(shape * place.hazard) < 2)
    once = integrated_sf(width, shape, scale)
    twice = _squared_sf_from_0(width, shape, scale)
    wide = width - 2 * mass * once + mass**2 * twice
    # Near 0, where those terms cancel if mass is near 1, Gauss' quadrature over s = L(t).
    hazard = jnp.where(narrow, place.hazard, 0.0)
    column = (-1,) + (1,) * hazard.ndim
    nodes = jnp.asarray((1 + _NODES) / 2, hazard.dtype).reshape(column)
    weights = jnp.asarray(_WEIGHTS / 2, hazard.dtype).reshape(column)
    s = nodes * hazard[None]
    squares = (short[None] - mass[None] * jnp.expm1(-s)) ** 2 * jnp.exp(shape[None] * s)
    quadrature = scale * hazard * jnp.sum(weights * squares, axis=0)
    return jnp.where(narrow, quadrature, wide)


def _squared_sf(begin: Array, end: Array, shape: Array, scale: Array) -> Array:
    """Integral of S^2 between two excesses."""
    place = locate(begin, shape, scale)
    beyond = jnp.where(place.inside, place.beyond, scale)
    rest = _squared_sf_from_0(end - begin, shape, beyond)
    return jnp.where(place.inside, jnp.exp(-2 * place.hazard) * rest, 0.0)


def _squared_sf_from_0(z: Array, shape: Array, scale: Array) -> Array:
    """Integral of S^2 from 0 to z: S(t)^2 is S(2 t) with half the shape."""
    return 0.5 * integrated_sf(2 * z, 0.5 * shape, scale)
