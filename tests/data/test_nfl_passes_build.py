"""Prepared once, whole or not at all, without TensorFlow; errors are clear."""

import subprocess
import sys
from pathlib import Path

import pytest

from sbp_jax.errors import BatchError
from sbp_jax.nfl.plays import NoSourceError

from .conftest import SEASONS, write_games

pytest.importorskip("tensorflow_datasets", reason="the extra tfds is not installed")

from data.errors import DatasetError
from data.nfl_passes import builder as building
from data.nfl_passes.config import config_name
from data.nfl_passes.prepare import prepare
from data.nfl_passes.reader import load_batch

ROOT = Path(__file__).parents[2]


def files_under(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_tensorflow_is_not_imported(source, cache, tmp_path):
    code = f"""
import sys
from pathlib import Path
from data.nfl_passes.build import BuildPasses, main
from data.nfl_passes.reader import load_batch
from sbp_jax.nfl.plays.splits import SeasonSplit
seasons = SeasonSplit(train=(2009,), valid=(2010,), test=(2011,))
place = Path({str(tmp_path)!r})
main(BuildPasses(place, Path({str(source)!r}), Path({str(cache)!r}), seasons))
assert load_batch(place, "test", seasons).target.shape == (5,)
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, *splits, _ = done.stdout.splitlines()
    assert "history64_train2009_valid2010_test2011" in first
    assert "written" in first
    assert [line.split()[:2] for line in splits] == [["train", "7"], ["valid", "54"], ["test", "5"]]


def test_preparing_again_changes_nothing(prepared, source, cache):
    before = files_under(prepared)
    _, written = prepare(prepared, SEASONS, source=source, cache=cache)
    assert not written
    after = files_under(prepared)
    assert {p: t for p, t in after.items() if p.name != ".lock"} == {
        p: t for p, t in before.items() if p.name != ".lock"
    }


def test_other_games_are_not_taken_for_the_same(prepared, tmp_path):
    games = {"2009091300": 1, "2010091201": 1, "2011091100": 1, "2012090900": 1}
    other = write_games(tmp_path / "other", games)
    with pytest.raises(DatasetError, match="holds passes of other games"):
        prepare(prepared, SEASONS, source=other, cache=tmp_path / "cache")


def test_interrupted_leaves_nothing_and_can_be_repeated(source, cache, tmp_path, monkeypatch):
    def interrupted(part, rows, bar):
        yield from list(examples(part, rows, bar))[:2]
        raise KeyboardInterrupt

    examples = building._examples
    monkeypatch.setattr(building, "_examples", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, SEASONS, source=source, cache=cache)
    assert not list(tmp_path.rglob("*array_record*"))
    monkeypatch.undo()

    killed = tmp_path / "nfl_passes" / config_name(SEASONS) / "incomplete.ABCDEF_1.1.0"
    killed.mkdir(parents=True)
    (killed / "nfl_passes-train.array_record-00000-of-00002").write_bytes(b"half")
    with pytest.raises(DatasetError, match="no data set"):
        load_batch(tmp_path, "train", SEASONS)
    assert prepare(tmp_path, SEASONS, source=source, cache=cache)[1]
    assert not killed.exists()
    assert len(load_batch(tmp_path, "valid", SEASONS).target) == 5


def test_a_damaged_folder_is_refused(tmp_path, source, cache):
    (tmp_path / "nfl_passes" / config_name(SEASONS) / "1.1.0").mkdir(parents=True)
    with pytest.raises(DatasetError, match="damaged; delete it"):
        prepare(tmp_path, SEASONS, source=source, cache=cache)


def test_other_features_are_refused(prepared, source, cache, monkeypatch):
    monkeypatch.setattr(building, "HISTORY_FEATURES", ("another",))
    with pytest.raises(DatasetError, match="built with other features"):
        load_batch(prepared, "train", SEASONS)
    with pytest.raises(DatasetError, match="built with other features"):
        prepare(prepared, SEASONS, source=source, cache=cache)


def test_errors_of_the_plays_pass_through(tmp_path):
    with pytest.raises(NoSourceError, match="expected a folder of game files"):
        prepare(tmp_path, SEASONS, source=tmp_path / "nothing", cache=tmp_path / "cache")
    # The only game of 2012 is in the playoffs, which the test split leaves out.
    games = {"2009091300": 1, "2010091201": 1, "2011091100": 1, "2013011200": 1}
    few = write_games(tmp_path / "few", games)
    with pytest.raises(BatchError, match="empty set"):
        prepare(tmp_path, SEASONS, source=few, cache=tmp_path / "cache")
    assert not list(tmp_path.rglob("incomplete.*"))


@pytest.mark.parametrize("module", ["tensorflow_datasets", "array_record"])
def test_a_missing_extra_is_one_line(module, tmp_path):
    code = f"""
import runpy, sys
sys.modules[{module!r}] = None
sys.argv = ["build", "--data-dir", {str(tmp_path)!r}]
runpy.run_module("data.nfl_passes.build", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        ("error: TensorFlow Datasets is not installed whole", "error: not all that this needs is")
    )
    assert 'pip install "sbp-jax[tfds]"' in line
