"""Parts are made once, whole or not at all, and the account of them adds up."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import BuildError, NoTrackingError, TrackingFileError
from sbp_jax.nfl.tracking import build as building
from sbp_jax.nfl.tracking import parts as part_files
from sbp_jax.nfl.tracking.build import BuildConfig, build_parts
from sbp_jax.nfl.tracking.build_report import BuildReport
from sbp_jax.nfl.tracking.features import sequence_features
from sbp_jax.nfl.tracking.parts import open_part
from sbp_jax.nfl.tracking.reading import ReadConfig, open_folder, read_tracking_file
from sbp_jax.nfl.tracking.tables import DROP_COLUMNS

from .build_seasons import contents, files_under, kept_plays, moved, season_plays, write_weeks

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def plays():
    return season_plays(weeks=3)


@pytest.fixture(scope="module")
def source(plays, tmp_path_factory):
    return write_weeks(tmp_path_factory.mktemp("raw") / "season", plays)


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """Folder of parts and the build of `source`."""
    work = tmp_path_factory.mktemp("work")
    return work, build_parts(source, work, progress=False)


def adds_up(build):
    """Kept and dropped plays are those seen, none is in both, and reasons count the drops."""
    report = build.report
    assert report.seen == report.kept + sum(each.count for each in report.dropped)
    assert report.kept == sum(int(kept.sum()) for kept in build.kept) == kept_plays(build).height
    assert dict(build.drops.schema) == dict(DROP_COLUMNS)
    counted = Counter(build.drops["reason"])
    assert {each.reason: each.count for each in report.dropped} == dict(counted)
    for each in report.dropped:
        assert len(each.examples) == min(each.count, 3)
        for example in each.examples:
            found = build.drops.filter(
                (pl.col("reason") == each.reason)
                & (pl.col("game_id") == example.game_id)
                & (pl.col("play_id") == example.play_id)
                & (pl.col("file") == example.file)
            )
            assert found["detail"].to_list() == [example.detail]
    return True


def test_parts_hold_the_features_of_each_file(source, built):
    _, build = built
    folder = open_folder(source)
    assert len(build.folders) == len(folder.tracking_files) == 3
    for file, path in zip(folder.tracking_files, build.folders, strict=True):
        reading, part = read_tracking_file(folder, file), open_part(path)
        features = sequence_features(reading.frames)
        np.testing.assert_array_equal(part.offsets, features.offsets)
        np.testing.assert_array_equal(part.values, features.values.astype(np.float16))
        assert part.values.dtype == np.float16
        assert part.plays.equals(reading.plays)
        np.testing.assert_array_equal(part.target, reading.plays["yards_gained"].to_numpy())
        np.testing.assert_array_equal(part.player_id, features.player_id)
        assert path.name.startswith(file.name.partition(".")[0])


def test_the_report_tells_what_is_there(plays, built):
    _, build = built
    report = build.report
    assert adds_up(build)
    assert (report.source, report.layout, report.files) == ("season", "2025", 3)
    assert (report.seen, report.kept, report.dropped) == (len(plays), len(plays), ())
    frames = sorted(play.frames for play in plays)
    assert (report.lengths.min, report.lengths.max) == (frames[0], frames[-1])
    assert report.lengths.median in (frames[len(frames) // 2 - 1], frames[len(frames) // 2])
    assert report.from_cache == 0
    assert report.missing == {}
    assert BuildReport.from_json(json.loads(json.dumps(report.as_json()))) == report


def test_the_report_as_text(built):
    text = str(built[1].report)
    assert text.startswith("season: layout 2025, 3 tracking files of 2.")
    assert "plays: 18 seen, 18 kept, 0 dropped" in text
    assert re.search(r"0 of 3 parts from the cache, 0\.\d MB; fingerprint [0-9a-f]{20}$", text)


def test_a_second_build_reads_nothing(source, built, monkeypatch):
    work, build = built
    before = files_under(work)
    monkeypatch.setattr(building, "read_tracking_file", None)
    again = build_parts(source, work, progress=False)
    assert again.report.from_cache == 3
    assert again.report.fingerprint == build.report.fingerprint
    assert files_under(work) == before


def test_the_fingerprint_is_of_contents_alone(source, plays, built, tmp_path):
    _, build = built
    elsewhere = shutil.copytree(source, tmp_path / "elsewhere")
    for path in elsewhere.iterdir():
        os.utime(path, ns=(1, 1))
    zipped = write_weeks(tmp_path / "zipped", plays, suffix=".csv.gz")
    for folder in (elsewhere, zipped):
        other = build_parts(folder, tmp_path / "work", progress=False)
        assert other.report.from_cache == 0
        assert other.report.fingerprint == build.report.fingerprint
        assert contents(other) == contents(build)


@pytest.mark.parametrize("column", ["x", "dir"])
def test_another_value_is_another_fingerprint(plays, built, tmp_path, column):
    def spoil(table):
        return table.with_columns(
            pl.col(column) + pl.when(pl.col("nflId") == 40007).then(1).otherwise(0)
        )

    other = write_weeks(tmp_path / "other", plays, edit={"tracking": spoil})
    report = build_parts(other, tmp_path / "work", progress=False).report
    assert report.kept == len(plays)
    assert report.fingerprint != built[1].report.fingerprint


def test_another_outcome_is_another_fingerprint(plays, built, tmp_path):
    def spoil(table):
        return table.with_columns(prePenaltyYardsGained=pl.col("prePenaltyYardsGained") + 1)

    other = write_weeks(tmp_path / "other", plays, edit={"plays": spoil})
    assert (
        build_parts(other, tmp_path / "work", progress=False).report.fingerprint
        != built[1].report.fingerprint
    )


def test_tables_and_settings_make_other_parts(source, plays, built, tmp_path):
    work = shutil.copytree(built[0], tmp_path / "work")
    config = BuildConfig(ReadConfig(max_frames=20))
    other = build_parts(source, work, config, progress=False)
    assert other.report.from_cache == 0
    assert other.report.lengths.max <= 20
    assert {each.reason for each in other.report.dropped} == {"too many frames"}
    assert adds_up(other)
    changed = shutil.copytree(source, tmp_path / "changed")
    table = (changed / "plays.csv").read_text().replace(",2,3,8,", ",2,3,9,")
    (changed / "plays.csv").write_text(table)
    assert build_parts(changed, work, progress=False).report.from_cache == 0


def test_a_play_in_two_files_is_kept_from_the_first(source, plays, tmp_path):
    twice = shutil.copytree(source, tmp_path / "twice")
    rows = pl.read_csv(twice / "tracking_week_1.csv", infer_schema=False)
    game = rows["gameId"][0]
    rows.filter(pl.col("gameId") == game).write_csv(twice / "tracking_week_9.csv")
    build = build_parts(twice, tmp_path / "work", progress=False)
    assert adds_up(build)
    assert build.report.seen == len(plays) + 3
    assert build.report.kept == len(plays)
    (dropped,) = build.report.dropped
    assert (dropped.reason, dropped.count) == ("in two files", 3)
    assert {each.file for each in dropped.examples} == {"tracking_week_9.csv"}
    assert {each.detail for each in dropped.examples} == {"kept from tracking_week_1.csv"}
    first = f"tracking_week_9.csv: game {game}, play 50: kept from tracking_week_1.csv"
    assert f"  in two files: 3\n    {first}\n" in str(build.report)
    assert set(kept_plays(build)["file"]) == {f"tracking_week_{week}.csv" for week in (1, 2, 3)}


def test_a_play_that_one_file_spoils_is_kept_from_the_other(source, plays, tmp_path):
    twice = shutil.copytree(source, tmp_path / "twice")
    rows = pl.read_csv(twice / "tracking_week_1.csv", infer_schema=False)
    rows.filter(pl.col("playId") == "50").write_csv(twice / "tracking_week_9.csv")
    unthrown = rows.with_columns(
        event=pl.when((pl.col("event") == "ball_snap") | (pl.col("playId") != "50")).then("event")
    )
    unthrown.write_csv(twice / "tracking_week_1.csv", null_value="NA")
    build = build_parts(twice, tmp_path / "work", progress=False)
    assert adds_up(build)
    assert build.report.kept == len(plays)
    (dropped,) = build.report.dropped
    assert (dropped.reason, dropped.count) == ("no throw after the snap", 2)


def test_plays_without_tracking_are_told(source, plays, tmp_path):
    fewer = shutil.copytree(source, tmp_path / "fewer")
    (fewer / "tracking_week_2.csv").unlink()
    build = build_parts(fewer, tmp_path / "work", progress=False)
    assert adds_up(build)
    (dropped,) = build.report.dropped
    assert (dropped.reason, dropped.count) == ("no tracking", 6)
    assert {each.file for each in dropped.examples} == {""}


def test_a_file_of_which_nothing_is_kept(plays, tmp_path):
    folder = write_weeks(tmp_path / "season", moved(plays, 2, frames=101))
    build = build_parts(folder, tmp_path / "work", progress=False)
    assert adds_up(build)
    (dropped,) = build.report.dropped
    assert (dropped.reason, dropped.count) == ("too many frames", 6)
    assert [len(kept) for kept in build.kept] == [6, 0, 6]
    assert build_parts(folder, tmp_path / "work", progress=False).report.from_cache == 3


def test_missing_values_and_repairs_are_counted(plays, tmp_path):
    def repeat(table):
        return pl.concat([table, table.filter(pl.col("frameId") == 6).head(7)])

    folder = write_weeks(
        tmp_path / "season",
        plays,
        edit={
            "tracking": repeat,
            "plays": lambda table: table.with_columns(
                gameClock=pl.when(pl.col("playId") != 70).then("gameClock")
            ),
        },
    )
    report = build_parts(folder, tmp_path / "work", progress=False).report
    assert report.missing == {"clock_seconds": 6}
    assert report.problems == {"repeated rows merged": 21}
    assert "missing values: clock_seconds 6" in str(report)
    assert "  21 repeated rows merged" in str(report)


def test_nothing_kept_is_an_error_with_the_reasons(source, plays, tmp_path):
    config = BuildConfig(ReadConfig(min_frames=98, max_frames=99))
    with pytest.raises(BuildError, match=r"not one play of 18 is kept \(too few frames: 18\)"):
        build_parts(source, tmp_path / "work", config, progress=False)


def test_a_truncated_file_is_named_and_the_others_are_kept(plays, tmp_path):
    folder = write_weeks(tmp_path / "season", plays, suffix=".csv.gz")
    broken = folder / "tracking_week_2.csv.gz"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrackingFileError, match=r"tracking_week_2\.csv\.gz.*truncated"):
        build_parts(folder, tmp_path / "work", progress=False)
    assert not list((tmp_path / "work").glob(".unfinished*"))
    broken.write_bytes(whole)
    report = build_parts(folder, tmp_path / "work", progress=False).report
    assert report.from_cache >= 1
    assert report.kept == len(plays)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NoTrackingError, match="nowhere"):
        build_parts(tmp_path / "nowhere", tmp_path / "work", progress=False)


def test_a_work_folder_that_cannot_be_written_is_named(source, tmp_path):
    (tmp_path / "work").write_text("a file")
    with pytest.raises(BuildError, match=r"work: cannot be used .*; give another folder"):
        build_parts(source, tmp_path / "work", progress=False)


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: (part / "values.npy").write_bytes(b"half"),
        lambda part: (part / "offsets.npy").unlink(),
        lambda part: (part / "account.json").write_text("{"),
        lambda part: (part / "account.json").write_text("[]"),
    ],
    ids=["cut", "gone", "no account", "another account"],
)
def test_a_damaged_part_is_made_again(source, built, tmp_path, damage):
    work = shutil.copytree(built[0], tmp_path / "work")
    damage(work / built[1].folders[1].name)
    again = build_parts(source, work, progress=False)
    assert again.report.from_cache == 2
    assert again.report.fingerprint == built[1].report.fingerprint
    assert contents(again) == contents(built[1])


def test_a_value_beyond_float16_is_refused(source, tmp_path, monkeypatch):
    def far(frames):
        features = sequence_features(frames)
        features.values[features.offsets[1], 1] = 7e4
        return features

    monkeypatch.setattr(part_files, "sequence_features", far)
    with pytest.raises(
        BuildError,
        match=r"tracking_week_1\.csv: game 2022090800, play 70: passer_y: .* got 70000",
    ):
        build_parts(source, tmp_path, progress=False)
    assert not list(tmp_path.glob("*/"))


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from sbp_jax.nfl.tracking.build import build_parts
work, save = Path(sys.argv[2]), np.save
def dying(path, array):
    save(path, array)
    if path.name == "values.npy" and list(work.glob("tracking*")):  # another part is whole
        os.kill(os.getpid(), signal.SIGKILL)
np.save = dying
build_parts(Path(sys.argv[1]), work, progress=False)
"""


