"""Lay examples out so that the same mini-batches arise on any number of devices.

Examples are dealt once into V virtual shards. Every step takes ``batch_size / V`` examples from
each shard, in an order that the shard draws for itself, so the mini-batch of a step is the same
set whether one device holds all the shards or V devices hold one each; only then can runs on
different device counts be compared, and resumed on each other.

Examples of like length are dealt together, each length bucket to shards of its own, and a step
takes its mini-batch from one bucket: a short play then does not pay for a long one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from sbp_jax.batch import Arrayish, Batch


class Shards(NamedTuple):
    """Examples dealt to V shards of n rows each.

    Attributes:
        batch: every leaf (V, n, ...).
        weight: (V, n) 1 for an example, 0 for a filler row.
        index: (V,) the shard's number, from which it draws its randomness.
    """

    batch: Batch
    weight: Float[Arrayish, "V n"]
    index: Int[Arrayish, " V"]


def deal_rows(
    rows: Int[NDArray, " B"], *, num_shards: int, rows_per_step: int, seed: int | None
) -> Int[NDArray, "V n"]:
    """Deal the numbers of examples to shards and fill each up to whole steps with -1.

    Args:
        rows: numbers of B > 0 examples.
        num_shards: V.
        rows_per_step: rows of each shard that one step takes; n becomes a multiple of it.
        seed: shuffles before dealing; None keeps the order (the r-th goes to shard r mod V).

    >>> deal_rows(np.arange(5), num_shards=2, rows_per_step=2, seed=None)
    array([[ 0,  2,  4, -1],
           [ 1,  3, -1, -1]])
    """
    if seed is not None:
        rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    per_shard = -(-len(rows) // (num_shards * rows_per_step)) * rows_per_step
    dealt = np.full(num_shards * per_shard, -1, np.int64)
    dealt[: len(rows)] = rows
    return dealt.reshape(per_shard, num_shards).T


def deal(batch: Batch, rows: Int[NDArray, "V n"], *, first_shard: int = 0) -> Shards:
    """The shards that hold the examples of these numbers.

    Fillers repeat the shard's first example, or that of the first shard, with weight 0.

    Args:
        batch: NumPy arrays, leading axis the examples.
        rows: as `deal_rows` gives them; a process may pass those of its own shards alone.
        first_shard: number of the first of these shards.

    >>> numbers = np.arange(5.0)
    >>> some = Batch(np.zeros((5, 1, 1)), np.ones((5, 1), bool), np.zeros((5, 1)), numbers)
    >>> rows = deal_rows(np.arange(5), num_shards=2, rows_per_step=2, seed=None)
    >>> deal(some, rows).batch.target
    array([[0., 2., 4., 0.],
           [1., 3., 1., 1.]])
    """
    first = np.where(rows[:, :1] >= 0, rows[:, :1], max(0, int(rows[0, 0])))
    index = np.where(rows >= 0, rows, first)
    return Shards(
        Batch(*(np.asarray(leaf)[index] for leaf in batch)),
        (rows >= 0).astype(np.float32),
        np.arange(first_shard, first_shard + len(rows), dtype=np.int32),
    )


def draw_rows(
    index: Int[Arrayish, " V"], rows: int, key: jax.Array, rows_per_step: int
) -> Int[Array, "steps V rows_per_step"]:
    """Rows of each shard in the order in which one epoch visits them.

    Args:
        index: the shards' numbers.
        rows: n, of each shard.
        key: of the epoch.
        rows_per_step: that each shard contributes to a step.
    """

    def order(number: Int[Array, ""]) -> Int[Array, " n"]:
        return jax.random.permutation(jax.random.fold_in(key, number), rows)

    drawn = jax.vmap(order)(jnp.asarray(index))
    return drawn.reshape(len(index), rows // rows_per_step, rows_per_step).swapaxes(0, 1)


def draw_buckets(
    steps: Sequence[int], first_step: Int[Array, ""]
) -> tuple[Int[Array, " all"], Int[Array, " all"]]:
    """Which bucket each step of an epoch takes its mini-batch from, and which one of that bucket.

    Drawn from the number of the epoch's first step alone, so that all members of a population
    visit buckets in one order.

    Args:
        steps: mini-batches of each bucket.
        first_step: optimizer steps before this epoch.
    """
    bucket = np.repeat(np.arange(len(steps)), steps)
    place = np.concatenate([np.arange(count) for count in steps])
    if len(steps) == 1:
        return jnp.asarray(bucket), jnp.asarray(place)
    order = jax.random.permutation(jax.random.fold_in(jax.random.key(0), first_step), len(bucket))
    return jnp.asarray(bucket)[order], jnp.asarray(place)[order]


def take_rows(shards: Shards, rows: Int[Array, "V b"]) -> tuple[Batch, Float[Array, "V b"]]:
    """The chosen rows of every shard, and their weights."""
    pick = jax.vmap(lambda leaf, at: leaf[at])
    batch = jax.tree.map(lambda leaf: pick(leaf, rows), shards.batch)
    return batch, pick(shards.weight, rows)
