r"""Likelihood fits of the generalized Pareto tail to peaks of which some are known only by a bound.

Symbols: y_i > 0 the k observed excesses, c_j > 0 bounds that m further ones are known to exceed,
v all of them together, xi shape, sigma scale, theta = xi / sigma > -1 / max v. In log likelihood

    -k log sigma - (1 / xi + 1) sum log(1 + theta y_i) - (1 / xi) sum log(1 + theta c_j)

the best xi for a given theta is `A(theta) = sum log(1 + theta v) / k`, with sigma `a = A / theta`.
What is left is a function of theta alone, whose slope has the sign of D:

    l(theta) = -log a(theta) - B(theta) - 1,     B = sum log(1 + theta y_i) / k
    D(theta) = a l'(theta) = -a' - a b,          b = B' = sum (y_i / (1 + theta y_i)) / k

With g(u) = log(1 + u) / u, `a = sum v g(theta v) / k`, so theta = 0 (the exponential tail) is a
point like any other. Without bounds this is Grimshaw's profile. Shapes are restricted to
xi >= -1/2, below which the likelihood is not regular.

Peaks come as one vector: y_i as itself, c_j as -c_j, and 0 where there is none. A sum over the
vector then needs no mask, since a 0 adds nothing to it.

Reference: Grimshaw (1993), Technometrics 35; the bounds are ours.
"""

from functools import partial
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from sbp_jax.distributions.genpareto_fit import NEAREST_0, Fit, bisect

Peaks = Float[Array, " capacity"]
Number = Float[Array, ""]

LOWEST_SHAPE: Final = -0.5
_NEAR: Final = 0.1  # below it, series in u replace quotients that cancel
_BEND = tuple((-1) ** j * (j + 1) / (j + 2) for j in range(7))  # of -g'
_TWIST = tuple((-1) ** j * (j + 1) * (j + 2) / (j + 3) for j in range(5))  # of g''
_TOLERANCE: Final = 1e-3  # of the last step; Newton's next one would be about its square
_MOST_STEPS: Final = 8
_FURTHEST: Final = 1e12  # theta max v, beyond which the sums of Newton's method underflow
_NEAR_LOWEST: Final = 1e-3  # of the lowest shape: whether it is the best is not asked more finely
_GRID: Final = np.append(np.linspace(-14, 34, 97), np.linspace(35, 85, 51))  # log(1 + theta max v)


class _Profile(NamedTuple):
    """The sums over v (a, its derivatives, h) and over y (b, its derivative, B / theta), by k."""

    a: Array
    a1: Array
    a2: Array
    h: Array
    b: Array
    b1: Array
    observed: Array

    @property
    def direction(self) -> Array:
        """D."""
        return -self.a1 - self.a * self.b

    @property
    def curvature(self) -> Array:
        """Derivative of D."""
        return -self.a2 - self.a1 * self.b - self.a * self.b1


