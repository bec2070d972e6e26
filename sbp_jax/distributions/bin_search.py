r"""Which bin holds a point, or a level of probability, without a pass over all bins for each.

Symbols: edges e_0 < ... < e_n, widths w_i, p = softmax(logits), c_j(y) the fraction of bin j
below y, F(y) = sum_j p_j c_j(y) distribution function, `upper` whether mass is counted from above.

The bins are cut into about sqrt(n) / 2 blocks of 2 sqrt(n) bins (a processor sums runs of twenty
numbers at twice the speed of runs of ten). After one pass that exponentiates the logits and sums
the blocks, a search looks at the sums of the blocks and at one block: 2.5 sqrt(n) numbers in place
of n, gathered, not masked. Sums run from the side that is asked for, so masses in
both tails keep their relative accuracy.

Derivatives do not go through the search. With F(Q(u)) = u both are one expression,

    dF = sum_j p_j (c_j - F) dlogit_j + f dy        dQ = (du - sum_j p_j (c_j - u) dlogit_j) / f

which is one elementwise pass over the bins when transposed, in place of a scatter.

Arguments come aligned (`elementary.align_with`): logits (..., n), the others (...), equal ranks.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Grid = tuple[float, ...]
Logits = Float[Array, "*#batch bins"]
Value = Float[Array, "*#batch"]
Result = Float[Array, "*batch"]
Side = Bool[Array, "*#batch"]


class Weights(NamedTuple):
    """exp(logits - their maximum) in blocks, padded with zeros, and its sums."""

    values: Float[Array, "*batch blocks size"]
    blocks: Float[Array, "*batch blocks"]
    total: Float[Array, "*batch"]


def weigh(logits: Logits) -> Weights:
    """Exponentiate and sum; the one pass over all bins."""
    n = logits.shape[-1]
    count = max(1, round(math.sqrt(n) / 2))
    size = -(-n // count)
    peak = jax.lax.stop_gradient(jnp.max(logits, axis=-1, keepdims=True))
    values = jnp.exp(logits - peak)
    padding = [(0, 0)] * (logits.ndim - 1) + [(0, count * size - n)]
    values = jnp.pad(values, padding).reshape(*logits.shape[:-1], count, size)
    blocks = jnp.sum(values, axis=-1)
    return Weights(values, blocks, jnp.sum(blocks, axis=-1))


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
    left, right = jnp.asarray(table[:-1])[guess], jnp.asarray(table[1:])[guess]
    return jnp.clip(guess + (y >= right).astype(int) - (y < left).astype(int), 0, n - 1)


@jax.custom_jvp
def pick(values: Logits, index: Int[Array, "*#batch"]) -> Result:
    """The value of each row at its index: a gather whose derivative is a mask, not a scatter."""
    return jnp.take_along_axis(values, index[..., None], axis=-1)[..., 0]


@pick.defjvp
def _pick_jvp(primals, tangents):  # type: ignore[no-untyped-def]
    values, index = primals
    bins = np.arange(values.shape[-1]).reshape((1,) * index.ndim + (-1,))
    slope = jnp.sum(jnp.where(bins == index[..., None], tangents[0], 0.0), axis=-1)
    return pick(values, index), slope


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def mass_at(edges: Grid, logits: Logits, y: Value, upper: Side) -> Result:
    """Probability of the bins below y, or above it where `upper`; 0 or 1 outside all bins."""
    weights, index = weigh(logits), bin_of(edges, y)
    count, size = weights.values.shape[-2:]
    block, within = index // size, index % size
    inside = _block(weights, block)
    held = _sum_before(_turned(weights.blocks, upper), jnp.where(upper, count - 1 - block, block))
    held += _sum_before(_turned(inside, upper), jnp.where(upper, size - 1 - within, within))
    here = jnp.take_along_axis(inside, within[..., None], axis=-1)[..., 0]
    return (held + here * _covered(edges, index, y, upper)) / weights.total


@mass_at.defjvp
def _mass_at_jvp(edges, primals, tangents):  # type: ignore[no-untyped-def]
    (logits, y, upper), (dlogits, dy, _) = primals, tangents
    mass = mass_at(edges, logits, y, upper)
    table, index = grid(edges, y), bin_of(edges, y)
    density = pick(jax.nn.softmax(logits), index) / jnp.asarray(np.diff(table))[index]
    density = jnp.where((y >= table[0]) & (y <= table[-1]), density, 0.0)
    slope = jnp.where(upper, -density, density) * dy
    return mass, slope + _mass_slope(edges, logits, y, upper, mass, dlogits)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def point_at(edges: Grid, logits: Logits, level: Value, upper: Side) -> Result:
    """Point with mass `level` (at most about 1/2) below it, or above it where `upper`.

    Inside bin i: `e_(i-1) + w_i (level - F(e_(i-1))) / p_i`. Empty bins are skipped.
    """
    return _search(edges, logits, level, upper)[0]


@point_at.defjvp
def _point_at_jvp(edges, primals, tangents):  # type: ignore[no-untyped-def]
    (logits, level, upper), (dlogits, dlevel, _) = primals, tangents
    point, index = _search(edges, logits, level, upper)
    widths = jnp.asarray(np.diff(grid(edges, point)))
    density = pick(jax.nn.softmax(logits), index) / widths[index]
    density = jnp.where(upper, -density, density)
    change = dlevel - _mass_slope(edges, logits, point, upper, level, dlogits)
    return point, jnp.where(density == 0, 0.0, change / jnp.where(density == 0, 1.0, density))


def rank_at(logits: Logits, level: Value, upper: Side) -> Int[Array, "..."]:
    """Largest number of bins, short of all, that together hold at most `level`, from one side."""
    return _rank(weigh(jax.lax.stop_gradient(logits)), level, upper, logits.shape[-1])[0]


def _search(
    edges: Grid, logits: Logits, level: Value, upper: Side
) -> tuple[Result, Int[Array, "..."]]:
    """The point at `level`, and the index of the bin that holds it."""
    table, n = grid(edges, level), logits.shape[-1]
    rank, share = _rank(weigh(logits), level, upper, n)
    index = jnp.where(upper, n - 1 - rank, rank)
    left, right = jnp.asarray(table[:-1])[index], jnp.asarray(table[1:])[index]
    run = (right - left) * share
    return jnp.where(upper, right - run, left + run), index


def _rank(weights: Weights, level: Value, upper: Side, n: int) -> tuple[Int[Array, "..."], Result]:
    """Rank of the bin of `level`, counted from its side, and how much of that bin it takes."""
    count, size = weights.values.shape[-2:]
    target = level * weights.total
    block, held, _ = _descend(_turned(weights.blocks, upper), target)
    inside = _block(weights, jnp.where(upper, count - 1 - block, block))
    within, before, mass = _descend(_turned(inside, upper), target - held)
    padding = jnp.where(upper, count * size - n, 0)
    rank = jnp.clip(block * size + within - padding, 0, n - 1)
    share = (target - held - before) / jnp.where(mass > 0, mass, 1.0)
    return rank, jnp.clip(share, 0.0, 1.0)


def _descend(
    masses: Float[Array, "*#batch k"], target: Value
) -> tuple[Int[Array, "..."], Result, Result]:
    """How many masses, short of all, sum to at most `target`; their sum; the mass after them.

    Unrolled, so that the compiler makes one loop over the rows of it.
    """
    count, total = jnp.zeros_like(target, int), jnp.zeros_like(target)
    held, mass = total, masses[..., 0]
    for k in range(masses.shape[-1] - 1):
        total = total + masses[..., k]
        fits = total <= target
        count += fits.astype(int)
        held = jnp.where(fits, total, held)
        mass = jnp.where(fits, masses[..., k + 1], mass)
    return count, held, mass


def _sum_before(masses: Float[Array, "*#batch k"], index: Int[Array, "*#batch"]) -> Result:
    """Sum of the masses before `index`, in the order that `_descend` sums them in."""
    total = jnp.zeros_like(index, masses.dtype)
    for k in range(masses.shape[-1] - 1):
        total += jnp.where(k < index, masses[..., k], 0.0)
    return total


def _mass_slope(
    edges: Grid, logits: Logits, y: Value, upper: Side, mass: Value, dlogits: Logits
) -> Result:
    """Change of the mass on one side of a fixed y: `sum_j p_j (c_j - mass) dlogit_j`."""
    index = np.arange(logits.shape[-1]).reshape((1,) * y.ndim + (-1,))
    covered = _covered(edges, index, y[..., None], upper[..., None])
    return jnp.sum(jax.nn.softmax(logits) * (covered - mass[..., None]) * dlogits, axis=-1)


def _covered(edges: Grid, index: Array | np.ndarray, y: Array, upper: Array) -> Array:
    """Fraction of bin `index` below y, or above it where `upper`."""
    table = jnp.asarray(grid(edges, y))
    left, right = table[:-1][index], table[1:][index]
    return jnp.clip(jnp.where(upper, right - y, y - left) / (right - left), 0.0, 1.0)


def _block(weights: Weights, block: Int[Array, "*#batch"]) -> Float[Array, "*batch size"]:
    return jnp.take_along_axis(weights.values, block[..., None, None], axis=-2)[..., 0, :]


def _turned(values: Float[Array, "*#batch k"], upper: Side) -> Float[Array, "*batch k"]:
    """Counted from the side of each row."""
    return jnp.where(upper[..., None], values[..., ::-1], values)
