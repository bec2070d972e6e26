"""Which bin holds a number, and where the bins of given indices begin and end."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

Grid = tuple[float, ...]
Value = Float[Array, "*#batch"]


def grid(edges: Grid, like: Array) -> np.ndarray:
    """Edges in the dtype of `like`; ValueError where that makes two of them equal."""
    array = np.asarray(edges, like.dtype)
    if not np.all(np.diff(array) > 0):
        raise ValueError(f"edges: expected to differ in {like.dtype}, got {edges}")
    return array


def bin_of(edges: Grid, y: Value) -> Int[Array, "..."]:
    """Index of the bin that holds y, closed on the left; the nearest one for y outside."""
    table = grid(edges, y)
    n = len(table) - 1
    even = np.linspace(table[0], table[-1], n + 1)
    if np.max(np.abs(table - even)) > 0.4 * (even[1] - even[0]):
        inner = jnp.asarray(table[1:-1])
        return jnp.searchsorted(inner, y, side="right", method="scan_unrolled")
    # Nearly even edges: the guess is off by one at most, which comparing with the edges mends.
    guess = jnp.clip((y - table[0]) / (even[1] - even[0]), 0, n - 1)
    guess = jnp.where(jnp.isnan(y), 0, guess).astype(int)
    left, right = ends(edges, guess, y)
    return jnp.clip(guess + (y >= right).astype(int) - (y < left).astype(int), 0, n - 1)


def ends(edges: Grid, index: Int[Array, "..."] | np.ndarray, like: Array) -> tuple[Array, Array]:
    """Left and right edge of the bins of an index; `like` as in `once`."""
    table = grid(edges, like)
    if isinstance(index, np.ndarray):
        return jnp.asarray(table[:-1][index]), jnp.asarray(table[1:][index])
    if _is_arithmetic(table):
        step = table[1] - table[0]
        left = table[0] + step * index.astype(table.dtype)
        return left, left + step
    at = once(index, like)
    left, right = (
        jnp.asarray(x).at[at].get(mode="promise_in_bounds") for x in (table[:-1], table[1:])
    )
    return left, right


def _is_arithmetic(table: np.ndarray) -> bool:
    """Whether the edges are first + step * index, without any rounding: then none is looked up."""
    first, step, count = table[0], table[1] - table[0], np.arange(len(table), dtype=table.dtype)
    wide = np.longdouble
    exact = np.all(step * count == wide(step) * wide(count))
    return bool(exact and np.all(table == wide(first) + wide(step) * wide(count)))


def once(x: Array, like: Array) -> Array:
    """x, divided by 1, so that it is computed once.

    XLA's CPU compiler repeats cheap operations in every loop that uses their result, all steps of
    a search among them, but quotients it computes once. `like` is any float that varies, so that
    the compiler does not know the 1; of its dtype, which has to hold x, is the quotient.
    """
    quotient = x.astype(like.dtype) / jnp.where(jnp.isnan(like), 2.0, 1.0).astype(like.dtype)
    whole = jnp.issubdtype(x.dtype, jnp.integer)
    return (jnp.rint(quotient) if whole else quotient).astype(x.dtype)
