"""The score before each play, from the summary of scoring plays.

The summary names the play of each score. The points after a touchdown stand, in brackets, in the
touchdown's own line; they count once the try has been played.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sbp_jax.nfl.plays.game import Play
from sbp_jax.nfl.plays.kinds import TRIES
from sbp_jax.nfl.plays.teams import team

POINTS = {"TD": 6, "FG": 3, "SAF": 2, None: 2}
"""Points by type of score; a defence's two points off a failed try come without a type."""

BRACKET = re.compile(r"\(([^()]*)\)")


class ScoringPlay(NamedTuple):
    """A play that scores: its id, the team, its points and those of the try that follows."""

    play_id: int
    team: str
    points: int
    try_points: int


def read_scoring_plays(summary: Mapping[str, Any]) -> list[ScoringPlay]:
    """The scores of a game, in the order of the file."""
    return [
        ScoringPlay(
            play_id=int(play_id),
            team=team(entry["team"]),
            points=POINTS[entry["type"]],
            try_points=try_points(entry["desc"]) if entry["type"] == "TD" else 0,
        )
        for play_id, entry in summary.items()
    ]


def try_points(description: str) -> int:
    """Points of the try after a touchdown.

    >>> [try_points(f"R.Moss 9 yd. run ({what}) Drive: 3 plays")
    ...  for what in ("A.Vinatieri kick is good", "T.Brady run", "pass failed", "kick blocked")]
    [1, 2, 0, 0]
    """
    found = BRACKET.search(description)
    if found is None:
        return 0
    if found[1].endswith("kick is good"):
        return 1
    return 2 if found[1].endswith((" run", " pass")) else 0


def write_scoreboard(
    plays: Sequence[Play], scores: Sequence[ScoringPlay], final: Mapping[str, int]
) -> bool:
    """Write the score before it into each play, if the summary adds up to the final score.

    Args:
        plays: the plays of a game in order, changed in place.
        scores: its scores.
        final: points of each of the two teams at the end.

    Returns:
        Whether it added up. If not, the scores of all plays stay None: which of them would be
        wrong cannot be told.
    """
    if _totals(scores) != {name: points for name, points in final.items() if points}:
        return False
    at_play = {score.play_id: score for score in scores}
    # A score whose play the feed lacks counts from the first play with a later id.
    lost = sorted(at_play.keys() - {play.play_id for play in plays}, reverse=True)
    now = dict.fromkeys(final, 0)
    open_try: ScoringPlay | None = None
    for play in plays:
        while lost and lost[-1] < play.play_id:
            score = at_play[lost.pop()]
            now[score.team] += score.points + score.try_points
        is_try = play.kind in TRIES
        # A penalty before the try leaves it open; any other play means that it is over.
        if open_try is not None and not is_try and play.kind != "no_play":
            now[open_try.team] += open_try.try_points
            open_try = None
        play.offense_score, play.defense_score = now[play.offense], now[play.defense]
        play.score_diff = play.offense_score - play.defense_score
        if open_try is not None and is_try:
            now[open_try.team] += open_try.try_points
            open_try = None
        if play.play_id in at_play:
            score = at_play[play.play_id]
            now[score.team] += score.points
            open_try = score if score.try_points else None
    return True


def _totals(scores: Sequence[ScoringPlay]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for score in scores:
        totals[score.team] = totals.get(score.team, 0) + score.points + score.try_points
    return totals
