"""Dealing examples to virtual shards, in buckets of length, and taking results back."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbp_jax.batch import Batch
from sbp_jax.errors import DeviceError
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.length_buckets import choose_lengths
from sbp_jax.training.parallel import Devices, choose_devices
from sbp_jax.training.placing import examples_of_step, in_order, place_examples
from sbp_jax.training.shards import (
    deal,
    deal_rows,
    draw_buckets,
    draw_rows,
)


def numbered(lengths, steps=9):
    """Examples that carry their number in every field."""
    number = np.arange(len(lengths), dtype=np.float32)
    mask = np.arange(steps)[None] < np.asarray(lengths)[:, None]
    sequence = np.where(mask, number[:, None], -1)[..., None].astype(np.float32)
    return Batch(sequence, mask, number[:, None], number)


def one_device():
    return Devices(jax.devices()[:1])


@given(
    rows=st.integers(1, 60),
    num_shards=st.integers(1, 9),
    rows_per_step=st.integers(1, 7),
    seed=st.none() | st.integers(0, 3),
)
def test_every_example_is_dealt_once(rows, num_shards, rows_per_step, seed):
    dealt = deal_rows(
        np.arange(rows), num_shards=num_shards, rows_per_step=rows_per_step, seed=seed
    )
    assert dealt.shape[0] == num_shards
    assert dealt.shape[1] % rows_per_step == 0
    assert sorted(dealt[dealt >= 0]) == list(range(rows))
    # Evenly: no shard has two examples more than another.
    per_shard = (dealt >= 0).sum(axis=1)
    assert per_shard.max() - per_shard.min() <= 1
    shards = deal(numbered([1] * rows), dealt)
    np.testing.assert_array_equal(shards.weight, dealt >= 0)
    np.testing.assert_array_equal(shards.batch.target[dealt >= 0], dealt[dealt >= 0])
    if seed is None:
        in_order = dealt.T[dealt.T >= 0]
        np.testing.assert_array_equal(in_order, np.arange(rows))


@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    buckets=st.integers(1, 4),
    batch_size=st.integers(1, 8),
)
def test_lengths_are_the_best_there_are(lengths, buckets, batch_size):
    """Against trying every choice of edges."""
    lengths = np.array(lengths)

    def padded_steps(edges):
        held = np.bincount(np.searchsorted(edges, lengths), minlength=len(edges))
        return int((-(-held // batch_size) * batch_size * np.array(edges)).sum())

    longest = max(1, int(lengths.max()))
    choices = [
        (*some, longest)
        for count in range(buckets)
        for some in itertools.combinations(range(1, longest), count)
    ]
    found = choose_lengths(lengths, buckets=buckets, batch_size=batch_size)
    assert found[-1] == longest
    assert len(found) <= buckets
    assert padded_steps(found) == min(map(padded_steps, choices))


@pytest.mark.parametrize("backend", ["shard_map", "pmap"])
def test_placed_examples_are_whole_in_buckets_of_their_length(backend):
    lengths = np.random.default_rng(0).integers(0, 10, 90)
    batch = numbered(lengths)
    config = TrainConfig(batch_size=8, virtual_shards=4, length_buckets=3)
    devices = Devices(choose_devices(1), backend)
    placed = place_examples(batch, config, devices, shuffle=True)
    assert len(placed.shards) == 3
    assert placed.examples == 90
    for shards, rows in zip(placed.shards, placed.rows, strict=True):
        width = shards.batch.sequence.shape[-2]
        mask = np.asarray(shards.batch.mask).reshape(*rows.shape, width)
        real = rows >= 0
        np.testing.assert_array_equal(mask[real].sum(axis=1), lengths[rows[real]])
        sequence = np.asarray(shards.batch.sequence).reshape(*rows.shape, width)
        np.testing.assert_array_equal(sequence[real][:, :1], batch.sequence[rows[real], :1, 0])
    assert sum(shards.batch.sequence.shape[-2] for shards in placed.shards) < 3 * 9
    # Shards of different buckets draw different randomness.
    index = np.concatenate([np.asarray(shards.index).ravel() for shards in placed.shards])
    assert len(set(index.tolist())) == len(index)
    targets = [
        np.asarray(shards.batch.target).reshape(rows.shape)
        for shards, rows in zip(placed.shards, placed.rows, strict=True)
    ]
    np.testing.assert_array_equal(in_order(targets, placed), batch.target)


def test_seeds_share_the_dealing():
    batch = numbered([3] * 40)
    rows = [
        place_examples(
            batch,
            TrainConfig(batch_size=8, virtual_shards=4, seed=seed),
            one_device(),
            shuffle=True,
        ).rows[0]
        for seed in (0, 1)
    ]
    np.testing.assert_array_equal(*rows)
    assert not np.array_equal(rows[0][rows[0] >= 0], np.arange(40))


def test_an_epoch_visits_every_row_of_every_shard_in_a_new_order():
    first = draw_rows(np.arange(4), 10, jax.random.key(0), 5)
    second = draw_rows(np.arange(4), 10, jax.random.key(1), 5)
    assert first.shape == (2, 4, 5)
    for order in (first, second):
        for shard in range(4):
            assert sorted(np.asarray(order[:, shard]).ravel()) == list(range(10))
    assert not np.array_equal(first, second)
    # Shards draw for themselves, or their orders would agree.
    assert not np.array_equal(first[:, 0], first[:, 1])


def test_a_shards_order_does_not_depend_on_its_neighbours():
    """What makes a run independent of the device count."""
    whole = draw_rows(np.arange(4), 10, jax.random.key(0), 5)
    half = draw_rows(np.arange(2, 4), 10, jax.random.key(0), 5)
    np.testing.assert_array_equal(half, whole[:, 2:])


def test_an_epoch_visits_every_mini_batch_of_every_bucket_mixed():
    visits = [
        list(zip(*map(np.ndarray.tolist, map(np.asarray, drawn)), strict=True))
        for drawn in (draw_buckets([3, 5], jnp.int32(0)), draw_buckets([3, 5], jnp.int32(8)))
    ]
    everything = [(0, i) for i in range(3)] + [(1, i) for i in range(5)]
    for visit in visits:
        assert sorted(visit) == everything
        assert visit != everything
    assert visits[0] != visits[1]


def test_the_examples_of_a_step_are_those_that_it_was_computed_from():
    """Against what the devices are given: the loss of an example is its number."""
    batch = numbered(np.random.default_rng(1).integers(1, 10, 70))
    config = TrainConfig(batch_size=8, virtual_shards=4, length_buckets=2)
    devices = one_device()
    placed = place_examples(batch, config, devices, shuffle=True)
    key, first_step = jax.random.key(5), 12
    counts = [rows.shape[1] // 2 for rows in placed.rows]
    for step in range(sum(counts)):
        bucket, place = (int(drawn[step]) for drawn in draw_buckets(counts, jnp.int32(first_step)))
        shards = placed.shards[bucket]
        drawn = draw_rows(
            shards.index, shards.weight.shape[1], jax.random.fold_in(key, first_step), 2
        )[place]
        targets = np.take_along_axis(np.asarray(shards.batch.target), np.asarray(drawn), axis=1)
        weights = np.take_along_axis(np.asarray(shards.weight), np.asarray(drawn), axis=1)
        expected = sorted(int(t) for t in targets[weights > 0])
        assert examples_of_step(placed, key, first_step, step) == expected


def test_ids_must_be_as_many_as_the_examples():
    with pytest.raises(ValueError, match="ids: expected 4, one an example, got 2"):
        place_examples(
            numbered([1] * 4), TrainConfig(), one_device(), shuffle=False, ids=["a", "b"]
        )


def test_devices_that_are_not_there_are_named():
    count = jax.device_count()
    with pytest.raises(DeviceError, match=rf"expected 1 to {count}, .* got {count + 1}"):
        choose_devices(count + 1)
    with pytest.raises(DeviceError, match="got 0"):
        choose_devices(0)
    if count < 3:
        pytest.skip("needs 3 devices; XLA_FLAGS was set to fewer before the tests began")
    config = TrainConfig(batch_size=8, virtual_shards=4)
    with pytest.raises(DeviceError, match="divides the 4 virtual shards, got 3"):
        place_examples(numbered([1] * 4), config, Devices(choose_devices(3)), shuffle=False)
