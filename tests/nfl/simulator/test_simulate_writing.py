"""A simulated season is the same whoever writes it, and there whole or not at all."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from sbp_jax.nfl.errors import BuildError, TrackingError
from sbp_jax.nfl.simulator import simulate
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.simulate import simulate_season
from sbp_jax.nfl.simulator.week import WeekJob
from sbp_jax.runs.child_processes import run_jobs

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "simulate_tracking.py"
CONFIG = SimulateConfig(plays=45, weeks=2, seed=3)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seasons") / "season"
    simulate_season(folder, CONFIG, workers=1, progress=False)
    return folder


def test_two_processes_write_the_same_bytes_as_one(season, tmp_path):
    simulate_season(tmp_path / "again", CONFIG, workers=2, progress=False)
    assert contents(tmp_path / "again") == contents(season)
    assert [file.name for file in tmp_path.iterdir()] == ["again"]


def test_another_seed_makes_another_season(season, tmp_path):
    other = SimulateConfig(plays=45, weeks=2, seed=4)
    simulate_season(tmp_path / "other", other, workers=1, progress=False)
    first, second = contents(season), contents(tmp_path / "other")
    assert [name for name in first if first[name] == second[name]] == []


def test_compressed_files_hold_the_same_text(season, tmp_path):
    config = SimulateConfig(plays=45, weeks=2, seed=3, compression="gzip")
    for name in ("a", "b"):
        simulate_season(tmp_path / name, config, workers=1, progress=False)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    for week in (1, 2):
        zipped = (tmp_path / "a" / f"tracking_week_{week}.csv.gz").read_bytes()
        text = (season / f"tracking_week_{week}.csv").read_bytes()
        assert gzip.decompress(zipped) == text
        assert len(zipped) < len(text) / 3
    assert not list((tmp_path / "a").glob("*.csv.gz.csv"))


def test_no_frames_but_those_from_snap_to_throw_if_asked(tmp_path):
    config = SimulateConfig(
        plays=30,
        weeks=1,
        seconds_before_snap=0,
        seconds_after_throw=0,
        run_share=0,
        sack_share=0,
        spike_share=0,
    )
    simulate_season(tmp_path / "season", config, workers=1, progress=False)
    rows = pl.read_csv(
        tmp_path / "season" / "tracking_week_1.csv", null_values="NA", infer_schema_length=None
    )
    plays = pl.read_csv(
        tmp_path / "season" / "plays.csv", null_values="NA", infer_schema_length=None
    )
    ball = rows.filter(pl.col("nflId").is_null()).group_by("gameId", "playId")
    ends = ball.agg(
        pl.col("event").first().alias("first"),
        pl.col("event").last().alias("last"),
        pl.len().alias("frames"),
    ).join(plays, on=["gameId", "playId"])
    assert ends.height == 30
    assert ends["first"].unique().to_list() == ["ball_snap"]
    assert set(ends["last"]) <= {"pass_forward", "autoevent_passforward"}
    assert ends["frames"].equals((10 * ends["timeToThrow"] + 1).round().cast(pl.UInt32))
    assert "BEFORE_SNAP" not in set(rows["frameType"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_goes_wrong_leaves_nothing(tmp_path, monkeypatch, error):
    def one_week_and_no_more(jobs, workers, on_plays, error_kind):
        jobs[0].run(on_plays)
        assert list(tmp_path.rglob("tracking_week_1.csv"))
        raise error

    monkeypatch.setattr(simulate, "run_jobs", one_week_and_no_more)
    with pytest.raises(error):
        simulate_season(tmp_path / "season", CONFIG, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_simulation_leaves_no_season(tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            SCRIPT,
            "--out",
            tmp_path / "season",
            "--plays",
            "20000",
            "--workers",
            "1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob("tracking_week_1.csv")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
    assert not (tmp_path / "season").exists()
    (left,) = tmp_path.iterdir()

    # Its remains go once they are old; another's who is still at work stay.
    os.utime(left, (0, 0))
    at_work = tmp_path / ".unfinished-at-work"
    at_work.mkdir()
    simulate_season(tmp_path / "season", CONFIG, workers=1, progress=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == [at_work.name, "season"]


def test_a_process_that_dies_is_named(tmp_path):
    jobs = [WeekJob(tmp_path / "absent", CONFIG, week) for week in (1, 2)]
    with pytest.raises(TrackingError, match=r"(?s)simulated week [12] ended with 1:.*absent"):
        run_jobs(jobs, 2, lambda plays: None, TrackingError)


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BuildError, match=f"{tmp_path}: expected a new or an empty folder"):
        simulate_season(tmp_path, CONFIG, progress=False)
    with pytest.raises(BuildError, match=r"notes\.txt: expected a new or an empty folder"):
        simulate_season(tmp_path / "notes.txt", CONFIG, progress=False)
    with pytest.raises(BuildError, match=r"season: cannot be written"):
        simulate_season(tmp_path / "notes.txt" / "season", CONFIG, progress=False)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]


def test_an_empty_folder_is_filled(season, tmp_path):
    simulate_season(tmp_path, CONFIG, workers=1, progress=False)
    assert contents(tmp_path).keys() == contents(season).keys()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("plays", 8, "plays: expected 9 to 403200 in 9 weeks, got 8"),
        ("plays", 500_000, "plays: expected 9 to 403200 in 9 weeks, got 500000"),
        ("weeks", 0, "weeks: expected a whole number in [1, 22], got 0"),
        ("seed", -1, "seed: expected a whole number >= 0, got -1"),
        (
            "seconds_before_snap",
            -0.1,
            "seconds_before_snap: expected a number in [0, 10], got -0.1",
        ),
        ("seconds_after_throw", 11, "seconds_after_throw: expected a number in [0, 10], got 11"),
        (
            "seconds_after_throw",
            float("nan"),
            "seconds_after_throw: expected a number in [0, 10], got nan",
        ),
        ("run_share", 1.5, "run_share: expected a number in [0, 1], got 1.5"),
        ("compression", "zip", "compression: expected one of ('none', 'gzip'), got 'zip'"),
    ],
)
def test_what_cannot_be_simulated_is_refused(field, value, expected):
    with pytest.raises(TrackingError) as error:
        SimulateConfig(**{field: value})
    assert str(error.value) == expected


def test_the_script_writes_and_explains_itself(tmp_path):
    def run(*args):
        return subprocess.run(
            [sys.executable, SCRIPT, "--out", tmp_path / "season", *args],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )

    done = run("--plays", "20", "--weeks", "1", "--seed", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "season: 20 passes of 22 plays, " in done.stdout
    again = run("--plays", "20", "--weeks", "1")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("error: ")
    assert len(again.stderr.splitlines()) == 1
