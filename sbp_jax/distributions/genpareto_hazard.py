"""The hazard of the generalized Pareto distribution and its inverse, with derivatives.

Symbols as in `genpareto`: z excess, xi shape, beta scale, L = -log S. Derivatives are rules of
their own: those that follow from the formulas overflow, or cancel, where xi z / beta is extreme.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from sbp_jax.distributions.elementary import (
    expm1_ratio,
    expm1_ratio_slope,
    log1p_ratio,
    log1p_ratio_slope,
    multiply_add,
)

Triple = tuple[Array, Array, Array]


def _held(x: Array) -> Array:
    """x, at most the largest finite number, so that 0 times it is 0 in a gradient."""
    return jnp.minimum(x, jnp.finfo(x.dtype).max)


@jax.custom_jvp
def _rate(z: Array, shape: Array, scale: Array) -> Array:
    """dL/dz = 1 / (beta + xi z)."""
    return _held(1 / multiply_add(shape, z, scale))


@_rate.defjvp
def _rate_jvp(primals: Triple, tangents: Triple) -> tuple[Array, Array]:
    shape, rate, share = primals[1], _rate(*primals), _share(*primals)
    dz, dshape, dscale = tangents
    return rate, -rate * (rate * dscale + (rate * shape) * dz + share * dshape)


@jax.custom_jvp
def _share(z: Array, shape: Array, scale: Array) -> Array:
    """Ratio z / (beta + xi z), which for xi = 0 is z / beta."""
    beyond = multiply_add(shape, z, scale)
    return _held(jnp.where(beyond < jnp.inf, z / beyond, 1 / (shape + scale / z)))


@_share.defjvp
def _share_jvp(primals: Triple, tangents: Triple) -> tuple[Array, Array]:
    scale, rate, share = primals[2], _rate(*primals), _share(*primals)
    dz, dshape, dscale = tangents
    return share, (scale * rate) * (rate * dz) - share * (rate * dscale + share * dshape)


@jax.custom_jvp
def _hazard(z: Array, shape: Array, scale: Array) -> Array:
    """L(z) for z inside the support, at most the largest finite number.

    The derivatives are written out, because those that follow from the formula overflow, or lose
    all digits, where xi z / beta is large.
    """
    x = z / scale
    bend = shape * _held(x)
    mild = jnp.abs(bend) < 0.5
    growth = multiply_add(shape, z, scale) / scale
    # Where beta + xi z overflows, the ratios need not; where they do, their logarithms do not.
    apart = jnp.log(jnp.abs(shape)) + jnp.log(z) - jnp.log(scale)
    known = (bend < jnp.inf) & (x < jnp.inf)
    apart = jnp.where(known, jnp.log1p(jnp.maximum(bend, 0.0)), apart)
    log_growth = jnp.where(growth < jnp.inf, jnp.log(growth), apart)
    near = x * log1p_ratio(jnp.where(mild, bend, 0.0))
    return _held(jnp.where(mild, near, log_growth / jnp.where(mild, 1.0, shape)))


@_hazard.defjvp
def _hazard_jvp(primals: Triple, tangents: Triple) -> tuple[Array, Array]:
    z, shape, scale = primals
    dz, dshape, dscale = tangents
    hazard, rate, share = _hazard(*primals), _rate(*primals), _share(*primals)
    x = _share(z, jnp.zeros_like(shape), scale)
    mild = jnp.abs(shape * x) < 0.5
    # dL/dxi = x^2 g'(xi x) = (z / (beta + xi z) - L) / xi, in two factors that do not overflow.
    x = jnp.where(mild, x, 0.0)
    near = (x * log1p_ratio_slope(shape * x)) * (x * dshape)
    far = (share - hazard) * (dshape / jnp.where(mild, 1.0, shape))
    per_scale = _rate(jnp.zeros_like(z), shape, scale)
    return hazard, rate * dz - share * (per_scale * dscale) + jnp.where(mild, near, far)


@jax.custom_jvp
def stretch(w: Array, shape: Array, scale: Array) -> Array:
    """The excess with L = w, `beta expm1(xi w) / xi`, for finite w >= 0."""
    v = shape * w
    mild = jnp.abs(v) < 1
    near = scale * w * expm1_ratio(jnp.where(mild, v, 0.0))
    xi = jnp.where(mild, 1.0, shape)
    falling = scale * (jnp.expm1(jnp.minimum(v, 0.0)) / xi)
    # beta exp(v) / xi in an order in which no factor overflows unless the result does.
    half = jnp.exp(0.5 * v)
    large = scale > 1
    rising = (jnp.where(large, scale / xi, scale) * half) * jnp.where(large, half, half / xi)
    rising = rising * -jnp.expm1(-jnp.maximum(v, 0.0))
    return jnp.where(mild, near, jnp.where(v < 0, falling, rising))


@stretch.defjvp
def _stretch_jvp(primals: Triple, tangents: Triple) -> tuple[Array, Array]:
    w, shape, scale = primals
    dw, dshape, dscale = tangents
    z = stretch(*primals)
    v, held = shape * w, _held(z)
    half = jnp.exp(0.5 * v)
    slope = _held(_held(scale * half) * half)
    mild = jnp.abs(v) < 1
    near_w = jnp.where(mild, w, 0.0)
    near = _held(scale * near_w * expm1_ratio_slope(shape * near_w)) * (near_w * dshape)
    far = (_held(w * slope) - held) * (dshape / jnp.where(mild, 1.0, shape))
    per_scale = _rate(jnp.zeros_like(w), shape, scale)
    return z, slope * dw + held * (per_scale * dscale) + jnp.where(mild, near, far)


class Place(NamedTuple):
    """Where z lies; outside the support z and hazard are 0, and beyond is the scale."""

    defined: Array  # no argument is NaN, the parameters are valid
    inside: Array
    z: Array
    hazard: Array  # L(z)
    beyond: Array  # beta + xi z, the scale of the excess over z, 0 at the end point


def are_valid(shape: Array, scale: Array) -> Array:
    """Whether a shape is finite and a scale positive and finite."""
    return (scale > 0) & (scale < jnp.inf) & (jnp.abs(shape) < jnp.inf)


def locate(z: Array, shape: Array, scale: Array) -> Place:
    """Where z lies, and what every function of it needs; nothing overflows."""
    valid = are_valid(shape, scale)
    eligible = (z >= 0) & (z < jnp.inf)
    safe = jnp.where(eligible, z, 0.0)
    beyond = multiply_add(shape, safe, scale)
    inside = valid & eligible & (beyond > 0)
    hazard = _hazard(jnp.where(inside, safe, 0.0), shape, scale)
    inside = inside & (hazard < jnp.finfo(hazard.dtype).max)
    end = eligible & (beyond == 0)
    return Place(
        valid & ~jnp.isnan(z),
        inside,
        jnp.where(inside, z, 0.0),
        jnp.where(inside, hazard, 0.0),
        jnp.where(inside, _held(beyond), jnp.where(end, 0.0, scale)),
    )
