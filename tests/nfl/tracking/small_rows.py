"""The tracking rows of small plays, in the layout of each source."""

from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import polars as pl

from .small_play import (
    FIELD_WIDTH,
    HOME,
    LINEMEN,
    PASSER,
    PLAYERS,
    RUSHERS,
    TARGET,
    SmallPlay,
    nfl_id,
)


def tracking(layout: str, plays: Iterable[SmallPlay]) -> pl.DataFrame:
    """The tracking rows, ordered by play, player and time as in real files."""
    make = {"2021": _rows_2021, "2023": _rows_2023, "2025": _rows_2025, "2026": _rows_2026}[layout]
    return pl.concat([make(play, raw_rows(play)) for play in plays])


def raw_rows(play: SmallPlay) -> pl.DataFrame:
    """Rows of 22 players and the ball in the coordinates of the files, all columns of any source.

    ``player`` is a row of `PLAYERS`, 22 for the ball.
    """
    ticks = play.ticks()
    motion = play.expected(ticks)
    x, y = (np.column_stack([motion[name], motion[name][:, PASSER]]) for name in ("x", "y"))
    speed = np.column_stack([motion["speed"], motion["speed"][:, PASSER]])
    sign = 1 if play.right else -1
    turn = 0 if play.right else 180
    degrees = {
        raw: np.column_stack([(90 - np.rad2deg(motion[name]) + turn) % 360, np.full(len(x), None)])
        for raw, name in (("o", "orientation"), ("dir", "direction"))
    }
    frames, players = len(ticks), len(PLAYERS) + 1
    times = [play.start + timedelta(milliseconds=100 * int(tick)) for tick in ticks]
    events = ["ball_snap" if t == 0 else "pass_forward" if t == play.frames - 1 else None
              for t in ticks]  # fmt: skip
    columns = {
        "player": np.repeat(np.arange(players), frames),
        "tick": np.tile(ticks, players),
        "frame": np.tile(np.arange(1, frames + 1), players),
        "x": (play.line + sign * x).T.ravel(),
        "y": (FIELD_WIDTH / 2 + sign * y).T.ravel(),
        "s": speed.T.ravel(),
        "a": np.zeros(frames * players),
        "dis": (0.1 * speed).T.ravel(),
        **{name: pl.Series(value.T.ravel().tolist(), dtype=pl.Float64)
           for name, value in degrees.items()},
        "time": pl.Series(times * players, dtype=pl.Datetime("ms")),
        "event": pl.Series(events * players, dtype=pl.String),
    }  # fmt: skip
    roster = pl.DataFrame(
        {
            "player": range(players),
            "nflId": [*map(nfl_id, range(len(PLAYERS))), None],
            "displayName": [*(each[1] for each in PLAYERS), "football"],
            "position": [*(each[0] for each in PLAYERS), None],
            "side": ["offense"] * 11 + ["defense"] * 11 + ["football"],
        }
    )
    return pl.DataFrame(columns).join(roster, on="player", maintain_order="left")


def _keyed(play: SmallPlay, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        gameId=pl.lit(play.game_id),
        playId=pl.lit(play.play_id),
        playDirection=pl.lit("right" if play.right else "left"),
        frameId="frame",
        jerseyNumber=pl.when(pl.col("player") < len(PLAYERS)).then(pl.col("player") + 1),
        teamAbbr=pl.col("side").replace({"offense": play.offense, "defense": play.defense}),
    )


def _rows_2021(play: SmallPlay, rows: pl.DataFrame) -> pl.DataFrame:
    home = play.offense == HOME
    sides = {"offense": "home" if home else "away", "defense": "away" if home else "home"}
    return _keyed(play, rows).select(
        pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        *("x", "y", "s", "a", "dis", "o", "dir"),
        pl.col("event").fill_null("None"),
        pl.col("nflId").cast(pl.Float64),
        "displayName",
        pl.col("jerseyNumber").cast(pl.Float64),
        "position",
        "frameId",
        pl.col("side").replace(sides).alias("team"),
        "gameId",
        "playId",
        "playDirection",
        route=pl.lit(None, pl.String),
    )


def _rows_2023(play: SmallPlay, rows: pl.DataFrame) -> pl.DataFrame:
    return _keyed(play, rows).select(
        *("gameId", "playId", "nflId", "frameId"),
        pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.3f"),
        "jerseyNumber",
        pl.col("teamAbbr").alias("team"),
        *("playDirection", "x", "y", "s", "a", "dis", "o", "dir", "event"),
    )


def _rows_2025(play: SmallPlay, rows: pl.DataFrame) -> pl.DataFrame:
    tick = pl.col("tick")
    kind = pl.when(tick < 0).then(pl.lit("BEFORE_SNAP")).when(tick == 0).then(pl.lit("SNAP"))
    # Whole seconds are written without a fraction.
    time = pl.col("time").dt.strftime("%Y-%m-%d %H:%M:%S%.6f").str.replace(r"\.000000$", "")
    return _keyed(play, rows).select(
        *("gameId", "playId", "nflId", "displayName", "frameId"),
        kind.otherwise(pl.lit("AFTER_SNAP")).alias("frameType"),
        time,
        "jerseyNumber",
        pl.col("teamAbbr").alias("club"),
        *("playDirection", "x", "y", "s", "a", "dis", "o", "dir", "event"),
    )


ROLES_2026 = {PASSER: "Passer", TARGET: "Targeted Receiver"}


def _rows_2026(play: SmallPlay, rows: pl.DataFrame) -> pl.DataFrame:
    """Snap to release, without linemen, rushers and the ball."""
    window = rows.filter(
        pl.col("tick").is_between(0, play.frames - 1)
        & ~pl.col("position").is_in([*LINEMEN, *RUSHERS]).fill_null(True)
    )
    usual = pl.col("side").replace(
        {"offense": "Other Route Runner", "defense": "Defensive Coverage"}
    )
    return window.select(
        game_id=pl.lit(play.game_id),
        play_id=pl.lit(play.play_id),
        player_to_predict=pl.lit(False),
        nfl_id="nflId",
        frame_id=pl.col("tick") + 1,
        play_direction=pl.lit("right" if play.right else "left"),
        absolute_yardline_number=pl.lit(play.line),
        player_name="displayName",
        player_height=pl.lit("6-1"),
        player_weight=pl.lit(210),
        player_birth_date=pl.lit("1995-09-17"),
        player_position="position",
        player_side=pl.col("side").replace({"offense": "Offense", "defense": "Defense"}),
        player_role=pl.col("player").replace_strict(ROLES_2026, default=usual),
        x="x",
        y="y",
        s="s",
        a="a",
        dir="dir",
        o="o",
        num_frames_output=pl.lit(10),
        ball_land_x=pl.lit(60.0),
        ball_land_y=pl.lit(20.0),
    )
