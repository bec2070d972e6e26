"""What is read back is what the library makes of the same raw files."""

import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sbp_jax.batch import check_batch
from sbp_jax.nfl.tracking.build import build_parts
from sbp_jax.nfl.tracking.features import sequence_features
from sbp_jax.nfl.tracking.passes_table import passes_table
from sbp_jax.nfl.tracking.reading import open_folder, read_tracking_file
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, scale_sequence
from sbp_jax.nfl.tracking.split_plays import load_split
from sbp_jax.nfl.tracking.static import TRACKING_STATIC, tracking_static
from sbp_jax.nfl.tracking.tables import FACT_COLUMNS
from tests.nfl.tracking.build_seasons import season_plays, write_weeks

pytest.importorskip("tensorflow_datasets", reason="the extra tfds is not installed")

from data.errors import DatasetError
from data.nfl_tracking import reader
from data.nfl_tracking.prepare import prepare
from data.nfl_tracking.reader import load_examples, open_records
from data.tfds_builder import tfds

SPLITS = ("train", "valid", "test")
LAYOUTS = ("2025", "2026")  # with all players, and without the linemen


@pytest.fixture(scope="module", params=LAYOUTS)
def made(request, tmp_path_factory):
    """Raw files of seven weeks, and the data set of them."""
    place = tmp_path_factory.mktemp(request.param)
    source = write_weeks(place / "raw", season_plays(), request.param)
    prepare(place / "datasets", source, work=place / "work", progress=False)
    return source, place / "datasets"


def direct(source):
    """By game and play: float16 features, player mask, statics and the plays' row."""
    folder, found = open_folder(source), {}
    for path in folder.tracking_files:
        frames, plays, _, _ = read_tracking_file(folder, path)
        features, static = sequence_features(frames), tracking_static(plays)
        for row, names in enumerate(plays.iter_rows(named=True)):
            steps = slice(features.offsets[row], features.offsets[row + 1])
            found[names["game_id"], names["play_id"]] = (
                features.values[steps].astype(np.float16),
                features.player_mask[row],
                features.player_id[row],
                static[row],
                names,
            )
    return found


def test_batches_equal_the_features_of_the_raw_files(made):
    source, data_dir = made
    expected = direct(source)
    seen = []
    for split in SPLITS:
        examples = load_examples(data_dir, split)
        batch = examples.batch
        check_batch(batch)
        for row, names in enumerate(examples.plays.iter_rows(named=True)):
            key = names["game_id"], names["play_id"]
            values, mask, _, static, told = expected[key]
            steps = len(values)
            assert batch.mask[row].sum() == steps
            scaled = scale_sequence(values, mask)
            assert batch.sequence[row, :steps].tobytes() == scaled.tobytes()
            assert batch.static[row].tobytes() == static.tobytes()
            assert batch.target[row] == told["yards_gained"]
            assert names == {name: told[name] for name in FACT_COLUMNS}
            seen.append(key)
        assert batch.sequence.shape[2] == len(MODEL_FEATURES)
        assert batch.static.shape[1] == len(TRACKING_STATIC)
    assert sorted(seen) == sorted(expected)


def test_records_are_the_physical_features(made):
    source, data_dir = made
    expected = direct(source)
    for record in open_records(data_dir, "train"):
        values, mask, ids, _, told = expected[record["game_id"], record["play_id"]]
        np.testing.assert_array_equal(record["sequence"], values)
        np.testing.assert_array_equal(record["player_mask"], mask)
        np.testing.assert_array_equal(record["player_id"], ids)
        assert record["sequence"].dtype == np.float16
        assert record["offense"].decode() == told["offense"]
        assert record["pass_result"].decode() == told["pass_result"]


def test_splits_are_weeks_in_their_order(made):
    _, data_dir = made
    weeks = {split: sorted(set(load_examples(data_dir, split).plays["week"])) for split in SPLITS}
    assert weeks == {"train": [1, 2, 3, 4, 5], "valid": [6], "test": [7]}


def test_small_portions_give_the_same(made, monkeypatch):
    _, data_dir = made
    usual = load_examples(data_dir, "train").batch
    monkeypatch.setattr(reader, "CHUNK", 4)
    for a, b in zip(load_examples(data_dir, "train").batch, usual, strict=True):
        np.testing.assert_array_equal(a, b)


