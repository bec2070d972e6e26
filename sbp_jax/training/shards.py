"""Lay examples out so that the same mini-batches arise on any number of devices.

Examples are dealt once into V virtual shards. Every step takes ``batch_size / V`` examples from
each shard, in an order that the shard draws for itself, so the mini-batch of a step is the same
set whether one device holds all the shards or V devices hold one each; only then can runs on
different device counts be compared, and resumed on each other.
"""

from typing import NamedTuple

import jax
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


def deal(batch: Batch, *, num_shards: int, rows_per_step: int, seed: int | None) -> Shards:
    """Deal the rows of a batch to shards and fill each up to whole steps.

    Fillers repeat the shard's first row with weight 0.

    Args:
        batch: NumPy arrays, leading axis the examples.
        num_shards: V.
        rows_per_step: rows of each shard that one step takes; n becomes a multiple of it.
        seed: shuffles before dealing; None keeps the order (row r goes to shard r mod V).

    >>> rows = np.arange(5.0)
    >>> some = Batch(np.zeros((5, 1, 1)), np.ones((5, 1), bool), np.zeros((5, 1)), rows)
    >>> deal(some, num_shards=2, rows_per_step=2, seed=None).batch.target
    array([[0., 2., 4., 0.],
           [1., 3., 1., 1.]])
    """
    rows = len(batch.target)
    order = np.arange(rows) if seed is None else np.random.default_rng(seed).permutation(rows)
    per_shard = -(-rows // (num_shards * rows_per_step)) * rows_per_step
    index = np.zeros((num_shards, per_shard), np.int64)
    weight = np.zeros((num_shards, per_shard), np.float32)
    for shard in range(num_shards):
        own = order[shard::num_shards]
        index[shard] = own[0] if len(own) else order[0]
        index[shard, : len(own)] = own
        weight[shard, : len(own)] = 1.0
    return Shards(
        Batch(*(np.asarray(leaf)[index] for leaf in batch)),
        weight,
        np.arange(num_shards, dtype=np.int32),
    )


def undeal(values: NDArray, weight: NDArray) -> NDArray:
    """Bring results of shards dealt with ``seed=None`` back into the order of the examples.

    Args:
        values: (V, n, ...) one result per row.
        weight: (V, n) of the shards; rows of weight 0 are left out. Leading axes may be split
            further, as they are under pmap.

    >>> undeal(np.array([[0, 2, 4, -1], [1, 3, -1, -1]]), np.array([[1, 1, 1, 0], [1, 1, 0, 0]]))
    array([0, 1, 2, 3, 4])
    """
    weight = weight.reshape(-1, weight.shape[-1])
    values = values.reshape(*weight.shape, *values.shape[2:])
    return np.swapaxes(values, 0, 1)[weight.T > 0]


def draw_rows(
    shards: Shards, key: jax.Array, rows_per_step: int
) -> Int[Array, "steps V rows_per_step"]:
    """Rows of each shard in the order in which one epoch visits them."""
    num_shards, rows = shards.weight.shape

    def order(index: Int[Array, ""]) -> Int[Array, " n"]:
        return jax.random.permutation(jax.random.fold_in(key, index), rows)

    drawn = jax.vmap(order)(shards.index)
    return drawn.reshape(num_shards, rows // rows_per_step, rows_per_step).swapaxes(0, 1)


def take_rows(shards: Shards, rows: Int[Array, "V b"]) -> tuple[Batch, Float[Array, "V b"]]:
    """The chosen rows of every shard, and their weights."""
    pick = jax.vmap(lambda leaf, at: leaf[at])
    batch = jax.tree.map(lambda leaf: pick(leaf, rows), shards.batch)
    return batch, pick(shards.weight, rows)
