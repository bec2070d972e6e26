r"""Quantiles of a distribution whose distribution function has no inverse in closed form.

Symbols: F distribution function, q level, y the answer, F(y) = q; g(y) = log F(y) - log q for
q <= 1/2 and log(1 - q) - log(1 - F(y)) beyond, increasing, with its root at y.

The search runs in t, y = middle + half sinh(t), with middle and half of the guessed bracket.
Doubling t squares the distance, so a heavy tail is reached in a few steps, and a power law is a
straight line in t. Bracket and root come from one loop each, so that g is compiled twice only.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from sbp_jax.distributions.layout import laid_out, settled

Value = Float[Array, "*batch"]
Function = Callable[[Array], Array]
State = tuple[Array, ...]

_FIRST = 0.881373587019543  # asinh(1): the guessed ends are at t = -+ this
_DOUBLINGS = 12  # reach t = 1800, beyond the largest float64
_STEPS = 100  # far more than needed: 10 to 20 as a rule, halving alone takes 70
_FINEST = 2.0**-6  # share of `half` times the rounding unit that the answer is resolved to


def invert(
    log_cdf: Function, log_sf: Function, level: Value, complement: Value, low: Value, high: Value
) -> Value:
    """Point y with `log_cdf(y) = log(level)`, solved from the side where the level is small.

    Differentiable, by the implicit function theorem, in the levels and in all that `log_cdf` and
    `log_sf` close over. Accurate to the rounding of these two functions.

    Args:
        log_cdf: log F of an array of the shape of `level`, elementwise; continuous, not falling,
            defined also at -+inf.
        log_sf: log(1 - F), likewise.
        level: q, 0 < q < 1; the ends of the support are left to the caller.
        complement: 1 - q, exact where it is small.
        low: guess of a point below y; it may be wrong, the bracket is widened as needed.
        high: guess of a point above y, > `low`. Rounding errors are relative to the larger of
            |y| and |low + high| / 2, so a wrong guess should not be wrong by millions.

    Reference: Chandrupatla (1997), Advances in Engineering Software 28, for the search.

    >>> log_cdf, log_sf = jax.nn.log_sigmoid, lambda y: jax.nn.log_sigmoid(-y)
    >>> q, one = jnp.array([0.25, 0.5, 0.75]), jnp.ones(3)
    >>> invert(log_cdf, log_sf, q, 1 - q, -one, one).round(4).tolist()  # log(q / (1 - q))
    [-1.0986..., 0.0, 1.0986...]
    """
    upper = level > 0.5
    target = jnp.log(jnp.where(upper, complement, level))
    return invert_log(log_cdf, log_sf, upper, target, low, high)


def invert_log(
    log_cdf: Function,
    log_sf: Function,
    upper: Bool[Array, "*batch"],
    target: Value,
    low: Value,
    high: Value,
) -> Value:
    """As `invert`, of logarithms that may be of any size.

    Args:
        log_cdf: as of `invert`.
        log_sf: likewise.
        upper: whether the target is log(1 - q), else log q.
        target: finite.
        low: as of `invert`.
        high: likewise.
    """
    middle = 0.5 * low + 0.5 * high
    eps = jnp.finfo(target.dtype).eps
    half = jnp.maximum(0.5 * high - 0.5 * low, 4 * eps * jnp.abs(middle))

    def mismatch(y: Array) -> Array:
        return jnp.where(upper, target - log_sf(y), log_cdf(y) - target)

    def solve(mismatch: Function, start: Array) -> Array:
        def in_t(t: Array) -> Array:
            return mismatch(start + half * jnp.sinh(t))

        zero = laid_out(jnp.zeros_like(start), start)
        return start + half * jnp.sinh(_search(in_t, *_bracket(in_t, zero)))

    return jax.lax.custom_root(mismatch, settled(mismatch, middle), solve, _divide)


def _divide(linear: Function, value: Array) -> Array:
    """Solve `linear(x) = value`, elementwise; 0 where a flat F leaves the answer undetermined."""
    slope = linear(jnp.ones_like(value))
    found = slope > 0
    return jnp.where(found, value / jnp.where(found, slope, 1.0), 0.0)


def _bracket(function: Function, zero: Array) -> tuple[Array, Array, Array, Array]:
    """Ends low < high with function(low) <= 0 <= function(high), and the values there."""

    def unfinished(state: State) -> Array:
        count, *_, outside = state
        return (count < _DOUBLINGS) & jnp.any(outside)

    def widen(state: State) -> State:
        count, low, high, *_ = state
        at_low, at_high = jax.vmap(function)(jnp.stack([low, high]))
        below, above = at_low > 0, at_high < 0
        # The end that was passed becomes the other end.
        new_low = jnp.where(below, 2 * low, jnp.where(above, high, low))
        new_high = jnp.where(below, low, jnp.where(above, 2 * high, high))
        return count + 1, new_low, new_high, at_low, at_high, below | above

    first = zero + _FIRST
    start: State = (jnp.zeros((), int), -first, first, zero, zero, zero == zero)
    _, low, high, at_low, at_high, _ = jax.lax.while_loop(unfinished, widen, start)
    return low, high, at_low, at_high


def _search(function: Function, low: Array, high: Array, at_low: Array, at_high: Array) -> Array:
    """Root between `low` and `high` by Chandrupatla's method: interpolation, else halving.

    A compiler may evaluate the function twice, with another rounding, where its value is used
    twice. So each end is replaced on its own: two signs for one point cannot lose the root.
    """
    finest = jnp.finfo(low.dtype).eps

    def unfinished(state: State) -> Array:
        count, done, *_ = state
        return (count < _STEPS) & ~jnp.all(done)

    def step(state: State) -> State:
        count, done, x, low, high, at_low, at_high = state
        at_x = function(x)
        above = at_x > 0
        # b is the other end of the new bracket, c the end that x replaces.
        b, at_b = jnp.where(above, low, high), jnp.where(above, at_low, at_high)
        c, at_c = jnp.where(above, high, low), jnp.where(above, at_high, at_low)
        best = jnp.abs(_nearer(x, b, at_x, at_b))
        least = finest * (best + _FINEST) / jnp.abs(b - x)
        reached = (least > 0.5) | (at_x == 0) | jnp.isnan(at_x)
        share = jnp.clip(_share(x, b, c, at_x, at_b, at_c), least, 1 - least)
        low, high = jnp.where(above, low, x), jnp.where(above, x, high)
        at_low, at_high = jnp.where(above, at_low, at_x), jnp.where(above, at_x, at_high)
        new = (done | reached, x + share * (b - x), low, high, at_low, at_high)
        # An answer must not depend on how long the others take.
        return count + 1, *jax.tree.map(partial(jnp.where, done), state[1:], new)

    done, middle = laid_out(jnp.zeros_like(low, bool), low), 0.5 * (low + high)
    start: State = (jnp.zeros((), int), done, middle, low, high, at_low, at_high)
    _, _, _, *ends = jax.lax.while_loop(unfinished, step, start)
    _, _, at_low, at_high = ends
    return jnp.where(jnp.isnan(at_low) | jnp.isnan(at_high), jnp.nan, _nearer(*ends))


def _nearer(a: Array, b: Array, at_a: Array, at_b: Array) -> Array:
    return jnp.where(jnp.abs(at_b) < jnp.abs(at_a), b, a)


def _share(a: Array, b: Array, c: Array, at_a: Array, at_b: Array, at_c: Array) -> Array:
    """Where between a and b to look next: inverse quadratic interpolation if it is safe, or 1/2."""
    place, height = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    smooth = (height**2 < place) & ((1 - height) ** 2 < 1 - place)
    first = at_a / (at_b - at_a) * at_c / (at_b - at_c)
    second = (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
    share = first + second
    return jnp.where(smooth & jnp.isfinite(share), share, 0.5)
