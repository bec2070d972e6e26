"""Thirty-two teams of invented players, who differ in speed, quickness and reaction.

Legend: P players of the league, K plays.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

TEAMS: Final = (
    *("ARI", "ATL", "BAL", "BUF", "CAR", "CHI", "CIN", "CLE", "DAL", "DEN", "DET", "GB"),
    *("HOU", "IND", "JAX", "KC", "LA", "LAC", "LV", "MIA", "MIN", "NE", "NO", "NYG"),
    *("NYJ", "PHI", "PIT", "SEA", "SF", "TB", "TEN", "WAS"),
)


class Position(NamedTuple):
    """What players of a position have in common.

    Attributes:
        name: as in the files.
        players: of each team.
        top_speed: yards per second, of an average player.
        acceleration: yards per second squared, the most he reaches.
        jersey: first of the numbers that they wear.
        inches: height.
        pounds: weight.
    """

    name: str
    players: int
    top_speed: float
    acceleration: float
    jersey: int
    inches: int
    pounds: int


POSITIONS: Final = (
    Position("QB", 2, 7.4, 6.2, 1, 75, 220),
    Position("RB", 3, 8.9, 7.0, 20, 70, 212),
    Position("FB", 1, 8.0, 6.6, 40, 72, 240),
    Position("TE", 3, 8.4, 6.6, 84, 77, 252),
    Position("WR", 6, 9.2, 7.3, 10, 73, 200),
    Position("T", 3, 5.8, 5.6, 70, 78, 315),
    Position("G", 3, 5.8, 5.6, 64, 76, 312),
    Position("C", 2, 5.8, 5.6, 60, 75, 305),
    Position("DE", 4, 7.8, 6.4, 90, 76, 270),
    Position("DT", 4, 6.6, 6.0, 94, 75, 308),
    Position("ILB", 3, 8.4, 6.8, 50, 73, 238),
    Position("OLB", 3, 8.5, 6.8, 54, 74, 245),
    Position("CB", 6, 9.2, 7.3, 24, 71, 193),
    Position("FS", 2, 9.0, 7.1, 31, 72, 203),
    Position("SS", 2, 8.9, 7.0, 34, 72, 207),
)

INDEX: Final = {position.name: code for code, position in enumerate(POSITIONS)}
"""Code of each position, by name."""

FASTEST: Final = 10.2
QUICKEST: Final = 7.8
"""Limits of any player, in yards per second and yards per second squared."""

_COUNTS: Final = np.array([position.players for position in POSITIONS])
_FIRST: Final = np.cumsum(_COUNTS) - _COUNTS
_PER_TEAM: Final = int(_COUNTS.sum())
_LOWEST_ID: Final = 50_000
_BACKUP_SHARE: Final = 0.25

_FIRST_NAMES: Final = (
    *("Aaron", "Andre", "Ben", "Blake", "Brandon", "Caleb", "Carl", "Chris", "Cody", "Corey"),
    *("Damon", "Darius", "David", "Derek", "Devin", "Drew", "Eli", "Eric", "Evan", "Frank"),
    *("Gabe", "Greg", "Henry", "Isaac", "Jalen", "James", "Jared", "Joel", "Josh", "Justin"),
    *("Keith", "Kyle", "Lamar", "Leon", "Logan", "Luke", "Marcus", "Mason", "Nate", "Omar"),
)
_LAST_NAMES: Final = (
    *("Abbott", "Adler", "Bailey", "Barnes", "Bishop", "Boone", "Briggs", "Burke", "Carver"),
    *("Clayton", "Coleman", "Crane", "Dalton", "Dawson", "Dixon", "Draper", "Ellis", "Emery"),
    *("Fields", "Fletcher", "Foster", "Garner", "Gibson", "Grant", "Hardy", "Hayes", "Holt"),
    *("Hudson", "Irving", "Jarvis", "Kemp", "Kirby", "Lambert", "Lawson", "Maddox", "Mercer"),
    *("Nash", "Norris", "Osborn", "Palmer", "Porter", "Quinn", "Ramsey", "Rhodes", "Sawyer"),
    *("Shaw", "Stokes", "Tanner", "Tucker", "Underwood", "Vance", "Vaughn", "Walsh", "Webb"),
    *("Whitley", "Wilder", "Yates", "Young"),
)


class League(NamedTuple):
    """Players of all teams, team by team and position by position.

    Attributes:
        nfl_id: (P,)
        name: P first and last names, no two alike.
        team: (P,) index into `TEAMS`.
        position: (P,) index into `POSITIONS`.
        jersey: (P,) numbers.
        inches: (P,) height.
        pounds: (P,) weight.
        birth_year: (P,)
        top_speed: (P,) yards per second.
        acceleration: (P,) yards per second squared.
        reaction: (P,) seconds until he answers to another's move.
    """

    nfl_id: Int[NDArray, " P"]
    name: tuple[str, ...]
    team: Int[NDArray, " P"]
    position: Int[NDArray, " P"]
    jersey: Int[NDArray, " P"]
    inches: Int[NDArray, " P"]
    pounds: Int[NDArray, " P"]
    birth_year: Int[NDArray, " P"]
    top_speed: Float[NDArray, " P"]
    acceleration: Float[NDArray, " P"]
    reaction: Float[NDArray, " P"]


def make_league(seed: int) -> League:
    """The players that all weeks of a season share.

    >>> league = make_league(0)
    >>> len(league.name), len(set(league.name)), len(league.nfl_id)
    (1504, 1504, 1504)
    """
    rng = np.random.default_rng([seed, 0])
    players = len(TEAMS) * _PER_TEAM
    position = np.tile(np.repeat(np.arange(len(POSITIONS)), _COUNTS), len(TEAMS))
    depth = np.arange(players) % _PER_TEAM - _FIRST[position]
    names = rng.permutation(len(_FIRST_NAMES) * len(_LAST_NAMES))[:players]

    def of_position(field: str) -> NDArray:
        return np.array([getattr(each, field) for each in POSITIONS])[position]

    speed = of_position("top_speed") + rng.normal(0, 0.3, players)
    acceleration = of_position("acceleration") + rng.normal(0, 0.25, players)
    return League(
        nfl_id=_LOWEST_ID + np.arange(players),
        name=tuple(
            f"{_FIRST_NAMES[i // len(_LAST_NAMES)]} {_LAST_NAMES[i % len(_LAST_NAMES)]}"
            for i in names
        ),
        team=np.repeat(np.arange(len(TEAMS)), _PER_TEAM),
        position=position,
        jersey=of_position("jersey") + depth,
        inches=of_position("inches") + rng.integers(-2, 3, players),
        pounds=of_position("pounds") + rng.integers(-12, 13, players),
        birth_year=rng.integers(1987, 2001, players),
        top_speed=np.minimum(speed, FASTEST),
        acceleration=np.minimum(acceleration, QUICKEST),
        reaction=np.clip(rng.normal(0.17, 0.05, players), 0.1, 0.4),
    )


def choose_players(
    rng: np.random.Generator, team: Int[NDArray, " K"], position: Int[NDArray, "K 11"]
) -> Int[NDArray, "K 11"]:
    """Indices into the league of those who play; no one twice in a play.

    A team's first players of each position start, and now and then a later one comes in.

    Args:
        rng: source of randomness.
        team: index into `TEAMS` of each play's side.
        position: index into `POSITIONS` of each of its places.
    """
    plays, places = position.shape
    rested = rng.random((plays, len(POSITIONS))) < _BACKUP_SHARE
    rested[:, INDEX["QB"]] = False
    first = rested * rng.integers(1, 3, rested.shape)
    earlier = np.stack(
        [(position[:, :i] == position[:, i, None]).sum(axis=1) for i in range(places)], axis=1
    )
    depth = (earlier + np.take_along_axis(first, position, axis=1)) % _COUNTS[position]
    return team[:, None] * _PER_TEAM + _FIRST[position] + depth
