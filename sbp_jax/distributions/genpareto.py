r"""The generalized Pareto distribution of excesses over a threshold, smooth through shape 0.

Symbols: z >= 0 excess, xi shape, beta > 0 scale, S survival function, L = -log S:

    S(z) = (1 + xi z / beta) ** (-1 / xi),     xi -> 0: exp(-z / beta)
    L(z) = log1p(xi z / beta) / xi = (z / beta) g(xi z / beta),   g(u) = log1p(u) / u

The tail is heavy for xi > 0 (moments of order >= 1 / xi are infinite), exponential for xi = 0
and ends at -beta / xi for xi < 0. Beyond that end the density is 0: log values are -inf there
and gradients 0, never NaN. Shapes above -1 are supported; for smaller ones the density is
infinite at the end point, where `logpdf` is defined as -inf. A scale that is not positive gives an
undefined result. Arguments broadcast against each other.

References: Pickands (1975), Annals of Statistics 3; Coles (2001), An Introduction to Statistical
Modeling of Extreme Values, chapter 4.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions.elementary import align, expm1_ratio, log1mexp, log1p_ratio

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "*batch"]


def _hazard(z: Array, shape: Array, scale: Array) -> tuple[Array, Array]:
    """Whether z lies inside the support, and L(z), put to 0 outside."""
    ratio = z / scale
    # Written so that NaN and inf, also 0 * inf, count as outside.
    inside = (z >= 0) & (ratio < jnp.inf) & (shape * ratio > -1)
    x = jnp.where(inside, z, 0.0) / scale
    return inside, x * log1p_ratio(shape * x)


def logpdf(z: Value, shape: Value, scale: Value) -> Result:
    """Log density `-log(beta) - (1 + xi) L(z)`.

    Args:
        z: excess over the threshold; the density is 0 for z < 0 and 1 / scale at 0.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    Returns:
        Natural logarithm of the density; -inf outside the support.

    >>> float(logpdf(2.0, shape=0.0, scale=1.0))
    -2.0
    """
    z, shape, scale = align(z, shape, scale)
    inside, hazard = _hazard(z, shape, scale)
    outside = jnp.where(jnp.isnan(z), jnp.nan, -jnp.inf)
    return jnp.where(inside, -jnp.log(scale) - (1 + shape) * hazard, outside)


def pdf(z: Value, shape: Value, scale: Value) -> Result:
    """Density `exp(logpdf)`; arguments as in `logpdf`.

    >>> float(pdf(0.0, shape=0.3, scale=2.0))
    0.5
    """
    return jnp.exp(logpdf(z, shape, scale))


def logsf(z: Value, shape: Value, scale: Value) -> Result:
    """Log survival function `-L(z)`: 0 for z <= 0, -inf from the end point on.

    Args:
        z: excess over the threshold.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    >>> float(logsf(1e6, shape=1.0, scale=1.0))
    -13.815511...
    """
    z, shape, scale = align(z, shape, scale)
    inside, hazard = _hazard(z, shape, scale)
    outside = jnp.where(z < 0, 0.0, jnp.where(jnp.isnan(z), jnp.nan, -jnp.inf))
    return jnp.where(inside, -hazard, outside)


def sf(z: Value, shape: Value, scale: Value) -> Result:
    """Survival function `exp(-L(z))`; arguments as in `logsf`.

    >>> float(sf(3.0, shape=1.0, scale=1.0))
    0.25
    """
    return jnp.exp(logsf(z, shape, scale))


def cdf(z: Value, shape: Value, scale: Value) -> Result:
    """Distribution function `-expm1(-L(z))`, accurate near 0; arguments as in `logsf`.

    >>> float(cdf(3.0, shape=1.0, scale=1.0))
    0.75
    """
    return -jnp.expm1(logsf(z, shape, scale))


def logcdf(z: Value, shape: Value, scale: Value) -> Result:
    """Log distribution function `log(1 - exp(-L(z)))`; -inf, with gradient 0, for z <= 0.

    Arguments as in `logsf`.

    >>> float(logcdf(3.0, shape=1.0, scale=1.0))
    -0.287682...
    """
    return log1mexp(-logsf(z, shape, scale))


def loginterval(z: Value, width: Value, shape: Value, scale: Value) -> Result:
    """Log probability `log(S(z) - S(z + width))` of an interval, without cancellation.

    The excess over z of what exceeds z is again generalized Pareto, with scale beta + xi z, so
    the interval has probability S(z) times that law's distribution function at `width`.

    Args:
        z: lower end of the interval, z >= 0.
        width: its length; inf reaches to the end of the tail, 0 or less gives -inf.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    >>> float(loginterval(1.0, 2.0, shape=1.0, scale=1.0))  # log(1/2 - 1/4)
    -1.386294...
    """
    z, width, shape, scale = align(z, width, shape, scale)
    inside, hazard = _hazard(z, shape, scale)
    beyond = scale + shape * jnp.where(inside, z, 0.0)
    width = jnp.where(inside, width, 0.0)
    return jnp.where(inside, logcdf(width, shape, beyond) - hazard, -jnp.inf)


def inverse_logsf(log_q: Value, shape: Value, scale: Value) -> Result:
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
    inside = (log_q <= 0) & (log_q > -jnp.inf)
    w = -jnp.where(inside, log_q, 0.0)
    bounded = shape < 0
    end = jnp.where(bounded, -scale / jnp.where(bounded, shape, -1.0), jnp.inf)
    outside = jnp.where(log_q < 0, end, jnp.nan)
    return jnp.where(inside, scale * w * expm1_ratio(shape * w), outside)


def isf(q: Value, shape: Value, scale: Value) -> Result:
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


def ppf(q: Value, shape: Value, scale: Value) -> Result:
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


def mean(shape: Value, scale: Value) -> Result:
    """Mean `beta / (1 - xi)`; inf for xi >= 1.

    >>> float(mean(shape=0.5, scale=1.0))
    2.0
    """
    shape, scale = align(shape, scale)
    exists = shape < 1
    return jnp.where(exists, scale / (1 - jnp.where(exists, shape, 0.0)), jnp.inf)


def second_moment(shape: Value, scale: Value) -> Result:
    """Second moment about 0, `2 beta^2 / ((1 - xi) (1 - 2 xi))`; inf for xi >= 1/2.

    >>> float(second_moment(shape=0.0, scale=3.0))
    18.0
    """
    shape, scale = align(shape, scale)
    exists = shape < 0.5
    xi = jnp.where(exists, shape, 0.0)
    return jnp.where(exists, 2 * scale**2 / ((1 - xi) * (1 - 2 * xi)), jnp.inf)


def variance(shape: Value, scale: Value) -> Result:
    """Variance `beta^2 / ((1 - xi)^2 (1 - 2 xi))`; inf for xi >= 1/2.

    >>> float(variance(shape=0.25, scale=3.0))
    32.0
    """
    shape, scale = align(shape, scale)
    exists = shape < 0.5
    xi = jnp.where(exists, shape, 0.0)
    return jnp.where(exists, scale**2 / ((1 - xi) ** 2 * (1 - 2 * xi)), jnp.inf)


def integrated_sf(z: Value, shape: Value, scale: Value) -> Result:
    """Integral of S from 0 to z, `beta (1 - S(z)^(1 - xi)) / (1 - xi)`, smooth through xi = 1.

    Args:
        z: upper end; 0 or less gives 0, beyond the end of the support the mean.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.

    >>> float(integrated_sf(3.0, shape=0.0, scale=1.0))  # 1 - exp(-3)
    0.950212...
    """
    z, shape, scale = align(z, shape, scale)
    inside, hazard = _hazard(z, shape, scale)
    outside = jnp.where(z < 0, 0.0, jnp.where(jnp.isnan(z), jnp.nan, mean(shape, scale)))
    value = scale * hazard * expm1_ratio((shape - 1) * hazard)
    return jnp.where(inside, value, outside)


def crps(z: Value, shape: Value, scale: Value, mass: Value = 1.0) -> Result:
    r"""Continuous ranked probability score of the distribution, or the part of it in a tail.

    For a tail that holds `mass` of a larger distribution and an observation at z >= 0, the
    integral over the tail, `\int_0^\infty (mass S(t) - 1{t < z})^2 dt`, which is
    `z - 2 mass \int_0^z S + mass^2 beta / (2 - xi)`. For z < 0, |z| in place of z. Finite for
    xi < 2, also where the mean is infinite; inf for larger xi.

    Args:
        z: observation, as an excess over the threshold.
        shape: xi, without unit.
        scale: beta > 0, in the unit of z.
        mass: probability of the tail, in (0, 1]; 1 gives the score of the distribution itself.

    Reference: Friederichs and Thorarinsdottir (2012), Environmetrics 23, for mass 1 and xi < 1.

    >>> round(float(crps(1.0, shape=0.0, scale=1.0)), 6)
    0.235759
    """
    z, shape, scale, mass = align(z, shape, scale, mass)
    exists = shape < 2
    squared = mass**2 * scale / (2 - jnp.where(exists, shape, 0.0))
    value = jnp.abs(z) - 2 * mass * integrated_sf(z, shape, scale) + squared
    return jnp.where(exists, value, jnp.inf)