def test_absent_linemen_are_zeros(made):
    source, data_dir = made
    examples = load_examples(data_dir, "train")
    columns = len(MODEL_FEATURES) - 5
    sequence = examples.batch.sequence[:, 0, :columns].reshape(len(examples), 22, -1)
    present = (sequence != 0).any(axis=2).sum(axis=1)
    folder = open_folder(source)
    assert set(present.tolist()) == ({22} if folder.source.layout == "2025" else {13})


def test_what_the_source_does_not_tell_is_null_here_and_a_number_in_the_records(tmp_path):
    unknown = {
        "games": {"week": pl.Int64},
        "plays": {"gameClock": pl.String, "preSnapHomeScore": pl.Int64},
    }
    edit = {
        table: lambda rows, names=names: rows.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in names.items()
        )
        for table, names in unknown.items()
    }
    source = write_weeks(tmp_path / "raw", season_plays(weeks=2, each=1), edit=edit)
    prepare(tmp_path, source, work=tmp_path / "work", progress=False)
    examples = load_examples(tmp_path, "train")
    build = build_parts(source, tmp_path / "work", progress=False)
    direct = load_split(build, "train")
    assert examples.plays.equals(direct.plays.select(FACT_COLUMNS))
    for one, other in zip(examples.batch, direct.batch, strict=True):
        np.testing.assert_array_equal(one, other)
    records = open_records(tmp_path, "train")
    assert [(each["week"], each["clock_seconds"]) for each in records] == [(0, -1)] * 2
    assert examples.plays.null_count().row(0, named=True)["week"] == 2
    assert passes_table(examples)["score_diff"].to_list() == [None, None]


def test_it_is_read_without_this_repository_too(made):
    _, data_dir = made
    (folder,) = data_dir.glob("nfl_tracking/*/1.1.0")
    records = tfds.builder_from_directory(folder).as_data_source("test")
    assert records[0]["sequence"].shape[1] == 181


def test_what_is_not_there_is_named(made, tmp_path):
    _, data_dir = made
    with pytest.raises(ValueError, match=r"expected a split among .*, got 'validation'"):
        load_examples(data_dir, "validation")
    with pytest.raises(
        DatasetError, match=r"expected a data set bdb2019 .*, found bdb202\d/1\.1\.0"
    ):
        load_examples(data_dir, "train", "bdb2019")
    with pytest.raises(DatasetError, match=r"found none; build it: python -m data\.nfl_tracking"):
        load_examples(tmp_path, "train")


def cut(shard):
    os.truncate(shard, shard.stat().st_size // 2)


def flip(shard):
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_a_damaged_shard_is_told(made, tmp_path, damage):
    data_dir = shutil.copytree(made[1], tmp_path / "datasets")
    damage(next(data_dir.rglob("*train.array_record-00001*")))
    with pytest.raises(DatasetError, match=r"1\.1\.0 is damaged; delete it and build again"):
        load_examples(data_dir, "train")


def test_a_folder_without_a_description_is_told(made, tmp_path):
    data_dir = shutil.copytree(made[1], tmp_path / "datasets")
    next(data_dir.rglob("dataset_info.json")).unlink()
    with pytest.raises(DatasetError, match=r"1\.1\.0 is damaged; delete it and build again"):
        load_examples(data_dir, "train")


@pytest.mark.slow
def test_the_real_plays(shared_data, tmp_path):
    source = shared_data / "ngs_highlights"
    prepare(tmp_path, source, work=tmp_path / "work", progress=False)
    expected, seen = direct(source), 0
    for split in SPLITS:
        examples = load_examples(tmp_path, split)
        batch = examples.batch
        for row, (game_id, play_id) in enumerate(
            examples.plays.select("game_id", "play_id").iter_rows()
        ):
            values, mask, _, static, told = expected[game_id, play_id]
            scaled = scale_sequence(values, mask)
            assert batch.sequence[row, : len(values)].tobytes() == scaled.tobytes()
            assert batch.static[row].tobytes() == static.tobytes()
            assert batch.target[row] == told["yards_gained"]
            seen += 1
    assert seen == len(expected) > 250