def test_a_killed_build_goes_on_where_it_was(source, built, tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, source, tmp_path], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    whole = list(tmp_path.glob("tracking*"))
    unfinished = list(tmp_path.glob(".unfinished*"))
    assert 1 <= len(whole) < 3
    assert any((folder / "values.npy").exists() for folder in unfinished)
    build = build_parts(source, tmp_path, progress=False)
    assert build.report.from_cache == len(whole)
    assert build.report.fingerprint == built[1].report.fingerprint
    assert contents(build) == contents(built[1])
    assert not list(tmp_path.glob(".unfinished*"))


def test_large_files_are_read_one_by_one(source, built, tmp_path, monkeypatch):
    reading = []

    def watched(folder, file, config):
        reading.append(file)
        try:
            most.append(len(reading))
            time.sleep(0.05)
            return read_tracking_file(folder, file, config)
        finally:
            reading.remove(file)

    monkeypatch.setattr(building, "read_tracking_file", watched)
    for together, expected in ((10**7, 2), (10**5, 1)):
        most = []
        monkeypatch.setattr(building, "TOGETHER_BYTES", together)
        build = build_parts(source, tmp_path / str(expected), progress=False)
        assert max(most) == expected
        assert build.report.fingerprint == built[1].report.fingerprint


def test_files_that_were_not_begun_stay_so_after_an_error(source, tmp_path, monkeypatch):
    begun = []

    def broken(folder, file, config):
        if begun:
            time.sleep(0.2)  # while the first error is told
        begun.append(file)
        raise TrackingFileError(f"{file.name}: broken")

    monkeypatch.setattr(building, "read_tracking_file", broken)
    monkeypatch.setattr(building, "TOGETHER_BYTES", 0)
    with pytest.raises(TrackingFileError, match=r"tracking_week_1\.csv: broken"):
        build_parts(source, tmp_path, progress=False)
    assert len(begun) < 3


