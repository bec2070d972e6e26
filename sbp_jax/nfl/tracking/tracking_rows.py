"""The rows of a tracking file that can matter, read as a stream.

A week of tracking is close to a gigabyte of text. Of that only plays from the tables are kept,
and of a row only numbers and codes, so that memory stays near the size of what is kept.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from sbp_jax.nfl.tracking.columns import errors_of, milliseconds, refuse_bad_values, scan_columns
from sbp_jax.nfl.tracking.duties import duty_of
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND
from sbp_jax.nfl.tracking.sources import BALL_TEAM, EVENTS, Source

MS_PER_FRAME: Final = 1000 // FRAMES_PER_SECOND
OFFENSE: Final = 0
DEFENSE: Final = 1
BALL: Final = 2

_KEYS: Final = ("game_id", "play_id", "frame")
_SNAPS: Final = [name for name, event in EVENTS.items() if "SNAP" in event.name]
_CODES: Final[Mapping[str, int]] = {name: event.value for name, event in EVENTS.items()}
_NO_SIDE: Final = 3


class TrackingRows(NamedTuple):
    """Rows of a tracking file.

    Attributes:
        rows: of candidate plays: play (row of the candidates), nfl_id, frame, ms (of the time or
            the frame), side (`OFFENSE`, `DEFENSE`, `BALL`, or another for neither), right
            (whether the offence attacks towards +x), x, y, speed, orientation, direction as in
            the file, event (`Event` or 0); where the tracking has them name, position, duty, line.
        strangers: game_id, play_id of plays that the candidates lack.
    """

    rows: pl.DataFrame
    strangers: pl.DataFrame


def read_rows(path: Path, source: Source, plays: pl.DataFrame) -> TrackingRows:
    """Read the rows of the candidate plays.

    Args:
        path: a tracking file of the source.
        source: its schema.
        plays: the candidates, with game_id, play_id, offense_team, defense_team.

    Raises:
        LayoutError: a column is missing.
        TrackingFileError: the file cannot be read or holds a bad value.
    """
    file, values = scan_columns(path, source.tracking)
    no_key = pl.any_horizontal(pl.col(_KEYS).is_null())
    known = pl.col("play").is_not_null()
    rows = (
        file.with_columns(values[name] for name in _KEYS)
        .with_columns(play=_number_of_play(plays))
        .filter(known | _opens_play(source) | no_key)
        .select(_kept_columns(source, values, plays))
    )
    with errors_of(path, source.tracking):
        frame = rows.collect(engine="streaming")
        if "time" in source.tracking:
            frame = frame.with_columns(milliseconds(frame["ms"]).alias("ms"))
    if frame.select(no_key.any()).item():
        refuse_bad_values(path, source.tracking, never_missing=_KEYS)
    strangers = frame.filter(~known).select("game_id", "play_id").unique()
    frame = frame.drop("game_id", "play_id")
    return TrackingRows(frame.filter(known) if strangers.height else frame, strangers)


def _number_of_play(plays: pl.DataFrame) -> pl.Expr:
    """Row of a play among the candidates, null if it is none of them.

    A lookup of one number takes half the time of a join on both ids.
    """
    game, play = pl.col("game_id"), pl.col("play_id")
    span = (plays["play_id"].max() or 0) + 1  # type: ignore[operator]
    keys = plays["game_id"] * span + plays["play_id"]
    numbers = pl.Series(range(plays.height), dtype=pl.Int64)
    # An id beyond the span would wrap round into the next game.
    key = pl.when(play.is_between(0, span - 1)).then(game * span + play)
    return key.replace_strict(keys, numbers, default=None)


def _opens_play(source: Source) -> pl.Expr:
    """Rows that every play has few of: they tell which plays are in the file."""
    if "event" in source.tracking:
        return pl.col("event").is_in(_SNAPS)
    return pl.col("frame") == 1


def _kept_columns(
    source: Source, values: Mapping[str, pl.Expr], plays: pl.DataFrame
) -> list[pl.Expr]:
    team, towards = pl.col("team"), pl.col("towards")
    side = (
        pl.when(team == _of_play(plays["offense_team"]))
        .then(OFFENSE)
        .when(team == _of_play(plays["defense_team"]))
        .then(DEFENSE)
        .when(team == BALL_TEAM)
        .then(BALL)
        .otherwise(_NO_SIDE)
    )
    event = pl.lit(0)
    if "event" in values:
        event = pl.col("event").replace_strict(_CODES, default=0)
    kept = [
        *(pl.col(name) for name in (*_KEYS, "play")),
        *(values[name] for name in ("nfl_id", "x", "y", "speed", "orientation", "direction")),
        values.get("time", pl.col("frame") * MS_PER_FRAME).alias("ms"),
        side.cast(pl.Int8).alias("side"),
        pl.when(towards.is_in(["right", "left"])).then(towards == "right").alias("right"),
        event.cast(pl.Int8).alias("event"),
        *(values[name] for name in ("name", "position", "line") if name in values),
    ]
    if not source.duties.table:
        kept.append(duty_of(source.duties.rules).alias("duty"))
    return kept


def _of_play(values: pl.Series) -> pl.Expr:
    """The value of each row's play."""
    return pl.lit(values).gather(pl.col("play"))
