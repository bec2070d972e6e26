"""The 308 real plays of ngs_highlights, against its own tables and a naive reader."""

import csv
import gzip
import math
from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.tracking.check_frames import check_frames
from sbp_jax.nfl.tracking.play_frames import PlayFrames, Role
from sbp_jax.nfl.tracking.reading import open_folder, read_tracking_file

PLAYS = 308


@pytest.fixture(scope="module")
def highlights(shared_data):
    return open_folder(shared_data / "ngs_highlights")


@pytest.fixture(scope="module")
def readings(highlights):
    return {path.name: read_tracking_file(highlights, path) for path in highlights.tracking_files}


@pytest.fixture(scope="module")
def plays(readings):
    return pl.concat(reading.plays for reading in readings.values())


@pytest.fixture(scope="module")
def extra(shared_data):
    table = pl.read_csv(shared_data / "ngs_highlights" / "plays_extra.csv.gz")
    return table.rename({"gameId": "game_id", "playId": "play_id"})


def test_every_play_is_kept(highlights, readings, plays):
    """All have a snap, a throw, an outcome and 22 players without holes: none may be dropped."""
    assert highlights.seen == PLAYS
    assert highlights.drops.is_empty()
    assert plays.height == PLAYS
    assert plays.select("game_id", "play_id").n_unique() == PLAYS
    assert all(reading.drops.is_empty() for reading in readings.values())


def test_what_had_to_be_repaired(readings):
    """Six plays repeat rows at or before the throw; nothing else is wrong up to there."""
    total = defaultdict(int)
    repeating = 0
    for reading in readings.values():
        for kind, count in reading.problems.items():
            total[kind] += count
        repeating += reading.problems["repeated rows merged"] > 0
    assert total.pop("repeated rows merged") == 6 * 22  # a frame of each of the six
    assert not any(total.values())
    assert repeating <= 6


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("snap_frame", "snapFrameId"),
        ("throw_frame", "throwFrameId"),
        ("passer_id", "passerNflId"),
        ("target_id", "targetNflId"),
        ("season", "season"),
        ("week", "week"),
    ],
)
def test_against_plays_extra(plays, extra, ours, theirs):
    """Passer and target come from the text here, from the official statistics there."""
    suffix = "_extra"
    both = plays.join(extra, on=["game_id", "play_id"], suffix=suffix)
    theirs = theirs + suffix if theirs in plays.columns else theirs
    assert both.height == PLAYS
    assert both[ours].to_list() == both[theirs].to_list()


def test_lengths(readings, extra):
    lengths = np.concatenate([np.diff(reading.frames.offsets) for reading in readings.values()])
    assert sorted(lengths - 1) == sorted(extra["framesSnapToThrow"].to_list())


def test_outcomes(plays, shared_data):
    raw = pl.read_csv(shared_data / "ngs_highlights" / "plays.csv.gz").rename(
        {"gameId": "game_id", "playId": "play_id"}
    )
    both = plays.join(raw, on=["game_id", "play_id"])
    assert both["yards_gained"].to_list() == both["offensePlayResult"].to_list()
    own = both["yardlineSide"].fill_null("") == both["possessionTeam"]
    number = both["yardlineNumber"]
    to_go = pl.select(pl.when(own).then(100 - number).otherwise(number)).to_series()
    assert both["yards_to_endzone"].to_list() == to_go.to_list()


def all_frames(readings):
    """One PlayFrames of all files."""
    frames = [reading.frames for reading in readings.values()]
    starts = np.cumsum([0, *(each.offsets[-1] for each in frames)])
    offsets = [each.offsets[1:] + start for each, start in zip(frames, starts, strict=False)]
    rest = (np.concatenate(values) for values in list(zip(*frames, strict=True))[1:])
    return PlayFrames(np.concatenate([[0], *offsets]), *rest)