TOGETHER = """
import sys
from pathlib import Path
from sbp_jax.nfl.tracking.build import build_parts
print(build_parts(Path(sys.argv[1]), Path(sys.argv[2]), progress=False).report.from_cache)
"""


def test_two_builds_at_once_share_the_work(source, tmp_path):
    command = [sys.executable, "-c", TOGETHER, source, tmp_path]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    assert sorted(int(each.communicate()[0]) for each in both) == [0, 3]
    assert [each.returncode for each in both] == [0, 0]


def test_the_real_plays(shared_data, tmp_path):
    build = build_parts(shared_data / "ngs_highlights", tmp_path, progress=False)
    assert adds_up(build)
    report = build.report
    assert (report.layout, report.files, report.seen) == ("2021", 42, 308)
    told = pl.read_csv(
        shared_data / "ngs_highlights" / "plays_extra.csv.gz", infer_schema_length=None
    )
    lengths = kept_plays(build).join(
        told, left_on=["game_id", "play_id"], right_on=["gameId", "playId"], how="left"
    )["framesSnapToThrow"]
    # The table counts steps from the snap to the throw, so one fewer than frames.
    assert (report.lengths.min, report.lengths.max) == (lengths.min() + 1, lengths.max() + 1)
    for folder in build.folders:
        assert np.isfinite(open_part(folder).values).all()
