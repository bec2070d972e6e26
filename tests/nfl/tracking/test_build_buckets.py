"""Buckets hold every play once; batches are a pure function of seed and epoch."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbp_jax.batch import Batch
from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.examples import Examples, draw_batches, iter_batches
from sbp_jax.nfl.tracking.growing_npy import GrowingNpy
from sbp_jax.nfl.tracking.length_buckets import (
    DEFAULT_EDGES,
    bucket_of,
    make_buckets,
    padding_share,
)

lengths_and_edges = st.tuples(
    st.lists(st.integers(1, 60), min_size=1, max_size=40).map(np.array),
    st.sets(st.integers(1, 59), max_size=6).map(lambda edges: (*sorted(edges), 60)),
)


def examples_of(lengths, edges, columns=3):
    """Plays whose numbers say where they belong: row, step and column."""
    buckets = make_buckets(lengths, edges)
    batches = []
    for steps, rows in buckets:
        mask = np.arange(steps) < lengths[rows, None]
        place = rows[:, None, None] * 100 + np.arange(steps)[:, None] + np.arange(columns) / 10
        batches.append(
            Batch(
                np.where(mask[..., None], place, 0).astype(np.float32),
                mask,
                rows[:, None].astype(np.float32),
                rows.astype(np.float32),
            )
        )
    plays = pl.DataFrame({"play_id": np.arange(len(lengths))})
    return Examples(tuple(batches), tuple(rows for _, rows in buckets), plays)


@given(lengths_and_edges)
def test_every_play_is_in_the_tightest_bucket_once(case):
    lengths, edges = case
    buckets = make_buckets(lengths, edges)
    assert sorted(np.concatenate([rows for _, rows in buckets]).tolist()) == list(
        range(len(lengths))
    )
    for steps, rows in buckets:
        assert len(rows) > 0
        assert (np.diff(rows) > 0).all()
        for length in lengths[rows].tolist():
            assert steps == min(edge for edge in edges if edge >= length)


@given(lengths_and_edges)
def test_padding_is_what_a_count_of_steps_says(case):
    lengths, edges = case
    examples = examples_of(lengths, edges)
    steps = sum(bucket.mask.size for bucket in examples.buckets)
    observed = sum(int(bucket.mask.sum()) for bucket in examples.buckets)
    assert padding_share(lengths, edges) == pytest.approx(1 - observed / steps)


def test_little_of_real_plays_is_padding(shared_data):
    told = pl.read_csv(shared_data / "ngs_highlights" / "plays_extra.csv.gz")
    frames = told["framesSnapToThrow"].to_numpy() + 1
    assert padding_share(frames, DEFAULT_EDGES) < 0.2


@pytest.mark.parametrize("edges", [(), (0, 10), (20, 10), (10, 10)])
def test_edges_must_ascend(edges):
    with pytest.raises(TrackingError, match="edges: expected ascending lengths from 1 on, got"):
        bucket_of(np.array([5]), edges)


def test_a_play_beyond_the_last_edge_is_named():
    with pytest.raises(TrackingError, match="got 20 and a play of 21 frames in row 2"):
        bucket_of(np.array([20, 3, 21]), (10, 20))


@given(lengths_and_edges)
def test_padded_is_in_the_order_of_the_split(case):
    lengths, edges = case
    batch = examples_of(lengths, edges).padded()
    np.testing.assert_array_equal(batch.mask.sum(axis=1), lengths)
    np.testing.assert_array_equal(batch.target, np.arange(len(lengths)))
    np.testing.assert_array_equal(batch.static[:, 0], np.arange(len(lengths)))
    for row, length in enumerate(lengths.tolist()):
        expected = row * 100 + np.arange(length)
        np.testing.assert_allclose(batch.sequence[row, :length, 0], expected)
        assert not batch.sequence[row, length:].any()
        assert not batch.mask[row, length:].any()


def test_restoring_wants_something_for_every_play():
    examples = examples_of(np.array([5, 20, 6]), (10, 20))
    assert examples.restore([np.array([1, 2]), np.array([3])]).tolist() == [1, 3, 2]
    with pytest.raises(TrackingError, match=r"expected lengths \[2, 1\], got \[2, 2\]"):
        examples.restore([np.zeros(2), np.zeros(2)])


@given(
    lengths_and_edges,
    st.integers(1, 9),
    st.integers(0, 5),
    st.integers(0, 5),
    st.booleans(),
)
def test_batches_have_every_play_once(case, size, seed, epoch, drop_last):
    lengths, edges = case
    examples = examples_of(lengths, edges)
    batches = list(iter_batches(examples, size, seed=seed, epoch=epoch, drop_last=drop_last))
    targets = [int(row) for batch in batches for row in batch.target]
    assert len(targets) == len(set(targets))
    if drop_last:
        assert all(len(batch.target) == size for batch in batches)
        assert len(targets) == sum(len(rows) // size * size for rows in examples.rows)
    else:
        assert sorted(targets) == list(range(len(lengths)))
    steps = {
        int(row): bucket.steps for bucket in make_buckets(lengths, edges) for row in bucket.rows
    }
    for batch in batches:
        for place, row in enumerate(batch.target.astype(int)):
            assert batch.mask.shape[1] == steps[row]
            assert batch.mask[place].sum() == lengths[row]
            assert batch.sequence[place, 0, 0] == row * 100
            assert batch.static[place, 0] == row


def test_the_order_is_a_pure_function_of_seed_and_epoch():
    def order(seed, epoch):
        draws = draw_batches([50, 70], 8, seed=seed, epoch=epoch)
        return [(draw.bucket, draw.places.tolist()) for draw in draws]

    assert order(3, 4) == order(3, 4)
    others = [order(seed, epoch) for seed, epoch in ((3, 5), (4, 4), (4, 3), (0, 0))]
    assert len({str(each) for each in [order(3, 4), *others]}) == 5
    buckets = [bucket for bucket, _ in order(3, 4)]
    assert buckets != sorted(buckets)
    assert order(3, 4)[0][1] != sorted(order(3, 4)[0][1])


def test_other_plays_are_left_out_every_epoch():
    left_out = {
        frozenset(range(10))
        - {int(place) for draw in draw_batches([10], 4, seed=0, epoch=epoch, drop_last=True)
           for place in draw.places}
        for epoch in range(20)
    }  # fmt: skip
    assert all(len(plays) == 2 for plays in left_out)
    assert len(left_out) > 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0, "seed": 0, "epoch": 0}, "batch_size: expected 1 or more, got 0"),
        ({"batch_size": 2, "seed": -1, "epoch": 0}, "got -1 and 0"),
        ({"batch_size": 2, "seed": 0, "epoch": -2}, "got 0 and -2"),
    ],
)
def test_senseless_batches_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_batches([3], **arguments)


@given(st.lists(st.integers(0, 4), max_size=6))
def test_a_growing_file_is_a_npy_file(tmp_path_factory, counts):
    path = tmp_path_factory.mktemp("npy") / "rows.npy"
    portions = [np.full((count, 2, 3), number, np.float16) for number, count in enumerate(counts)]
    with GrowingNpy(path, (2, 3), np.float16) as file:
        for portion in portions:
            file.append(portion)
    found = np.load(path)
    np.testing.assert_array_equal(found, np.concatenate([np.zeros((0, 2, 3)), *portions]))
    assert (found.dtype, found.shape) == (np.float16, (sum(counts), 2, 3))


def test_a_growing_file_refuses_other_rows(tmp_path):
    with GrowingNpy(tmp_path / "rows.npy", (2,), np.float16) as file:
        for rows in (np.zeros((1, 3), np.float16), np.zeros((1, 2))):
            with pytest.raises(ValueError, match=r"rows: expected float16 of shape \(B, 2\)"):
                file.append(rows)
