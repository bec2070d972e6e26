"""What the statistics of a play say came of it."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

from sbp_jax.nfl.plays import stats
from sbp_jax.nfl.plays.game import Play
from sbp_jax.nfl.plays.kinds import PASSES, SCRIMMAGE
from sbp_jax.nfl.plays.teams import team
from sbp_jax.nfl.plays.text import final_ruling, throw

NOBODY = "0"
"""What stands for a player where a statistic is the team's, or nobody was identified."""


class Line(NamedTuple):
    """One statistic: whose, of which club, which id (see `sbp_jax.nfl.plays.stats`), yards."""

    player: str
    name: str | None
    club: str
    stat: int
    yards: int


def read_lines(players: Mapping[str, Any]) -> list[Line]:
    """The statistics of a play, in the order in which they were entered."""
    entered = [
        (entry["sequence"], player, entry)
        for player, entries in players.items()
        for entry in entries
    ]
    entered.sort(key=lambda item: item[0])
    return [
        Line(
            player,
            entry["playerName"],
            team(entry["clubcode"]),
            int(entry["statId"]),
            int(entry["yards"] or 0),
        )
        for _, player, entry in entered
    ]


def write_outcome(play: Play, lines: Sequence[Line], ids: Set[int]) -> None:
    """Fill in what came of a play, whose kind is known.

    Args:
        play: the play, changed in place.
        lines: its statistics.
        ids: their ids.
    """
    own = {line.stat for line in lines if line.club == play.offense}
    play.touchdown = bool(own & stats.OFFENSE_TOUCHDOWN)
    play.first_down = bool(ids & stats.FIRST_DOWN)
    play.fumble_lost = stats.FUMBLE_LOST in ids
    play.turnover = stats.INTERCEPTED in ids or stats.FUMBLE_LOST in own
    penalties = [line for line in lines if line.stat == stats.PENALTY]
    if penalties:
        play.penalty = True
        play.penalized = tuple(line.player for line in penalties)
        play.penalty_yards = sum(
            -line.yards if line.club == play.offense else line.yards for line in penalties
        )
    if play.kind in PASSES:
        _write_pass(play, lines, ids)
    elif play.kind in SCRIMMAGE:
        _write_run_or_sack(play, lines)


def _write_pass(play: Play, lines: Sequence[Line], ids: Set[int]) -> None:
    ruling = final_ruling(play.description)
    attempt = _attempt(lines, ruling)
    play.passer_id, play.passer_name = attempt.player, attempt.name
    play.spike = play.kind == "spike"
    play.complete = attempt.stat in {stats.COMPLETE, stats.PASS_TOUCHDOWN}
    play.pass_touchdown = attempt.stat == stats.PASS_TOUCHDOWN
    play.interception = stats.INTERCEPTED in ids
    play.interception_touchdown = bool(ids & stats.RETURNED_TOUCHDOWN)
    play.lateral = bool(ids & stats.CAUGHT_LATERAL)
    play.first_down = stats.FIRST_DOWN_PASS in ids
    play.yards = attempt.yards if play.complete else 0
    play.air_yards = _air_yards(lines, attempt)
    play.pass_depth, play.pass_location = throw(play.description)
    play.targeted = any(line.stat == stats.TARGET and line.player != NOBODY for line in lines)
    receiver = _receiver(lines, ruling)
    if receiver is not None:
        play.receiver_id, play.receiver_name = receiver.player, receiver.name
    if play.complete:
        own = [line for line in lines if line.player == play.receiver_id]
        play.yards_after_catch = _total(own, {stats.YARDS_AFTER_CATCH})
    if play.interception:
        play.interception_return_yards = _total(lines, stats.RETURNED)


def _attempt(lines: Sequence[Line], ruling: str) -> Line:
    """The passer's line; of several, left by a corrected entry, the one the sentence bears out."""
    attempts = [line for line in lines if line.stat in stats.PASS_ATTEMPT]
    if len(attempts) == 1:
        return attempts[0]
    failed = "incomplete" in ruling or "INTERCEPTED" in ruling
    agreeing = [line for line in attempts if (line.stat in stats.PASS_FAILED) == failed] or attempts
    return next((line for line in agreeing if f"{line.name} pass" in ruling), agreeing[0])


def _receiver(lines: Sequence[Line], ruling: str) -> Line | None:
    """The catcher, else the target; of several the one the sentence names."""
    for group in (stats.CAUGHT, stats.TARGETED):
        found = [line for line in lines if line.stat in group and line.player != NOBODY]
        if found:
            return next((line for line in found if line.name and line.name in ruling), found[-1])
    return None


def _air_yards(lines: Sequence[Line], attempt: Line) -> int | None:
    """Yards through the air; of several lines, one that agrees with the outcome and the passer."""
    found = [line for line in lines if line.stat in stats.AIR_YARDS]
    if not found:
        return None
    wanted = (
        stats.AIR_YARDS_INCOMPLETE
        if attempt.stat in stats.PASS_FAILED
        else stats.AIR_YARDS_COMPLETE
    )
    # max keeps the first of equals.
    return max(found, key=lambda line: (line.stat == wanted, line.player == attempt.player)).yards


def _write_run_or_sack(play: Play, lines: Sequence[Line]) -> None:
    if play.kind == "sack":
        play.yards = _total(lines, stats.SACKED)
        sacked = next(line for line in lines if line.stat in stats.SACKED)
        play.passer_id, play.passer_name = sacked.player, sacked.name
    else:
        play.yards = _total(lines, stats.RUSHED)
        play.rusher_id = next(line.player for line in lines if line.stat in stats.RUSHED)


def _total(lines: Sequence[Line], wanted: Set[int]) -> int | None:
    yards = [line.yards for line in lines if line.stat in wanted]
    return sum(yards) if yards else None
