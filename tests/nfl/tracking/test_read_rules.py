"""Snap and throw, repeated rows, holes, angles, and who is who, on spoilt plays."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.tracking.play_frames import Role
from sbp_jax.nfl.tracking.reading import ReadConfig

from .small_reading import assert_motion, read_only_file
from .small_season import PASSER, TARGET, TRACKING, SmallPlay, nfl_id, write_season

PLAY = SmallPlay(before=4, frames=12, after=3)
SNAP, THROW, LAST = 5, 16, 19  # frameId


def read(tmp_path, edit, *, layout="2025", plays=(PLAY,), **config):
    folder = write_season(tmp_path, layout, plays, edit={TRACKING: edit})
    return read_only_file(folder, config=ReadConfig(**config))


def tag(frames, *, only=None):
    """Put other events: from frame to name; ``only`` on the row of this player."""
    event = pl.col("frameId").replace_strict(frames, default=None, return_dtype=pl.String)
    if only is not None:
        event = pl.when(pl.col("nflId") == nfl_id(only)).then(event)
    return lambda rows: rows.with_columns(event=event)


@pytest.mark.parametrize(
    ("tags", "snap", "throw"),
    [
        ({5: "snap_direct", 16: "pass_shovel"}, 5, 16),
        ({5: "autoevent_ballsnap", 16: "autoevent_passforward"}, 5, 16),
        ({3: "autoevent_ballsnap", 5: "ball_snap", 16: "pass_forward"}, 5, 16),
        ({5: "ball_snap", 15: "pass_forward", 17: "autoevent_passforward"}, 5, 15),
        ({5: "ball_snap", 7: "ball_snap", 16: "pass_forward"}, 5, 16),
        ({5: "ball_snap", 9: "pass_forward", 15: "pass_forward"}, 5, 15),
        ({3: "pass_forward", 5: "ball_snap", 14: "autoevent_passforward"}, 5, 14),
        ({5: "ball_snap", 14: "pass_arrived", 16: "pass_forward"}, 5, 16),
    ],
)
def test_tags(tmp_path, tags, snap, throw):
    reading = read(tmp_path, tag(tags))
    assert reading.plays.select("snap_frame", "throw_frame").row(0) == (snap, throw)
    assert np.diff(reading.frames.offsets).tolist() == [throw - snap + 1]


@pytest.mark.parametrize("only", [3, 20])
def test_a_tag_on_one_row_counts(tmp_path, only):
    reading = read(tmp_path, tag({SNAP: "ball_snap", THROW: "pass_forward"}, only=only))
    assert reading.plays.height == 1
    assert_motion(reading, 0, PLAY)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({16: "pass_forward"}, "no snap"),
        ({5: "ball_snap"}, "no throw after the snap"),
        ({5: "pass_forward", 7: "ball_snap"}, "no throw after the snap"),
        ({5: "ball_snap", 11: "pass_forward"}, "too few frames"),
    ],
)
def test_plays_without_snap_or_throw(tmp_path, tags, reason):
    reading = read(tmp_path, tag(tags))
    assert reading.plays.is_empty()
    assert reading.frames.x.shape == (0, 22)
    assert reading.drops.rows() == [
        (2022090800, 56, "tracking_week_1.csv", reason, "7 frames" if "few" in reason else "")
    ]


def test_limits_of_length(tmp_path):
    plays = [SmallPlay(play_id=frames, frames=frames) for frames in (8, 9, 20, 21)]
    reading = read(tmp_path, lambda rows: rows, plays=plays, min_frames=9, max_frames=20)
    assert reading.plays["play_id"].to_list() == [9, 20]
    assert reading.drops.select("play_id", "reason", "detail").rows() == [
        (8, "too few frames", "8 frames"),
        (21, "too many frames", "21 frames"),
    ]


def test_time_counts_and_not_the_number_of_the_frame(tmp_path):
    """A player loses two frames, and from there on his own count lags behind by two."""

    def lose(rows):
        his = pl.col("nflId").eq_missing(nfl_id(7))  # the ball has no id
        rows = rows.filter(~(his & pl.col("frameId").is_in([8, 9])))
        return rows.with_columns(
            frameId=pl.col("frameId") - 2 * (his & (pl.col("frameId") > 9)).cast(int)
        )

    reading = read(tmp_path, lose)
    assert reading.plays.select("snap_frame", "throw_frame").row(0) == (SNAP, THROW)
    assert reading.problems["player's frames interpolated or held"] == 2
    assert_motion(reading, 0, PLAY)  # on a straight line interpolation is exact


def test_times_a_few_milliseconds_off(tmp_path):
    def shake(rows):
        return rows.with_columns(time=pl.col("time").str.replace("200000", "212000"))

    assert_motion(read(tmp_path, shake), 0, PLAY)


def test_repeated_rows_are_merged(tmp_path):
    """A frame with two tags is written twice in some files, once for each."""

    def repeat(rows):
        again = rows.filter(pl.col("frameId") == THROW).with_columns(event=pl.lit("pass_arrived"))
        copy = rows.filter(pl.col("frameId") == 9)
        return pl.concat([rows, again, copy, copy])

    reading = read(tmp_path, repeat)
    assert reading.problems["repeated rows merged"] == 22 * 3
    assert reading.problems["repeated rows that differ, the first kept"] == 0
    assert_motion(reading, 0, PLAY)


def test_repeated_rows_that_differ(tmp_path):
    def repeat(rows):
        other = rows.filter((pl.col("frameId") == 9) & (pl.col("nflId") == nfl_id(2)))
        return pl.concat([rows, other.with_columns(pl.col("x") + 1)])

    reading = read(tmp_path, repeat)
    assert reading.problems["repeated rows that differ, the first kept"] == 1
    assert_motion(reading, 0, PLAY)


def without(player, *frames):
    gone = (pl.col("nflId") == nfl_id(player)) & pl.col("frameId").is_in(frames)
    return lambda rows: rows.filter(~gone)


@pytest.mark.parametrize("frames", [range(8, 13), range(SNAP, SNAP + 5), range(12, LAST + 1)])
def test_short_holes_are_filled(tmp_path, frames):
    reading = read(tmp_path, without(12, *frames))
    missing = [frame - SNAP for frame in frames if frame <= THROW]
    assert reading.problems["player's frames interpolated or held"] == len(missing)
    column = reading.frames.player_id[0].tolist().index(nfl_id(12))
    expected = PLAY.expected()["x"][:, 12]
    if missing[0] == 0:
        expected[missing] = expected[missing[-1] + 1]
    elif missing[-1] == PLAY.frames - 1:
        expected[missing] = expected[missing[0] - 1]
    np.testing.assert_allclose(reading.frames.x[:, column], expected, atol=2e-5)
    others = [i for i in range(22) if i != 12]
    assert_motion(reading, 0, PLAY, others)


def test_long_holes_drop_the_play(tmp_path):
    reading = read(tmp_path, without(12, *range(8, 14)))
    detail = f"player {nfl_id(12)}, frame 8: missing for 6 frames on end"
    assert reading.drops.select("reason", "detail").rows() == [("hole in the tracking", detail)]
    again = read(tmp_path / "again", without(12, *range(8, 14)), max_hole=6)
    assert again.plays.height == 1


def test_missing_numbers_are_holes(tmp_path):
    def blank(rows):
        his = (pl.col("nflId") == nfl_id(4)) & pl.col("frameId").is_in([8, 9])
        return rows.with_columns(s=pl.when(~his).then("s"))

    reading = read(tmp_path, blank)
    assert reading.problems["player's frames interpolated or held"] == 2
    assert_motion(reading, 0, PLAY)


def angles_of(reading, player):
    column = reading.frames.player_id[0].tolist().index(nfl_id(player))
    return reading.frames.orientation[:, column], reading.frames.direction[:, column]


def test_an_angle_is_filled_the_shorter_way_round(tmp_path):
    """From 10 degrees right of upfield to 10 left of it: a turn of 20, not of 340."""

    def spin(rows):
        his, frame = pl.col("nflId") == nfl_id(18), pl.col("frameId")
        angle = pl.when(frame <= 7).then(260.0).when(frame >= 10).then(290.0)
        return rows.with_columns(o=pl.when(his).then(angle).otherwise("o"))

    reading = read(tmp_path, spin)
    orientation, _ = angles_of(reading, 18)
    degrees = np.rad2deg(orientation[2:6]) % 360
    # 260 clockwise from +y is 190 counter-clockwise from +x, 290 is 160
    np.testing.assert_allclose(degrees, [190, 180, 170, 160], atol=1e-4)
    assert reading.problems["angles interpolated or held"] == 2


@pytest.mark.parametrize(("column", "which"), [("o", 0), ("dir", 1)])
def test_an_angle_missing_throughout_is_the_other(tmp_path, column, which):
    his = pl.col("nflId") == nfl_id(3)
    reading = read(
        tmp_path, lambda rows: rows.with_columns(pl.when(~his).then(column).alias(column))
    )
    angles = angles_of(reading, 3)
    expected = PLAY.expected()[("direction", "orientation")[which]][:, 3]
    np.testing.assert_allclose(angles[which], expected, atol=1e-5)
    np.testing.assert_allclose(angles[1 - which], expected, atol=1e-5)
    assert reading.problems["angles missing, the other or 0 taken"] == PLAY.frames


def test_no_angle_at_all_is_downfield(tmp_path):
    his = pl.col("nflId") == nfl_id(3)
    reading = read(
        tmp_path,
        lambda rows: rows.with_columns(pl.when(~his).then(c).alias(c) for c in ("o", "dir")),
    )
    assert not np.any(angles_of(reading, 3))
    assert reading.problems["angles missing, the other or 0 taken"] == 2 * PLAY.frames


def test_duties_win_over_the_text_which_wins_over_the_position(tmp_path):
    """In 2025 the table names the target; with two passers there the text decides."""
    text = "(4:18) W.Wide-Out pass deep left to S.Slot for 7 yards. Lateral by Q.Passer."

    def also_dropped_back(table):
        his = pl.col("nflId") == nfl_id(2)
        return table.with_columns(hadDropback=pl.when(his).then(1).otherwise("hadDropback"))

    edit = {"player_play": also_dropped_back}
    reading = read_only_file(write_season(tmp_path, "2025", [SmallPlay(text=text)], edit=edit))
    assert reading.plays.select("passer_id", "target_id").row(0) == (nfl_id(2), nfl_id(TARGET))
    (role,), (ids,) = reading.frames.role, reading.frames.player_id
    assert role[ids.tolist().index(nfl_id(PASSER))] == Role.ELIGIBLE


def test_the_only_quarterback_passes(tmp_path):
    play = SmallPlay(text="Pass to T.Target for 7 yards. A pass to T.Target")
    reading = read(tmp_path, lambda rows: rows, layout="2021", plays=[play])
    assert reading.plays.select("passer_id", "target_id").row(0) == (nfl_id(PASSER), nfl_id(TARGET))


def test_a_linebacker_who_rushes(tmp_path):
    def rush(table):
        his = pl.col("nflId") == nfl_id(15)
        return table.with_columns(
            wasInitialPassRusher=pl.when(his).then(1).otherwise("wasInitialPassRusher")
        )

    reading = read_only_file(write_season(tmp_path, "2025", [PLAY], edit={"player_play": rush}))
    (role,), (ids,) = reading.frames.role, reading.frames.player_id
    assert role[ids.tolist().index(nfl_id(15))] == Role.RUSHER
    assert (role == Role.RUSHER).sum() == 5


def test_what_is_passed_over_is_counted(tmp_path):
    def spoil(rows):
        stranger = rows.with_columns(playId=pl.lit(999))
        nameless = rows.filter(pl.col("nflId") == nfl_id(4)).with_columns(
            nflId=pl.lit(None, pl.Int64)
        )
        timeless = rows.head(2).with_columns(time=pl.lit(None, pl.String))
        return pl.concat([rows, stranger, nameless, timeless])

    reading = read(tmp_path, spoil)
    assert reading.problems["plays that are not in the plays table"] == 1
    assert reading.problems["rows without a player's id"] == LAST
    assert reading.problems["rows without a time"] == 2
    assert_motion(reading, 0, PLAY)
