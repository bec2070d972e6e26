"""One component of the hybrid Pareto mixture, with location 0 and scale 1, facing up.

Symbols and formulas stand at the top of `hybrid_pareto`.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.elementary import log_sum
from sbp_jax.distributions.lambert_w import lambert_w
from sbp_jax.distributions.standard_normal import HALF_LOG_2PI, log_between, log_upper


class Joint(NamedTuple):
    """What follows from the shape of a component with location 0 and scale 1, facing up."""

    at: Float[Array, "..."]
    scale: Float[Array, "..."]
    log_mass: Float[Array, "..."]


def join(shape: Array) -> Joint:
    """Junction s, Pareto scale beta and log gamma for the shape xi > -1.

    >>> [round(float(x), 4) for x in join(jnp.array(0.0))]
    [0.3722, 2.6864, 0.4978]
    """
    at = jnp.sqrt(lambert_w((1 + shape) ** 2 / (2 * math.pi)))
    return Joint(at, (1 + shape) / at, jnp.log1p(jax.scipy.special.ndtr(at)))


def log_density(z: Array, shape: Array, joint: Joint) -> Array:
    """Log density at z."""
    body = z < joint.at
    normal = -0.5 * jnp.where(body, z, 0.0) ** 2 - HALF_LOG_2PI
    tail = genpareto.logpdf(jnp.where(body, 0.0, z - joint.at), shape, joint.scale)
    return jnp.where(body, normal, tail) - joint.log_mass


def _split(z: Array, shape: Array, joint: Joint) -> tuple[Array, Array, Array]:
    """Whether z lies in the body, z put to 0 where it does not, and the log mass of the tail."""
    body = z < joint.at
    log_tail = genpareto.logsf(jnp.where(body, 0.0, z - joint.at), shape, joint.scale)
    return body, jnp.where(body, z, 0.0), log_tail - joint.log_mass


def short(z: Array, shape: Array, joint: Joint) -> Array:
    """Mass below z."""
    body, inner, log_tail = _split(z, shape, joint)
    normal = jax.scipy.special.ndtr(inner) * jnp.exp(-joint.log_mass)
    return jnp.where(body, normal, -jnp.expm1(log_tail))


def beyond(z: Array, shape: Array, joint: Joint) -> Array:
    """Mass above z."""
    body, inner, log_tail = _split(z, shape, joint)
    normal = jax.scipy.special.ndtr(inner) * jnp.exp(-joint.log_mass)
    return jnp.where(body, 1 - normal, jnp.exp(log_tail))


def log_short(z: Array, shape: Array, joint: Joint) -> Array:
    """Log mass below z; from the junction on it is at least a third."""
    body, inner, log_tail = _split(z, shape, joint)
    return jnp.where(body, log_upper(-inner) - joint.log_mass, jnp.log1p(-jnp.exp(log_tail)))


def log_beyond(z: Array, shape: Array, joint: Joint) -> Array:
    """Log mass above z; down from the junction it is at least a half."""
    body, inner, log_tail = _split(z, shape, joint)
    normal = jax.scipy.special.ndtr(inner) * jnp.exp(-joint.log_mass)
    return jnp.where(body, jnp.log1p(-normal), log_tail)


def log_part(lo: Array, hi: Array, width: Array, shape: Array, joint: Joint) -> Array:
    """Log mass between lo and hi; width = hi - lo is from before the location was subtracted."""
    inner = jnp.minimum(lo, joint.at)
    inside = jnp.where(hi <= joint.at, width, joint.at - inner)
    body = log_between(inner, jnp.minimum(hi, joint.at), inside)
    outer = jnp.maximum(lo, joint.at) - joint.at
    length = jnp.where(lo >= joint.at, width, jnp.maximum(hi, joint.at) - joint.at)
    tail = genpareto.loginterval(outer, length, shape, joint.scale)
    return log_sum(body, tail) - joint.log_mass


def inverse(log_below: Array, log_above: Array, shape: Array, joint: Joint) -> Array:
    """Point z of a component with these log masses on its two sides."""
    log_tail = log_above + joint.log_mass
    tail = genpareto.inverse_logsf(jnp.minimum(log_tail, 0.0), shape, joint.scale)
    level = jnp.exp(jnp.minimum(log_below + joint.log_mass, math.log(0.9)))
    return jnp.where(log_tail < 0, joint.at + tail, jax.scipy.special.ndtri(level))


def moments(shape: Array) -> tuple[Array, Array]:
    """Mean and variance of a component with location 0 and scale 1; both may be infinite.

    The body has the moments -phi(s) and Phi(s) - s phi(s), with phi(s) = 1 / beta.
    """
    joint = join(shape)
    mass, density = jnp.exp(joint.log_mass), 1 / joint.scale
    excess = genpareto.mean(shape, joint.scale)
    square = genpareto.second_moment(shape, joint.scale)
    mean = (joint.at + excess - density) / mass
    body = mass - 1 - joint.at * density
    second = (body + joint.at**2 + 2 * joint.at * excess + square) / mass
    finite = jnp.where(shape < 0.5, mean, 0.0)
    return mean, second - finite**2
