"""What kind of play it was, from its statistics first and its sentence second."""

from collections.abc import Set
from typing import Final

from sbp_jax.nfl.plays import stats

KINDS: Final = (
    "pass",
    "sack",
    "run",
    "scramble",
    "kneel",
    "spike",
    "punt",
    "kickoff",
    "field_goal",
    "extra_point",
    "two_point",
    "no_play",
    "other",
)
"""Every kind. `no_play`: only a penalty counts. `other`: the feed lost the play's statistics, or
the entry is a remark (an injury, a warning) that nothing tells from a play."""

PASSES: Final = frozenset({"pass", "spike"})
SCRIMMAGE: Final = PASSES | {"sack", "run", "scramble", "kneel"}
TRIES: Final = frozenset({"extra_point", "two_point"})
"""The attempt at one or two points after a touchdown."""

_BY_STATISTIC: Final = (
    ("sack", stats.SACKED),
    ("two_point", stats.TWO_POINT),
    ("extra_point", stats.EXTRA_POINT),
    ("field_goal", stats.FIELD_GOAL),
    ("punt", stats.PUNT),
    ("kickoff", stats.KICKOFF),
)


def is_play(ids: Set[int], yardline: str, description: str) -> bool:
    """Whether an entry of the feed is a play, not a timeout, a pause or the end of a quarter."""
    if ids - {stats.TIMEOUT}:
        return True
    return bool(yardline) and not description.startswith("Timeout")


def kind_of(ids: Set[int], description: str) -> str:
    """The kind of a play.

    Statistics decide where there are any: they are those of the final ruling, and a play wiped
    out by a penalty has none but the penalty's.

    Args:
        ids: ids of the play's statistics.
        description: the sentence.

    >>> kind_of({15, 21, 111}, "(9:01) T.Brady pass short left to R.Moss for 8 yards")
    'pass'
    >>> kind_of({93}, "(9:01) T.Brady pass deep left. PENALTY on NE, Holding, 10 yards - No Play.")
    'no_play'
    """
    if ids & stats.PASS_ATTEMPT:
        return "spike" if "spiked" in description else "pass"
    for kind, group in _BY_STATISTIC:
        if ids & group:
            return kind
    if ids & stats.RUSHED:
        if "kneels" in description:
            return "kneel"
        return "scramble" if "scrambles" in description else "run"
    if stats.PENALTY in ids or "Penalty on" in description:
        return "no_play"
    return "other"
