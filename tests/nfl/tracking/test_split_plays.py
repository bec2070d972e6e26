"""A split's table and batch are what its parts hold, play by play."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.errors import BatchError
from sbp_jax.nfl.tracking.build import build_parts
from sbp_jax.nfl.tracking.features import EXTRA_FEATURES, PLAYER_COLUMNS, SEQUENCE_FEATURES
from sbp_jax.nfl.tracking.padding import Portion, pad_plays
from sbp_jax.nfl.tracking.parts import open_part
from sbp_jax.nfl.tracking.scaling import scale_sequence
from sbp_jax.nfl.tracking.split_plays import load_split, physical_play, rows_of_splits
from sbp_jax.nfl.tracking.splits import SPLITS
from sbp_jax.nfl.tracking.static import TRACKING_STATIC
from tests.nfl.tracking.build_seasons import kept_plays, season_plays, write_weeks


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    place = tmp_path_factory.mktemp("weeks")
    return build_parts(write_weeks(place / "raw", season_plays()), place / "work", progress=False)


def test_every_kept_play_is_in_one_split_with_all_its_facts(build):
    tables = [load_split(build, split).plays for split in SPLITS]
    assert (
        pl.concat(tables)
        .sort("game_id", "play_id")
        .equals(kept_plays(build).sort("game_id", "play_id"))
    )
    assert [sorted(set(table["week"])) for table in tables] == [[1, 2, 3, 4, 5], [6], [7]]


@pytest.mark.parametrize("split", SPLITS)
def test_rows_of_table_batch_and_parts_are_the_same_plays(build, split):
    examples = load_split(build, split)
    parts = [(open_part(folder), row) for folder, rows in rows_of_splits(build)[split]
             for row in rows]  # fmt: skip
    assert len(parts) == len(examples) == len(examples.batch.target)
    for row, (part, place) in enumerate(parts):
        values, player_mask = physical_play(build, split, row)
        steps = len(values)
        scaled = scale_sequence(part.values[part.offsets[place] : part.offsets[place + 1]],
                                part.player_mask[place])  # fmt: skip
        np.testing.assert_array_equal(examples.batch.sequence[row, :steps], scaled)
        assert examples.batch.mask[row].sum() == steps
        np.testing.assert_array_equal(scale_sequence(values, player_mask), scaled)
        np.testing.assert_array_equal(examples.batch.static[row], part.static[place])
        assert examples.batch.target[row] == examples.plays["yards_gained"][row]
        assert examples.plays.row(row) == part.plays.row(int(place))
    assert examples.batch.mask.sum(axis=1).max() == examples.batch.mask.shape[1]


def test_a_play_twice_is_in_one_part_alone(tmp_path):
    plays = season_plays(weeks=2, each=2)
    source = write_weeks(tmp_path / "raw", plays)
    first, second = sorted(source.glob("tracking_week_*.csv"))
    again = pl.read_csv(first, infer_schema=False)
    again.vstack(pl.read_csv(second, infer_schema=False)).write_csv(second)
    build = build_parts(source, tmp_path / "work", progress=False)
    found = pl.concat([load_split(build, split).plays for split in SPLITS])
    assert found.height == len(plays)
    assert found.select(pl.struct("game_id", "play_id").n_unique()).item() == len(plays)


def test_what_does_not_exist_is_named(build):
    with pytest.raises(ValueError, match=r"split: expected one of .*, got 'validation'"):
        load_split(build, "validation")
    with pytest.raises(IndexError, match=r"row: expected one of the plays of test"):
        physical_play(build, "test", 1000)


def portion_of(lengths, seed=0):
    """Random plays; some players are absent."""
    rng = np.random.default_rng(seed)
    lengths = np.array(lengths)
    values = rng.normal(0, 3, (lengths.sum(), len(SEQUENCE_FEATURES))).astype(np.float16)
    mask = rng.random((len(lengths), 22)) < 0.9
    values[:, :PLAYER_COLUMNS] *= np.repeat(np.repeat(mask, 8, axis=1), lengths, axis=0)
    return Portion(
        lengths=lengths,
        values=values,
        player_mask=mask,
        static=rng.normal(size=(len(lengths), len(TRACKING_STATIC))).astype(np.float32),
        target=rng.integers(-9, 60, len(lengths)).astype(np.float32),
    )


def test_plays_are_padded_to_the_longest_of_all_portions():
    portions = [portion_of([9, 1, 25], 1), portion_of([30, 4], 2)]
    batch = pad_plays(portions)
    assert batch.sequence.shape[:2] == batch.mask.shape == (5, 30)
    assert batch.sequence.dtype == np.float16
    row = 0
    for portion in portions:
        ends = np.cumsum(portion.lengths)
        for play, (end, length) in enumerate(zip(ends, portion.lengths, strict=True)):
            scaled = scale_sequence(portion.values[end - length : end], portion.player_mask[play])
            np.testing.assert_array_equal(batch.sequence[row, :length], scaled)
            assert not batch.sequence[row, length:].any()
            assert batch.mask[row].tolist() == [True] * length + [False] * (30 - length)
            assert batch.target[row] == portion.target[play]
            row += 1


def test_what_no_model_may_see_is_refused():
    bad = portion_of([5, 6])
    bad.values[7, SEQUENCE_FEATURES.index(EXTRA_FEATURES[1])] = np.nan
    with pytest.raises(BatchError, match=r"row 1, step 2, column 'separation'"):
        pad_plays([bad])
    with pytest.raises(BatchError, match="got an empty set"):
        pad_plays([])
