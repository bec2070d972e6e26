r"""Fits of the generalized Pareto distribution to a sample of excesses, for starting values.

Symbols: x_1 <= ... <= x_n observed excesses, m their mean, xi shape, sigma scale, and
theta = xi / sigma > -1 / x_n, which determines the maximum of the likelihood over the rest:

    k(theta) = mean log(1 + theta x),     shape k(theta), scale k(theta) / theta
    log likelihood of one observation: l(theta) = -(log(k(theta) / theta) + k(theta) + 1)

All is computed in u = theta x, with g(u) = log(1 + u) / u in place of quotients, so that
theta = 0, the exponential distribution with scale m, is a point like any other, and with sums of
terms of one sign, so that nothing cancels or underflows however far the excesses lie apart:

    k(theta) / theta = mean x g(theta x)
    l'(theta) = D(theta) / (theta k(theta)),
    D(theta) = -mean u^2 g'(u) - k(theta) mean u / (1 + u)

Samples are the last axis of `excesses`, which are >= 0; `mask` is True where there is an
observation and broadcasts against them, and padding may hold anything, also NaN. Every fit is pure,
jits and vmaps, and gives c times the scale for c times the excesses. It is not meant to be
differentiated. Special samples are the same for all of them: none, or only zeros, gives shape 0 and
scale 1; one observation, or equal ones, the exponential distribution with their mean. An observed
NaN or inf gives NaN, and so does a sample to which no fit is found.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Real

from sbp_jax.distributions.elementary import align, log1p_ratio, log1p_ratio_slope

Excesses = Real[ArrayLike, "*batch n"]
Mask = Bool[ArrayLike, "*#batch #n"]

_LOWEST_SHAPE = -0.5  # of the likelihood fit: further down it is not regular, below -1 unbounded
_LOWEST_LOG = -16.0  # lowest log(1 + theta) tried, in units of x_n
_HIGHEST_LOG = 85.0  # highest in float32, unless the sample needs less; in float64 8 times that
_NEAR_LOWEST = 1e-3  # of the lowest shape: whether it is the best is not asked more finely
_CELLS = 96
NEAREST_0 = 1e-15  # in place of a theta of 0, in units of x_n, where theta^2 D is 0 of itself


class Fit(NamedTuple):
    """Shape xi and scale sigma, in the unit of the excesses."""

    shape: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]


class _Sample(NamedTuple):
    """Observed excesses in units of the largest, increasing; 0 with weight 0 in the padding."""

    x: Array
    weight: Array  # 1 / count where observed
    size: Array  # n, at least 1
    unit: Array


def _prepare(excesses: Excesses, mask: Mask | None) -> _Sample:
    (x,) = align(excesses)
    observed = jnp.ones_like(x, bool) if mask is None else jnp.broadcast_to(mask, x.shape)
    count = jnp.maximum(jnp.sum(observed, axis=-1), 1)
    unit = jnp.max(jnp.where(observed, x, 0.0), axis=-1, initial=0.0)
    unit = jnp.where(unit == 0, 1.0, unit)
    # Excesses that are too small, by themselves or beside the largest, would count as 0, and give
    # another fit. (Those that arithmetic takes for 0 are told from it by their bits.)
    bits = jax.lax.bitcast_convert_type(x, f"int{8 * x.dtype.itemsize}")
    lost = jnp.any(observed & (bits << 1 != 0) & (x / unit[..., None] == 0), axis=-1)
    unit = jnp.where(lost, jnp.nan, unit)
    ordered = jnp.sort(jnp.where(observed, x / unit[..., None], jnp.inf), axis=-1)
    kept = jnp.expand_dims(jnp.arange(x.shape[-1]), tuple(range(x.ndim - 1))) < count[..., None]
    kept = kept & (jnp.sum(observed, axis=-1, keepdims=True) > 0)
    weight = kept.astype(x.dtype) / count[..., None].astype(x.dtype)
    return _Sample(jnp.where(kept, ordered, 0.0), weight, count, unit)


def _average(sample: _Sample, values: Array) -> Array:
    return jnp.sum(sample.weight * values, axis=-1)


def _order_statistic(sample: _Sample, rank: Array) -> Array:
    """Observation of a rank that counts from 1."""
    return jnp.take_along_axis(sample.x, (rank - 1)[..., None], axis=-1)[..., 0]


def _finish(sample: _Sample, shape: Array, scale: Array) -> Fit:
    """Undo the unit, and put the special samples in."""
    if sample.x.shape[-1] == 0:
        return Fit(jnp.zeros_like(sample.unit), jnp.ones_like(sample.unit))
    mean = _average(sample, sample.x)
    largest = _order_statistic(sample, sample.size)
    equal = sample.x[..., 0] == largest
    flat = jnp.where(largest == 0, 1.0, mean)
    spoilt = jnp.where(jnp.isfinite(sample.unit), 0.0, jnp.nan)
    shape = jnp.where(equal, 0.0, shape) + spoilt
    return Fit(shape, jnp.where(equal, flat, scale) * sample.unit + spoilt)


def _profile(sample: _Sample, log_growth: Array) -> tuple[Array, Array, Array, Array]:
    """theta, shape, scale and l of a sample at theta = exp(log_growth) - 1."""
    theta = jnp.expm1(log_growth)
    scale = _average(sample, sample.x * log1p_ratio(theta[..., None] * sample.x))
    shape = theta * scale
    likelihood = -(jnp.log(jnp.where(scale > 0, scale, 1.0)) + shape + 1)
    return theta, shape, scale, likelihood


def _direction(sample: _Sample, log_growth: Array) -> Array:
    """D, which has the sign of l' (theta and k have the same sign)."""
    theta = jnp.expm1(log_growth)
    u = jnp.where(jnp.abs(theta) < NEAREST_0, NEAREST_0, theta)[..., None] * sample.x
    s = u / (1 + u)
    near = jnp.abs(u) < 0.2
    small = jnp.where(near, u, 0.0)
    bend = jnp.where(near, -small * small * log1p_ratio_slope(small), jnp.log1p(u) - s)
    return _average(sample, bend) - _average(sample, jnp.log1p(u)) * _average(sample, s)


