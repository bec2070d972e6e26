r"""Which bin holds a point, or a level of probability, without a pass over all bins for each.

Symbols: edges e_0 < ... < e_n, widths w_i, p = softmax(logits), c_j(y) the fraction of bin j
below y, F(y) = sum_j p_j c_j(y) distribution function, `upper` whether mass is counted from above.

The bins are cut into about sqrt(n) / 2 blocks of 2 sqrt(n) bins (a processor sums runs of twenty
numbers at twice the speed of runs of ten). After one pass that exponentiates the logits and sums
the blocks, a search looks at the sums of the blocks and at one block: 2.5 sqrt(n) numbers in place
of n, gathered, not masked. Sums run from the side that is asked for, so masses in both tails keep
their relative accuracy. No index is ever out of bounds, so gathers do not check it.

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

from sbp_jax.distributions.bin_grid import Grid, bin_of, ends, grid, once

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
    return Weights(values, blocks, _sum_of_few(blocks))


@jax.custom_jvp
def _sum_of_few(values: Float[Array, "*batch k"]) -> Float[Array, "*batch"]:
    total = values[..., 0]
    for k in range(1, values.shape[-1]):
        total += values[..., k]
    return total


@_sum_of_few.defjvp
def _sum_of_few_jvp(primals, tangents):  # type: ignore[no-untyped-def]
    return _sum_of_few(*primals), jnp.sum(tangents[0], axis=-1)


@jax.custom_jvp
def pick(values: Logits, index: Int[Array, "*#batch"]) -> Result:
    """The value of each row at its index: a gather whose derivative is a mask, not a scatter."""
    found = jnp.take_along_axis(values, index[..., None], axis=-1, mode="promise_in_bounds")
    return found[..., 0]


@pick.defjvp
def _pick_jvp(primals, tangents):  # type: ignore[no-untyped-def]
    values, index = primals
    bins = _bins(values.shape[-1], index)
    slope = jnp.sum(jnp.where(bins == index[..., None], tangents[0], 0.0), axis=-1)
    return pick(values, index), slope


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def mass_at(edges: Grid, logits: Logits, y: Value, upper: Side) -> Result:
    """Probability of the bins below y, or above it where `upper`; 0 or 1 outside all bins."""
    weights, index = weigh(logits), bin_of(edges, y)
    count, size = weights.values.shape[-2:]
    block, within = index // size, index % size
    inside = _turned(_block(weights, block), upper)
    held = _sum_before(_turned(weights.blocks, upper), jnp.where(upper, count - 1 - block, block))
    covered = _covered(edges, index, y, upper)
    held += _sum_before(inside, jnp.where(upper, size - 1 - within, within), covered)
    return held / weights.total


@mass_at.defjvp
def _mass_at_jvp(edges, primals, tangents):  # type: ignore[no-untyped-def]
    (logits, y, upper), (dlogits, dy, _) = primals, tangents
    mass = mass_at(edges, logits, y, upper)
    table, index = grid(edges, y), bin_of(edges, y)
    left, right = ends(edges, index, y)
    weights = weigh(logits)
    density = pick(_flat(weights, logits.shape[-1]), index) / (weights.total * (right - left))
    density = jnp.where((y >= table[0]) & (y <= table[-1]), density, 0.0)
    slope = jnp.where(upper, -density, density) * dy
    return mass, slope + _mass_slope(edges, logits, y, upper, mass, dlogits)


class Place(NamedTuple):
    """A point and the density of its bin, where its level moves with the logits, or 0."""

    point: Result
    density: Result
    level: Value
    upper: Side


def point_at(edges: Grid, logits: Logits, level: Value, upper: Side) -> Result:
    """Point with mass `level` (at most about 1/2) below it, or above it where `upper`.

    Inside bin i: `e_(i-1) + w_i (level - F(e_(i-1))) / p_i`. Empty bins are skipped.
    """
    return point_of(edges, logits, place_at(edges, logits, level, upper))


def place_at(edges: Grid, logits: Logits, level: Value, upper: Side) -> Place:
    """As `point_at`, before the point knows its derivative, which is that of `point_of`."""
    point, density = _search(edges, logits, level, upper)
    return Place(jax.lax.stop_gradient(point), density, level, upper)


def fixed(point: Result, *, upper: bool) -> Place:
    """A point that does not move."""
    none = jnp.zeros_like(point)
    return Place(point, none, none, jnp.full_like(point, upper, bool))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def point_of(_edges: Grid, _logits: Logits, place: Place) -> Result:
    """The point of a place, with the derivative that it has by being at its level."""
    return place.point


@point_of.defjvp
def _point_of_jvp(edges, primals, tangents):  # type: ignore[no-untyped-def]
    (logits, place), (dlogits, dplace) = primals, tangents
    point = point_of(edges, logits, place)
    _, density, level, upper = place
    density = jnp.where(upper, -density, density)
    change = dplace.level - _mass_slope(edges, logits, point, upper, level, dlogits)
    return point, jnp.where(density == 0, 0.0, change / jnp.where(density == 0, 1.0, density))


def rank_at(logits: Logits, level: Value, upper: Side) -> Int[Array, "..."]:
    """Largest number of bins, short of all, that together hold at most `level`, from one side."""
    return _rank(weigh(jax.lax.stop_gradient(logits)), level, upper, logits.shape[-1])[0]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _search(edges: Grid, logits: Logits, level: Value, upper: Side) -> tuple[Result, Result]:
    """The point at `level`, as if it were constant, and the density of the bin that holds it."""
    weights, n = weigh(logits), logits.shape[-1]
    rank, share, mass = _rank(weights, level, upper, n)
    left, right = ends(edges, jnp.where(upper, n - 1 - rank, rank), weights.total)
    width = right - left
    point = jnp.where(upper, right - width * share, left + width * share)
    return once(point, weights.total), mass / (weights.total * width)


@_search.defjvp
def _search_jvp(edges, primals, tangents):  # type: ignore[no-untyped-def]
    (logits, level, upper), (dlogits, *_) = primals, tangents
    point, density = _search(edges, *primals)
    weights, n = weigh(logits), logits.shape[-1]
    rank = rank_at(logits, level, upper)
    index = jnp.where(upper, n - 1 - rank, rank)
    mean = jnp.sum(_flat(weights, n) * dlogits, axis=-1) / weights.total
    return (point, density), (jnp.zeros_like(point), density * (pick(dlogits, index) - mean))


def _rank(
    weights: Weights, level: Value, upper: Side, n: int
) -> tuple[Int[Array, "..."], Result, Result]:
    """Rank of the bin of `level`, counted from its side, how much it takes of it, its weight."""
    count, size = weights.values.shape[-2:]
    target = level * weights.total
    block, held, _ = _descend(_turned(weights.blocks, upper), target)
    block = once(block, weights.total)
    inside = _block(weights, jnp.where(upper, count - 1 - block, block))
    within, before, mass = _descend(_turned(inside, upper), target - held)
    padding = jnp.where(upper, count * size - n, 0)
    rank = jnp.clip(block * size + within - padding, 0, n - 1)
    share = (target - held - before) / jnp.where(mass > 0, mass, 1.0)
    return rank, jnp.clip(share, 0.0, 1.0), mass


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


def _sum_before(
    masses: Float[Array, "*#batch k"], index: Int[Array, "*#batch"], share: Value | float = 0.0
) -> Result:
    """Sum of the masses before `index` and a share of it, in the order of `_descend`."""
    total = jnp.zeros_like(index, masses.dtype)
    for k in range(masses.shape[-1]):
        part = jnp.where(k < index, 1.0, jnp.where(k == index, share, 0.0))
        total += part.astype(masses.dtype) * masses[..., k]
    return total


def _flat(weights: Weights, n: int) -> Float[Array, "*batch n"]:
    return weights.values.reshape(*weights.total.shape, -1)[..., :n]


def _mass_slope(
    edges: Grid, logits: Logits, y: Value, upper: Side, mass: Value, dlogits: Logits
) -> Result:
    """Change of the mass on one side of a fixed y: `sum_j p_j (c_j - mass) dlogit_j`."""
    weights, n = weigh(logits), logits.shape[-1]
    covered = _covered(edges, _bins(n, y), y[..., None], upper[..., None])
    return jnp.sum(_flat(weights, n) * (covered - mass[..., None]) * dlogits, -1) / weights.total


def _bins(n: int, like: Array) -> np.ndarray:
    """Indices of all bins, as a last axis behind those of `like`."""
    return np.arange(n).reshape((1,) * like.ndim + (-1,))


def _covered(edges: Grid, index: Array | np.ndarray, y: Array, upper: Array) -> Array:
    """Fraction of bin `index` below y, or above it where `upper`."""
    left, right = ends(edges, index, y)
    return jnp.clip(jnp.where(upper, right - y, y - left) / (right - left), 0.0, 1.0)


def _block(weights: Weights, block: Int[Array, "*#batch"]) -> Float[Array, "*batch size"]:
    at = block[..., None, None]
    found = jnp.take_along_axis(weights.values, at, axis=-2, mode="promise_in_bounds")
    return found[..., 0, :]


def _turned(values: Float[Array, "*#batch k"], upper: Side) -> Float[Array, "*batch k"]:
    """Counted from the side of each row."""
    return jnp.where(upper[..., None], values[..., ::-1], values)