def test_frames_make_sense(readings):
    frames = all_frames(readings)
    check_frames(frames)
    assert len(frames.role) == PLAYS
    assert (frames.role != Role.ABSENT).all()
    for angle in (frames.direction, frames.orientation):
        assert np.abs(angle).max() <= np.pi + 1e-6
    snap = frames.offsets[:-1]
    assert (frames.x[snap, :11] < 0).mean() > 0.97  # a receiver on the line may lean over it
    assert (frames.x[snap, 11:] > 0).mean() > 0.97
    passer = frames.role == Role.PASSER
    assert np.median(frames.x[snap][passer]) == pytest.approx(-5, abs=1)  # most are in shotgun
    # Players face each other at the snap: the offence downfield, the defence upfield.
    assert (np.cos(frames.orientation[snap, :11]) > 0).mean() > 0.9
    assert (np.cos(frames.orientation[snap, 11:]) < 0).mean() > 0.9


def test_speeds_and_directions_agree_with_positions(readings):
    frames = all_frames(readings)
    inner = np.ones(len(frames.x) - 1, bool)
    inner[frames.offsets[1:-1] - 1] = False
    dx, dy = (np.diff(value, axis=0)[inner] * 10 for value in (frames.x, frames.y))
    speed = (frames.speed[1:] + frames.speed[:-1])[inner] / 2
    fast = speed > 2
    ratio = np.hypot(dx, dy)[fast] / speed[fast]
    assert np.median(ratio) == pytest.approx(1, abs=0.02)
    assert np.quantile(np.abs(ratio - 1), 0.9) < 0.1
    turn = np.arctan2(dy, dx) - frames.direction[1:][inner]
    assert np.median(np.cos(turn[fast])) > 0.99
    assert (np.cos(turn[fast]) > 0.9).mean() > 0.97


def naive_read(path, plays):
    """Canonical x, y, direction of each play, player and frame from snap to throw, by a loop."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    by_play = defaultdict(list)
    for row in rows:
        by_play[int(row["gameId"]), int(row["playId"])].append(row)
    found = {}
    for key, rows in by_play.items():
        line, snaps, throws = plays[key], [], []
        for row in rows:
            snaps += [row["time"]] * (row["event"] in ("ball_snap", "snap_direct"))
            throws += [row["time"]] * (row["event"] in ("pass_forward", "pass_shovel"))
        snap, throw = min(snaps), max(throws)
        times = sorted({row["time"] for row in rows if snap <= row["time"] <= throw})
        for row in rows:
            if row["time"] in times and row["nflId"]:
                x, y, degrees = float(row["x"]), float(row["y"]), float(row["dir"])
                if row["playDirection"] == "left":
                    x, y, degrees, own = 120 - x, 160 / 3 - y, degrees + 180, 120 - line
                else:
                    own = line
                place = (key, int(float(row["nflId"])), times.index(row["time"]))
                angle = math.radians(90 - degrees)
                found[place] = (x - own, y - 80 / 3, math.cos(angle), math.sin(angle))
    return found


@pytest.mark.parametrize("name", ["tracking_2018_w09.csv.gz", "tracking_2019_w22.csv.gz"])
def test_against_a_naive_reader(highlights, readings, shared_data, name):
    reading, table = readings[name], highlights.plays
    keys = table.select("game_id", "play_id").rows()
    lines = dict(zip(keys, table["line"], strict=True))
    expected = naive_read(shared_data / "ngs_highlights" / name, lines)
    frames, found = reading.frames, {}
    for k, key in enumerate(reading.plays.select("game_id", "play_id").rows()):
        for row in range(frames.offsets[k], frames.offsets[k + 1]):
            for column, player in enumerate(frames.player_id[k].tolist()):
                angle = frames.direction[row, column]
                place = (key, player, row - int(frames.offsets[k]))
                found[place] = (frames.x[row, column], frames.y[row, column], np.cos(angle),
                                np.sin(angle))  # fmt: skip
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(
        np.array([found[key] for key in expected]), np.array(list(expected.values())), atol=5e-5
    )