def bisect(rising: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Where `rising` turns from true to false between low and high, to full precision."""

    def halve(_: Array | int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        up = rising(middle)
        return jnp.where(up, middle, low), jnp.where(up, high, middle)

    steps = jnp.finfo(low.dtype).nmant + 4
    low, high = jax.lax.fori_loop(0, steps, halve, (low, high))
    return 0.5 * (low + high)


def grimshaw(excesses: Excesses, mask: Mask | None = None) -> Fit:
    """Fit by maximum likelihood over shapes >= -0.5, through the profile l(theta).

    A grid in log(1 + theta) finds where l turns from rising to falling; the highest such place is
    refined by bisection on the sign of l'. It is compared with the best fit of shape -0.5 where
    that is a maximum too, and the more likely of the two is returned. The restriction is needed
    since the likelihood grows without bound for shapes below -1. If excesses are exactly 0 it does
    so also for infinite shapes, which is left aside, as only turning points count there; where
    zeros are so many that there is none, no fit is found, and shape and scale are NaN. They are so
    too where the shape is beyond the reach of the excesses' type: about 15 in float32, for a sample
    of 100.

    Args:
        excesses: sample along the last axis, >= 0.
        mask: True where observed; None for everywhere.

    Reference: Grimshaw (1993), Technometrics 35.

    >>> fit = jax.jit(grimshaw)(jnp.array([0.1, 0.4, 0.9, 1.6, 4.0]))
    >>> round(float(fit.shape), 4), round(float(fit.scale), 4)
    (-0.0083, 1.4117)
    """
    sample = _prepare(excesses, mask)
    if sample.x.shape[-1] == 0:
        return _finish(sample, sample.unit, sample.unit)
    low = jnp.full_like(sample.unit, _LOWEST_LOG)
    at = partial(_grid, low, _highest(sample))

    def look(cell: Array) -> tuple[Array, Array]:
        return _direction(sample, at(cell)) > 0, _profile(sample, at(cell))[3]

    rising, likelihood = jax.lax.map(look, jnp.arange(_CELLS + 1, dtype=low.dtype))
    turns = rising[:-1] & ~rising[1:]
    height = jnp.where(turns, jnp.maximum(likelihood[:-1], likelihood[1:]), -jnp.inf)
    cell = jnp.argmax(height, axis=0).astype(low.dtype)
    root = bisect(lambda s: _direction(sample, s) > 0, at(cell), at(cell + 1))
    _, *inner = _profile(sample, root)
    *border, peaked = _lowest(sample, low)
    fair = jnp.stack([jnp.any(turns, axis=0) & (inner[0] >= _LOWEST_SHAPE), peaked])
    shape, scale, likelihood = (jnp.stack(pair) for pair in zip(inner, border, strict=True))
    best = jnp.argmax(jnp.where(fair, likelihood, -jnp.inf), axis=0)[None]
    found = jnp.any(fair, axis=0)
    shape, scale = (
        jnp.where(found, jnp.take_along_axis(x, best, axis=0)[0], jnp.nan) for x in (shape, scale)
    )
    return _finish(sample, shape, scale)


def _highest(sample: _Sample) -> Array:
    """The highest log(1 + theta) that is looked at.

    Beyond 100 / x_q for a low quantile x_q of the excesses that are not 0, l falls for all but
    absurdly heavy tails, or rises for ever because of the zeros.
    """
    zeros = jnp.sum((sample.x == 0) & (sample.weight > 0), axis=-1)
    rank = jnp.minimum(zeros + 1 + (sample.size - zeros) // 50, sample.size)
    quantile = _order_statistic(sample, rank)
    most = _HIGHEST_LOG * (8 if sample.x.dtype == jnp.float64 else 1)
    return jnp.minimum(jnp.log(100.0) - jnp.log(jnp.where(quantile > 0, quantile, 1.0)), most)


def _grid(low: Array, high: Array, cell: Array) -> Array:
    return low + (high - low) * cell / _CELLS


def _lowest(sample: _Sample, low: Array) -> tuple[Array, Array, Array, Array]:
    """Shape, scale and log likelihood of the best fit with the lowest shape, and if it is a peak.

    Given xi = -1/2, the likelihood is `log(-2 theta) + k(theta)`, highest where the mean of
    1 / (1 + theta x) is 2. It falls with xi from there on if k(theta), the best xi given theta, is
    lower.
    """

    def too_far(log_growth: Array) -> Array:
        u = jnp.expm1(log_growth)[..., None] * sample.x
        return _average(sample, 1 / (1 + u)) > 2

    theta, growth, _, _ = _profile(sample, bisect(too_far, low, jnp.zeros_like(low)))
    scale = _LOWEST_SHAPE / theta
    peaked = growth <= _LOWEST_SHAPE + _NEAR_LOWEST
    return jnp.full_like(scale, _LOWEST_SHAPE), scale, growth - jnp.log(scale), peaked
