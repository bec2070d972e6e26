"""Codes of teams by which others publish, as the codes of the plays.

The plays call a team by its code of the time: a team that moved has another one from then on.
Known are the codes of ESPN, Pro-Football-Reference and the league's own files.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import polars as pl

OTHER_CODES: Final[Mapping[str, str]] = {
    "ARZ": "ARI",
    "BLT": "BAL",
    "CLV": "CLE",
    "GNB": "GB",
    "HST": "HOU",
    "JAC": "JAX",
    "KAN": "KC",
    "NOR": "NO",
    "NWE": "NE",
    "SFO": "SF",
    "TAM": "TB",
    "WSH": "WAS",
}
"""Codes of teams that did not move."""


class Move(NamedTuple):
    """A team that moved: all of its codes, that of the plays before and from a season on."""

    codes: tuple[str, ...]
    before: str
    season: int
    after: str


MOVES: Final = (
    Move(("STL", "SL", "LA", "LAR"), "STL", 2016, "LA"),
    Move(("SD", "SDG", "LAC"), "SD", 2017, "LAC"),
    Move(("OAK", "LV", "LVR"), "OAK", 2020, "LV"),
)


def code_of_the_time(team: pl.Expr, season: pl.Expr) -> pl.Expr:
    """A team's code in the plays of a season; one that is not known stays as it is.

    >>> frame = pl.DataFrame({"team": ["LAR", "lar", "WSH", "GB"], "season": [2018, 2012, 2018, 0]})
    >>> frame.select(code_of_the_time(pl.col("team"), pl.col("season")))["team"].to_list()
    ['LA', 'STL', 'WAS', 'GB']
    """
    code = team.str.strip_chars().str.to_uppercase()
    found = code.replace(OTHER_CODES)
    for move in MOVES:
        then = pl.when(season < move.season).then(pl.lit(move.before)).otherwise(pl.lit(move.after))
        found = pl.when(code.is_in(move.codes)).then(then).otherwise(found)
    return found.alias(team.meta.output_name())
