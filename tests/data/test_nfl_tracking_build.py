"""Prepared once, whole or not at all, without TensorFlow; errors are clear."""

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sbp_jax.nfl.errors import BuildError, NoTrackingError, TrackingFileError
from sbp_jax.nfl.tracking.build import BuildConfig
from sbp_jax.nfl.tracking.reading import ReadConfig
from sbp_jax.nfl.tracking.sources import SOURCES, Layout
from tests.nfl.tracking.build_seasons import files_under, moved, season_plays, write_weeks

pytest.importorskip("tensorflow_datasets", reason="the extra tfds is not installed")

from data.errors import DatasetError
from data.nfl_tracking import builder as building
from data.nfl_tracking.builder import FINGERPRINT, NflTracking
from data.nfl_tracking.config import config_name
from data.nfl_tracking.prepare import prepare
from data.nfl_tracking.reader import load_examples, open_dataset, read_report
from data.tfds_builder import tfds

ROOT = Path(__file__).parents[2]
PLAYS = season_plays(weeks=3, each=2)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_weeks(tmp_path_factory.mktemp("raw") / "season", PLAYS)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def prepared(source, work, tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("datasets")
    _, written = prepare(data_dir, source, work=work, progress=False)
    assert written
    return data_dir


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_tensorflow_is_not_imported_and_the_account_is_printed(source, tmp_path):
    code = """
import sys
from dataclasses import replace
from pathlib import Path
from data.nfl_tracking.build import BuildTracking, main
from data.nfl_tracking.reader import load_examples
data_dir, source, work, cache = map(Path, sys.argv[1:])
main(BuildTracking(data_dir, source, work))
examples = load_examples(data_dir, "train")
assert len(examples) == 8, len(examples)
assert "tensorflow" not in sys.modules
"""
    done = run(code, tmp_path, source, tmp_path / "work", tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("season: layout 2025, 3 tracking files of ")
    assert lines[1] == "plays: 12 seen, 12 kept, 0 dropped"
    assert re.search(r"nfl_tracking/bdb2025/1\.1\.0: written, \d+\.\d s$", lines[-4])
    assert [line.split()[:2] for line in lines[-3:]] == [
        ["train", "8"],
        ["valid", "2"],
        ["test", "2"],
    ]


def test_preparing_again_changes_nothing(prepared, source, work):
    before = files_under(prepared)
    builder, written = prepare(prepared, source, work=work, progress=False)
    assert not written
    assert files_under(prepared) == before
    assert builder.info.metadata[FINGERPRINT] == read_report(builder).fingerprint


def test_the_account_is_kept_in_the_data_set(prepared):
    report = read_report(open_dataset(prepared))
    assert (report.seen, report.kept, report.files, report.layout) == (12, 12, 3, "2025")
    assert not any(str(part) in repr(report) for part in prepared.parts[1:3])


def test_other_plays_are_not_taken_for_the_same(prepared, work, tmp_path):
    other = write_weeks(tmp_path / "season", moved(PLAYS, 2, own_yards=44))
    with pytest.raises(DatasetError, match=r"holds other plays \(fingerprint \w{20}, the source"):
        prepare(prepared, other, work=work, progress=False)


def test_other_settings_lie_beside(prepared, source, work, tmp_path):
    data_dir = shutil.copytree(prepared, tmp_path / "datasets")
    config = BuildConfig(ReadConfig(max_frames=41, max_speed=12.5))
    builder, written = prepare(data_dir, source, work=work, config=config, progress=False)
    assert written
    assert builder.data_path.parent.name == "bdb2025_to41_speed12p5"
    with pytest.raises(
        DatasetError, match="one config or its name, found bdb2025, bdb2025_to41_speed12p5"
    ):
        load_examples(data_dir, "train")
    lengths = {
        name: read_report(open_dataset(data_dir, name)).lengths.max
        for name in ("bdb2025", "bdb2025_to41_speed12p5")
    }
    assert lengths["bdb2025_to41_speed12p5"] <= 41 <= lengths["bdb2025"]


def test_names_tell_every_setting():
    usual = ReadConfig()
    changes = {
        "min_frames": 9,
        "max_frames": 99,
        "max_hole": 6,
        "max_speed": 14.5,
        "max_off_field": 3,
    }
    names = {config_name(layout) for layout in Layout}
    names |= {
        config_name(Layout.BDB2025, ReadConfig(**{name: value})) for name, value in changes.items()
    }
    assert set(changes) == set(vars(usual))
    assert len(names) == len(Layout) + len(changes)
    assert {config.name for config in NflTracking.BUILDER_CONFIGS} <= names


def test_raw_files_may_lie_in_the_manual_directory(source, work, tmp_path):
    with pytest.raises(DatasetError, match=r"one folder of raw files among bdb2021, .*found none"):
        prepare(tmp_path, work=work, progress=False)
    manual = tmp_path / "downloads" / "manual"
    shutil.copytree(source, manual / "bdb2025")
    builder, _ = prepare(tmp_path, work=work, progress=False)
    assert builder.info.splits.total_num_examples == 12
    (manual / "bdb2023").mkdir()
    with pytest.raises(DatasetError, match=r"found bdb2023, bdb2025; give --source, or --layout"):
        prepare(tmp_path, work=work, progress=False)
    config = BuildConfig(layout=Layout.BDB2025)
    assert not prepare(tmp_path, work=work, config=config, progress=False)[1]


def test_a_source_of_ones_own_has_no_data_set(source, tmp_path):
    own = replace(SOURCES[Layout.BDB2025], layout="another league")
    with pytest.raises(DatasetError, match=r"config\.layout: expected a Layout.*'another league'"):
        prepare(tmp_path, source, config=BuildConfig(layout=own), progress=False)


def test_tfds_finds_the_manual_directory_itself(source, work, tmp_path):
    shutil.copytree(source, tmp_path / "manual" / "bdb2025")
    builder = NflTracking(data_dir=tmp_path, config="bdb2025", work=work, progress=False)
    download = tfds.download.DownloadConfig(manual_dir=tmp_path / "manual")
    builder.download_and_prepare(download_dir=tmp_path, download_config=download)
    assert builder.info.splits.total_num_examples == 12


def test_an_exception_leaves_nothing_and_it_can_be_repeated(source, work, tmp_path, monkeypatch):
    def interrupted(folder, rows, bar):
        yield next(examples(folder, rows, bar))
        raise KeyboardInterrupt

    examples = building._examples
    monkeypatch.setattr(building, "_examples", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, source, work=work, progress=False)
    assert not list(tmp_path.rglob("*array_record*"))
    monkeypatch.undo()
    assert prepare(tmp_path, source, work=work, progress=False)[1]


KILLED = """
import os, signal, sys
from pathlib import Path
from data.nfl_tracking import builder
from data.nfl_tracking.prepare import prepare
examples, begun = builder._examples, []
def dying(folder, rows, bar):
    yield from examples(folder, rows, bar)
    begun.append(folder)
    if len(begun) == 3:  # train is written but for its last records
        os.kill(os.getpid(), signal.SIGKILL)
builder._examples = dying
prepare(Path(sys.argv[1]), Path(sys.argv[2]), work=Path(sys.argv[3]), progress=False)
"""


def test_a_killed_build_does_not_look_whole(source, work, prepared, tmp_path):
    done = run(KILLED, tmp_path, source, work)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (unfinished,) = tmp_path.glob("nfl_tracking/bdb2025/incomplete.*")
    assert list(unfinished.glob("*array_record*"))
    with pytest.raises(DatasetError, match=r"expected a data set of any config of version 1\.1\.0"):
        load_examples(tmp_path, "train")
    builder, written = prepare(tmp_path, source, work=work, progress=False)
    assert written
    assert not unfinished.exists()
    found = builder.info.metadata[FINGERPRINT]
    assert found == open_dataset(prepared).info.metadata[FINGERPRINT]
    for split, info in builder.info.splits.items():
        assert info.num_examples == open_dataset(prepared).info.splits[split].num_examples


def test_a_damaged_folder_is_refused(source, work, tmp_path):
    (tmp_path / "nfl_tracking" / "bdb2025" / "1.1.0").mkdir(parents=True)
    with pytest.raises(DatasetError, match="damaged; delete it"):
        prepare(tmp_path, source, work=work, progress=False)


def test_other_features_are_refused(prepared, source, work, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "SEQUENCE_FEATURES", ("another",))
    with pytest.raises(DatasetError, match="built with other features"):
        load_examples(prepared, "train")
    with pytest.raises(DatasetError, match="built with other features"):
        prepare(prepared, source, work=work, progress=False)


def test_errors_of_the_raw_files_pass_through(source, tmp_path):
    with pytest.raises(NoTrackingError, match="nowhere"):
        prepare(tmp_path, tmp_path / "nowhere", work=tmp_path / "work", progress=False)
    zipped = write_weeks(tmp_path / "zipped", PLAYS, suffix=".csv.gz")
    path = zipped / "tracking_week_3.csv.gz"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(TrackingFileError, match=r"tracking_week_3\.csv\.gz"):
        prepare(tmp_path, zipped, work=tmp_path / "work", progress=False)
    one_game = [play for play in PLAYS if play.week == 1 and play.game_id % 2 == 0]
    few = write_weeks(tmp_path / "few", one_game)
    with pytest.raises(BuildError, match="at least 3 games"):
        prepare(tmp_path, few, work=tmp_path / "work", progress=False)
    assert not list(tmp_path.rglob("incomplete.*"))


def test_a_missing_extra_is_one_line(tmp_path):
    code = """
import runpy, sys
sys.modules["array_record"] = None
sys.argv = ["build", "--data-dir", sys.argv[1], "--source", sys.argv[1]]
runpy.run_module("data.nfl_tracking.build", run_name="__main__")
"""
    done = run(code, tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: TensorFlow Datasets is not installed whole")
