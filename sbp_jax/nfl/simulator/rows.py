"""Rows of the tracking files: 22 players and the ball in every frame.

Legend: K plays, N frames of all of them together, E = 23 who are tracked, R = E N rows.
"""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Complex, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.ball import EVENTS, ball_path, event_codes
from sbp_jax.nfl.simulator.chunk import Chunk
from sbp_jax.nfl.simulator.league import TEAMS, League
from sbp_jax.nfl.simulator.schedule import Games
from sbp_jax.nfl.simulator.steering import STEP
from sbp_jax.nfl.simulator.throw import as_written, compass
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND, PLAYERS

TRACKED: Final = PLAYERS + 1
"""The ball is the last of them."""

FOOTBALL: Final = "football"

_MICROSECONDS_PER_FRAME: Final = 1_000_000 // FRAMES_PER_SECOND
_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S%.6f"
_FRAME_TYPES: Final = ("BEFORE_SNAP", "SNAP", "AFTER_SNAP")


def tracking_rows(
    rng: np.random.Generator, league: League, games: Games, chunk: Chunk
) -> pl.DataFrame:
    """Rows of K plays: play after play, in each of them player after player.

    Args:
        rng: decides which tags are automatic.
        league: players.
        games: of the week.
        chunk: plays.
    """
    track, plays = chunk.track, chunk.plays
    count = np.diff(track.offsets)
    play = np.repeat(np.arange(count.size), TRACKED * count)
    within = np.arange(play.size) - TRACKED * track.offsets[play]
    who, frame = np.divmod(within, count[play])
    at = track.offsets[play] + frame  # frame over all plays
    cell = at * TRACKED + who

    names = pl.Series([*league.name, FOOTBALL])
    ids = pl.Series([*league.nfl_id.tolist(), None], dtype=pl.Int64)
    jerseys = pl.Series([*league.jersey.tolist(), None], dtype=pl.Int64)
    clubs = pl.Series([*(TEAMS[team] for team in league.team), FOOTBALL])
    ball = len(league.name)
    player = np.pad(chunk.script.lineup.player, ((0, 0), (0, 1)), constant_values=ball)[play, who]
    snap = frame - (track.snap - track.offsets[:-1])[play]
    numbers = _numbers(chunk)
    directions = np.where(plays.to_right, 0, 1)[play]
    return pl.DataFrame(
        {
            "gameId": games.game_id[plays.game][play],
            "playId": plays.play_id[play],
            "nflId": ids.gather(player),
            "displayName": names.gather(player),
            "frameId": frame + 1,
            "frameType": pl.Series(_FRAME_TYPES).gather(np.sign(snap) + 1),
            "time": _times(chunk).gather(at),
            "jerseyNumber": jerseys.gather(player),
            "club": clubs.gather(player),
            "playDirection": pl.Series(("right", "left")).gather(directions),
            **{name: pl.Series(values.ravel()[cell] / 100) for name, values in numbers.items()},
            "event": pl.Series(EVENTS, dtype=pl.String).gather(event_codes(rng, chunk)[at]),
        }
    ).with_columns(pl.when(pl.col("nflId").is_not_null()).then(pl.col("o", "dir")))


def _times(chunk: Chunk) -> pl.Series:
    """Text of the time of each frame."""
    play = chunk.track.play
    frame = np.arange(play.size) - chunk.track.snap[play]
    instant = chunk.plays.start[play] + frame * _MICROSECONDS_PER_FRAME
    return pl.Series(instant).cast(pl.Datetime("us")).dt.to_string(_TIME_FORMAT)


def _numbers(chunk: Chunk) -> dict[str, Int[NDArray, "N E"]]:
    """Numeric columns in hundredths; the ball's angles have no meaning."""
    track, plays = chunk.track, chunk.plays
    first = track.offsets[:-1]
    ball = ball_path(chunk)
    position = np.column_stack([track.position, ball])
    velocity = np.column_stack([track.velocity, _rate(ball, first)])
    play = track.play
    written = as_written(position, velocity, plays.line[play], plays.to_right[play])
    turned = np.where(plays.to_right[play], 0, np.pi)[:, None]
    looks = compass(np.column_stack([track.orientation, np.zeros(play.size)]) + turned)
    speed = np.abs(velocity)
    return {
        "x": written.x,
        "y": written.y,
        "s": written.s,
        "a": np.rint(100 * np.abs(_rate(velocity, first))).astype(np.int32),
        "dis": np.rint(100 * speed * STEP).astype(np.int32),
        "o": looks,
        "dir": written.direction,
    }


def _rate(values: Complex[NDArray, "N E"], first: Int[NDArray, " K"]) -> Complex[NDArray, "N E"]:
    """Change per second since the frame before; 0 in the first frame of a play."""
    rate = np.diff(values, axis=0, prepend=values[:1]) / STEP
    rate[first] = 0
    return rate
