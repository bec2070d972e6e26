"""Stale copies: the feed sometimes keeps a play beside the corrected entry of the same play."""

from collections.abc import Sequence

from sbp_jax.nfl.plays.game import Play
from sbp_jax.nfl.plays.kinds import SCRIMMAGE
from sbp_jax.nfl.plays.text import opening

SAME_SNAP_SECONDS = 1
"""A correction may move the clock by this much."""


def drop_stale(plays: Sequence[Play]) -> list[Play]:
    """Keep one entry of each play, in the order given.

    Two entries are of one play when clock, situation, kind, players and yards agree. Where the
    yards differ nothing tells which is right, and both are kept. Of two, the fuller sentence is
    the corrected one; of two as full, the one entered later.
    """
    kept: dict[object, Play] = {}
    stale: set[int] = set()
    for play in plays:
        if play.clock_seconds is None:
            continue
        key = _same_play(play)
        rival, best = kept.get(key), play
        if rival is not None and _seconds_apart(rival, play) <= SAME_SNAP_SECONDS:
            loser, best = sorted((rival, play), key=_fullness)
            stale.add(loser.play_id)
        kept[key] = best
    return [play for play in plays if play.play_id not in stale]


def _same_play(play: Play) -> object:
    """What two entries of one play share."""
    return (
        play.quarter,
        play.offense,
        play.down,
        play.yards_to_go,
        play.yardline,
        play.kind,
        play.passer_id,
        play.receiver_id,
        play.rusher_id,
        play.complete,
        play.yards,
        play.penalized,
        # A kick names nobody above, and two may follow one another with the clock stopped.
        None if play.kind in SCRIMMAGE or play.penalized else opening(play.description),
    )


def _fullness(play: Play) -> tuple[int, int]:
    return sum(map(str.isalpha, play.description)), play.play_id


def _seconds_apart(one: Play, other: Play) -> int:
    return abs((one.clock_seconds or 0) - (other.clock_seconds or 0))
