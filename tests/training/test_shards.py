"""Dealing examples to virtual shards, and taking them back."""

import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sbp_jax.batch import Batch
from sbp_jax.training.shards import deal, draw_rows, undeal


def rows_as_batch(rows):
    number = np.arange(rows, dtype=np.float32)
    return Batch(
        np.zeros((rows, 1, 1), np.float32), np.ones((rows, 1), bool), number[:, None], number
    )


@given(
    rows=st.integers(1, 60),
    num_shards=st.integers(1, 9),
    rows_per_step=st.integers(1, 7),
    seed=st.none() | st.integers(0, 3),
)
def test_every_example_is_dealt_once(rows, num_shards, rows_per_step, seed):
    shards = deal(
        rows_as_batch(rows), num_shards=num_shards, rows_per_step=rows_per_step, seed=seed
    )
    assert shards.weight.shape[0] == num_shards
    assert shards.weight.shape[1] % rows_per_step == 0
    real = np.asarray(shards.batch.target)[shards.weight > 0]
    assert sorted(real) == list(range(rows))
    # Evenly: no shard has two examples more than another.
    per_shard = shards.weight.sum(axis=1)
    assert per_shard.max() - per_shard.min() <= 1
    if seed is None:
        np.testing.assert_array_equal(
            undeal(shards.batch.target, shards.weight), np.arange(rows, dtype=np.float32)
        )


def test_an_epoch_visits_every_row_of_every_shard_in_a_new_order():
    shards = deal(rows_as_batch(40), num_shards=4, rows_per_step=5, seed=0)
    first = draw_rows(shards, jax.random.key(0), 5)
    second = draw_rows(shards, jax.random.key(1), 5)
    assert first.shape == (2, 4, 5)
    for order in (first, second):
        for shard in range(4):
            assert sorted(np.asarray(order[:, shard]).ravel()) == list(range(10))
    assert not np.array_equal(first, second)
    # Shards draw for themselves, or their orders would agree.
    assert not np.array_equal(first[:, 0], first[:, 1])


def test_a_shards_order_does_not_depend_on_its_neighbours():
    """What makes a run independent of the device count."""
    shards = deal(rows_as_batch(40), num_shards=4, rows_per_step=5, seed=0)
    half = jax.tree.map(lambda leaf: leaf[2:], shards)
    whole = draw_rows(shards, jax.random.key(0), 5)
    np.testing.assert_array_equal(draw_rows(half, jax.random.key(0), 5), whole[:, 2:])
