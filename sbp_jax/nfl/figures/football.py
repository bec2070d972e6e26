"""A play in football language."""

from collections.abc import Mapping
from typing import Any, Final

_DOWNS: Final = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th"}


def situation(play: Mapping[str, Any]) -> str:
    """Down, distance, field position and the throw; what is not recorded is left out.

    >>> play = {"down": 3, "yards_to_go": 8, "yards_to_endzone": 76, "air_yards": 12}
    >>> situation(play | {"pass_location": "left"})
    '3rd & 8, own 24, 12 air yards, left'
    >>> situation({"down": 1, "yards_to_go": 4, "yards_to_endzone": 4, "air_yards": -1})
    '1st & goal, opponent 4, -1 air yards'
    """
    down, to_go, to_endzone = (play.get(k) for k in ("down", "yards_to_go", "yards_to_endzone"))
    air, location = play.get("air_yards"), play.get("pass_location")
    parts = []
    if down in _DOWNS and to_go is not None:
        goal = to_endzone is not None and to_go >= to_endzone
        parts.append(f"{_DOWNS[down]} & {'goal' if goal else to_go}")
    if to_endzone is not None:
        parts.append(_spot(to_endzone))
    if air is not None:
        parts.append(f"{air} air yard{'' if air == 1 else 's'}")
    if location:
        parts.append(location)
    return ", ".join(parts)


def outcome(play: Mapping[str, Any]) -> str:
    """What became of the throw.

    >>> outcome({"complete": True, "yards_gained": 15})
    'complete for 15'
    >>> outcome({"complete": True, "yards_gained": 4, "pass_touchdown": True})
    'touchdown, 4 yards'
    >>> outcome({"complete": False, "interception": True})
    'intercepted'
    """
    if play.get("interception"):
        return "intercepted"
    if not play.get("complete"):
        return "incomplete"
    yards = play["yards_gained"]
    if play.get("pass_touchdown"):
        return f"touchdown, {yards} yard{'' if yards == 1 else 's'}"
    if yards < 0:
        return f"complete for a loss of {-yards}"
    return f"complete for {yards or 'no gain'}"


def thrown_by(play: Mapping[str, Any]) -> str:
    """The passer and whom he threw to.

    >>> thrown_by({"passer_name": "M.Ryan", "receiver_name": "J.Jones"})
    'M.Ryan to J.Jones'
    """
    passer = play.get("passer_name") or "unknown passer"
    receiver = play.get("receiver_name")
    return f"{passer} to {receiver}" if receiver else passer


def _spot(to_endzone: int) -> str:
    if to_endzone == 50:
        return "midfield"
    return f"own {100 - to_endzone}" if to_endzone > 50 else f"opponent {to_endzone}"