def _series(u: Array, coefficients: tuple[float, ...]) -> Array:
    value = jnp.full_like(u, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * u + coefficient
    return value


def _profile(peaks: Peaks, theta: Number) -> _Profile:
    v, seen = jnp.abs(peaks), peaks > 0
    u = theta * v
    r = 1 / (1 + u)
    near = jnp.abs(u) < _NEAR
    far = jnp.where(near, 1.0, u)
    bend = jnp.where(near, _series(u, _BEND), (jnp.log(1 + u) - u * r) / (far * far))
    twist = jnp.where(near, _series(u, _TWIST), (2 * bend - r * r) / far)
    # g; near 0 since u g' = r - g, and elsewhere by itself, as the square of u may overflow.
    ratio = jnp.where(near, r + u * bend, jnp.log(1 + u) / far)
    k = jnp.maximum(jnp.sum(seen), 1).astype(v.dtype)
    y = jnp.where(seen, v, 0.0)
    return _Profile(
        jnp.sum(v * ratio) / k,
        -jnp.sum(v * v * bend) / k,
        jnp.sum(v * v * v * twist) / k,
        jnp.sum(v * r) / k,
        jnp.sum(y * r) / k,
        -jnp.sum(y * y * r * r) / k,
        jnp.sum(y * ratio) / k,
    )


def follow(peaks: Peaks, start: Fit) -> tuple[Fit, Bool[Array, ""]]:
    """Newton's method on D from a fit to nearly the same peaks; also whether it got there.

    Args:
        peaks: observed excesses, bounds as negative numbers, 0 elsewhere; not all 0.
        start: shape and scale, in the unit of the peaks.

    Returns:
        The fit, and False if the steps did not settle on a maximum with xi >= -1/2, or the tail is
        so heavy that float32 does not hold them (from a shape of about 4 on): `search` then finds
        the fit.

    >>> peaks = jnp.array([0.1, 0.2, 0.4, 0.6, 0.9, 1.6, 3.0, 9.0, -2.0, 0.0])
    >>> fit, settled = jax.jit(follow)(peaks, Fit(jnp.float32(0.4), jnp.float32(1.5)))
    >>> bool(settled), round(float(fit.shape), 2), round(float(fit.scale), 2)
    (True, 0.62, 1.2)
    """
    unit = jnp.max(jnp.abs(peaks))
    peaks = peaks / unit
    theta = jnp.maximum(start.shape / start.scale * unit, -0.99)

    def more(carry: tuple[Array, Array, Array, Array]) -> Array:
        steps, _, _, moved = carry
        return (moved > _TOLERANCE) & (steps < _MOST_STEPS)

    def step(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        steps, theta, _, _ = carry
        at = _profile(peaks, theta)
        concave = at.curvature < 0
        move = jnp.where(concave, -at.direction / jnp.where(concave, at.curvature, 1.0), jnp.inf)
        move = jnp.maximum(move, -0.5 * (1 + theta))  # half of the way to the border at most
        scale = at.a + move * (at.a1 + 0.5 * move * at.a2)
        return steps + 1, theta + move, scale, jnp.abs(move) * at.a

    _, theta, scale, moved = jax.lax.while_loop(
        more, step, (jnp.int32(0), theta, jnp.ones_like(theta), jnp.full_like(theta, jnp.inf))
    )
    shape = theta * scale
    settled = (moved <= _TOLERANCE) & (shape >= LOWEST_SHAPE) & (scale > 0) & (theta < _FURTHEST)
    return Fit(shape, scale * unit), settled


def _height(at: _Profile, theta: Array) -> Array:
    """The value of l."""
    return -jnp.log(jnp.where(at.a > 0, at.a, 1.0)) - theta * at.observed - 1


def _rising(peaks: Peaks, theta: Number) -> Bool[Array, ""]:
    """Whether D > 0, from theta^2 D, whose terms do not underflow however far peaks lie apart."""
    u = jnp.where(jnp.abs(theta) < NEAREST_0, NEAREST_0, theta) * jnp.abs(peaks)
    s = u / (1 + u)
    near = jnp.abs(u) < _NEAR
    small = jnp.where(near, u, 0.0)
    bend = jnp.where(near, small * small * _series(small, _BEND), jnp.log1p(u) - s)
    k = jnp.maximum(jnp.sum(peaks > 0), 1).astype(u.dtype)
    seen = jnp.sum(jnp.where(peaks > 0, s, 0.0)) / k
    return jnp.sum(bend) > jnp.sum(jnp.log1p(u)) * seen


def search(peaks: Peaks) -> Fit:
    """The most likely fit with xi >= -1/2, from no start.

    A grid in log(1 + theta max v) finds where l turns from rising to falling, bisection refines
    the highest such place, and the result is compared with the best tail of shape -1/2, where that
    is a maximum too: given that shape, the likelihood is `log(-2 theta) + 2 A - B`, highest
    where 1 / theta + 2 h - b = 0 with h = A', and it falls with xi from there on if A is lower.

    Args:
        peaks: observed excesses, bounds as negative numbers, 0 elsewhere; not all 0.

    Returns:
        The fit; NaN where there is none, and where its shape is beyond the grid's reach (about 15).

    >>> peaks = jnp.array([0.1, 0.2, 0.4, 0.6, 0.9, 1.6, 3.0, 9.0, -2.0, 0.0])
    >>> fit = jax.jit(search)(peaks)
    >>> round(float(fit.shape), 2), round(float(fit.scale), 2)
    (0.62, 1.2)
    """
    unit = jnp.max(jnp.abs(peaks))
    look = jax.vmap(partial(_profile, peaks / unit))
    climb = jax.vmap(partial(_rising, peaks / unit))
    grid = jnp.asarray(_GRID, peaks.dtype)
    rising, height = climb(jnp.expm1(grid)), _height(look(jnp.expm1(grid)), jnp.expm1(grid))
    turns = rising[:-1] & ~rising[1:]
    cell = jnp.argmax(jnp.where(turns, jnp.maximum(height[:-1], height[1:]), -jnp.inf))

    def both_rising(logs: Array) -> Array:
        theta = jnp.expm1(logs)
        at = look(theta)
        too_far = 1 + theta * (2 * at.h - at.b) < 0
        return jnp.stack([climb(theta)[0], too_far[1]])

    low, high = jnp.stack([grid[cell], grid[0]]), jnp.append(grid[cell + 1], 0.0)
    theta = jnp.expm1(bisect(both_rising, low, high))
    at = look(theta)
    lowest = jnp.array([False, True])
    best_shape = theta * at.a
    shape = jnp.where(lowest, LOWEST_SHAPE, best_shape)
    scale = jnp.where(lowest, LOWEST_SHAPE / theta, at.a)
    growth = theta * (2 * at.a - at.observed) - jnp.log(scale)
    height = jnp.where(lowest, growth, _height(at, theta))
    peaked = best_shape <= LOWEST_SHAPE + _NEAR_LOWEST
    fair = jnp.where(lowest, peaked, jnp.any(turns) & (shape >= LOWEST_SHAPE))
    best = jnp.argmax(jnp.where(fair, height, -jnp.inf))
    none = jnp.where(jnp.any(fair), 0.0, jnp.nan)
    return Fit(shape[best] + none, scale[best] * unit + none)
