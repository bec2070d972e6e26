r"""A distribution function that is linear between points, with generalized Pareto tails beyond.

What `Tabulated` and `QuantileHead` have in common. Symbols: points x_0 < ... < x_n, masses m_k of
the cells between them, widths w_k, masses a and b beyond the first and the last, S survival
function of the generalized Pareto with shape xi and scale beta:

    F(y) = a S(x_0 - y; xi_L, beta_L)                     y < x_0
         = F(x_k) + m_k (y - x_k) / w_k                   x_k <= y < x_(k+1)
         = 1 - b S(y - x_n; xi_U, beta_U)                 y >= x_n

Sums run over the side that is asked for, so that both tails keep their relative accuracy. Arrays
come aligned: cells (..., n), the others (...), of equal rank.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.bins import log_of_either
from sbp_jax.distributions.elementary import log_dot, log_sum, safe_log
from sbp_jax.distributions.splicing import mass_entropy


class Cells(NamedTuple):
    """Cells, (..., n); `below` is F at the left ends, `above` is 1 - F at the right ones."""

    below: Array
    above: Array
    mass: Array
    left: Array
    right: Array
    width: Array


class Tails(NamedTuple):
    """Where the tails begin, their shapes and scales, and the logs of their masses; (...)."""

    first: Array
    last: Array
    lower_shape: Array
    lower_scale: Array
    upper_shape: Array
    upper_scale: Array
    log_lower: Array
    log_upper: Array


def log_prob(cells: Cells, tails: Tails, y: Array) -> Array:
    """Log density; a cell owns its left end, the upper tail its beginning."""
    here = (cells.left <= y[..., None]) & (y[..., None] < cells.right)
    density = safe_log(cells.mass) - jnp.log(cells.width)
    body = jnp.sum(jnp.where(here, density, 0.0), axis=-1)
    below, above = excesses(tails, y)
    lower = tails.log_lower + genpareto.logpdf(below, tails.lower_shape, tails.lower_scale)
    upper = tails.log_upper + genpareto.logpdf(above, tails.upper_shape, tails.upper_scale)
    lower = _within_range(lower, y, tails.lower_shape, tails.log_lower)
    upper = _within_range(upper, y, tails.upper_shape, tails.log_upper)
    return jnp.where(y < tails.first, lower, jnp.where(y < tails.last, body, upper))


def _within_range(value: Array, y: Array, shape: Array, log_mass: Array) -> Array:
    """The least float in place of -inf, where an endless tail is only too thin for a float."""
    endless = (jnp.abs(y) < jnp.inf) & (shape >= 0) & (log_mass > -jnp.inf)
    return jnp.where(endless, jnp.maximum(value, jnp.finfo(value.dtype).min), value)


def log_cdf(cells: Cells, tails: Tails, y: Array) -> Array:
    """Log F, accurate near F = 0 and near F = 1."""
    return log_of_either(*_log_sides(cells, tails, y))


def log_sf(cells: Cells, tails: Tails, y: Array) -> Array:
    """log(1 - F), accurate near F = 0 and near F = 1."""
    below, above = _log_sides(cells, tails, y)
    return log_of_either(above, below)


def _log_sides(cells: Cells, tails: Tails, y: Array) -> tuple[Array, Array]:
    """Log F and log(1 - F), each a sum over its own side."""
    below = log_interval(cells, tails, jnp.full_like(y, -jnp.inf), y)
    return below, log_interval(cells, tails, y, jnp.full_like(y, jnp.inf))


def excesses(tails: Tails, y: Array) -> tuple[Array, Array]:
    """How far y lies below the first point, and above the last; 0 where it does not."""
    return jnp.maximum(tails.first - y, 0.0), jnp.maximum(y - tails.last, 0.0)


def log_interval(cells: Cells, tails: Tails, lo: Array, hi: Array) -> Array:
    """Log probability of [lo, hi]: the sum of what it covers of both tails and of each cell."""
    overlap = jnp.minimum(hi[..., None], cells.right) - jnp.maximum(lo[..., None], cells.left)
    covered = jnp.maximum(overlap, 0.0) / cells.width
    some = cells.mass > 0
    body = log_dot(jnp.where(some, safe_log(cells.mass), 0.0), jnp.where(some, covered, 0.0))
    lower, upper = log_tails(tails, lo, hi)
    return log_sum(lower, body, upper)


def log_tails(tails: Tails, lo: Array, hi: Array) -> tuple[Array, Array]:
    """Log probability of what [lo, hi] covers of the lower tail, and of the upper one."""
    nearer, farther = jnp.minimum(hi, tails.first), jnp.minimum(lo, tails.first)
    lower = genpareto.loginterval(
        tails.first - nearer, _distance(farther, nearer), tails.lower_shape, tails.lower_scale
    )
    nearer, farther = jnp.maximum(lo, tails.last), jnp.maximum(hi, tails.last)
    upper = genpareto.loginterval(
        nearer - tails.last, _distance(nearer, farther), tails.upper_shape, tails.upper_scale
    )
    return tails.log_lower + lower, tails.log_upper + upper


def _distance(lo: Array, hi: Array) -> Array:
    """Return hi - lo, 0 also where both are infinite."""
    return jnp.where(lo == hi, 0.0, hi - lo)


def quantile(cells: Cells, tails: Tails, level: Array, complement: Array) -> Array:
    """Quantile at `level`, from the nearer side; `complement` is 1 - level."""
    q, rest = level[..., None], complement[..., None]
    upper = q > 0.5
    passed = jnp.where(upper, rest <= cells.above[..., :-1], q >= cells.below[..., 1:])
    end = jnp.ones((*passed.shape[:-1], 1), bool)  # also of a single cell, which none follows
    here = jnp.concatenate([end, passed], axis=-1) & ~jnp.concatenate([passed, ~end], axis=-1)
    mass = jnp.where(cells.mass > 0, cells.mass, 1.0)
    from_right = cells.right - cells.width * jnp.clip((rest - cells.above) / mass, 0.0, 1.0)
    from_left = cells.left + cells.width * jnp.clip((q - cells.below) / mass, 0.0, 1.0)
    body = jnp.sum(jnp.where(here, jnp.where(upper, from_right, from_left), 0.0), axis=-1)
    below = jnp.minimum(safe_log(level) - tails.log_lower, 0.0)
    above = jnp.minimum(safe_log(complement) - tails.log_upper, 0.0)
    lower = tails.first - genpareto.inverse_logsf(below, tails.lower_shape, tails.lower_scale)
    beyond = tails.last + genpareto.inverse_logsf(above, tails.upper_shape, tails.upper_scale)
    return jnp.where(below < 0, lower, jnp.where(above < 0, beyond, body))


def mean(cells: Cells, tails: Tails) -> Array:
    """Expected value; infinite where a shape is >= 1."""
    below = genpareto.mean(tails.lower_shape, tails.lower_scale)
    above = genpareto.mean(tails.upper_shape, tails.upper_scale)
    body = jnp.sum(cells.mass * (0.5 * cells.left + 0.5 * cells.right), axis=-1)
    lower = jnp.exp(tails.log_lower) * (tails.first - below)
    return lower + body + jnp.exp(tails.log_upper) * (tails.last + above)


def square_about(cells: Cells, tails: Tails, center: Array) -> Array:
    """Expected squared distance from a centre; inf where a shape is >= 1/2."""
    left, right = cells.left - center[..., None], cells.right - center[..., None]
    body = jnp.sum(cells.mass * (left * left + left * right + right * right), axis=-1) / 3
    lower = tail_square(center - tails.first, tails.lower_shape, tails.lower_scale)
    upper = tail_square(tails.last - center, tails.upper_shape, tails.upper_scale)
    return jnp.exp(tails.log_lower) * lower + body + jnp.exp(tails.log_upper) * upper


def tail_square(distance: Array, shape: Array, scale: Array) -> Array:
    """Mean square distance of a tail from a centre `distance` inside its beginning."""
    square = genpareto.second_moment(shape, scale)
    exists = jnp.isfinite(square)
    first = jnp.where(exists, genpareto.mean(jnp.where(exists, shape, 0.0), scale), 0.0)
    return distance**2 + 2 * distance * first + square


def entropy(cells: Cells, tails: Tails) -> Array:
    """Differential entropy: that of each cell and tail, weighed, and of the choice among them."""
    some = cells.mass != 0  # NaN is not empty
    mass = jnp.where(some, cells.mass, 1.0)
    body = -jnp.sum(jnp.where(some, mass * jnp.log(mass / cells.width), 0.0), axis=-1)
    lower = genpareto.entropy(tails.lower_shape, tails.lower_scale)
    upper = genpareto.entropy(tails.upper_shape, tails.upper_scale)
    return mass_entropy(tails.log_lower, lower) + body + mass_entropy(tails.log_upper, upper)


def crps(cells: Cells, tails: Tails, y: Array) -> Array:
    r"""Continuous ranked probability score `\int (F(t) - 1{t >= y})^2 dt`, in closed form.

    With A, M, R the values of F at a cell's left end l, at y clipped into it (m) and at its
    right end r: `(m - l) (A^2 + A M + M^2) / 3 + (r - m) ((1-M)^2 + (1-M)(1-R) + (1-R)^2) / 3`;
    the tails are those of `genpareto.crps`.
    """
    below, above = excesses(tails, y)
    lower = genpareto.crps(below, tails.lower_shape, tails.lower_scale, jnp.exp(tails.log_lower))
    upper = genpareto.crps(above, tails.upper_shape, tails.upper_scale, jnp.exp(tails.log_upper))
    return lower + _crps_between(cells, y, cells.left, cells.right) + upper


def twcrps(cells: Cells, tails: Tails, y: Array, start: Array, stop: Array) -> Array:
    """The same integral from `start` to `stop`, in closed form; 0 where stop <= start."""
    near, far = (jnp.clip(x, tails.first, tails.last)[..., None] for x in (start, stop))
    ends = (jnp.clip(x, near, far) for x in (cells.left, cells.right))
    return twcrps_of_tails(tails, y, start, stop) + _crps_between(cells, y, *ends)


def twcrps_of_tails(tails: Tails, y: Array, start: Array, stop: Array) -> Array:
    """What both tails add to `twcrps`."""
    (below, above), from_start, from_stop = (excesses(tails, x) for x in (y, start, stop))
    mass, rest = jnp.exp(tails.log_lower), jnp.exp(tails.log_upper)
    lower = genpareto.crps(
        below, tails.lower_shape, tails.lower_scale, mass, start=from_stop[0], stop=from_start[0]
    )
    upper = genpareto.crps(
        above, tails.upper_shape, tails.upper_scale, rest, start=from_start[1], stop=from_stop[1]
    )
    return lower + upper


def _crps_between(cells: Cells, y: Array, left: Array, right: Array) -> Array:
    """What the cells add, each from a point `left` to a point `right` in it."""
    middle = jnp.clip(y[..., None], left, right)
    A, M = (cells.below + cells.mass * (x - cells.left) / cells.width for x in (left, middle))
    N, R = (cells.above + cells.mass * (cells.right - x) / cells.width for x in (middle, right))
    before, after = middle - left, right - middle
    body = before * (A * A + A * M + M * M) + after * (N * N + N * R + R * R)
    return jnp.sum(body, axis=-1) / 3
