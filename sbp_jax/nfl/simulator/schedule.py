"""A week of games, and the situation before each of their plays.

Situations are drawn, not the consequence of the play before: the yards that a play gains are
known only once its players have moved.

Legend: K plays of a week, G games.
"""

import datetime
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.clock import QUARTER_SECONDS
from sbp_jax.nfl.simulator.config import GAMES_PER_DAY, PASSES_PER_GAME, SimulateConfig
from sbp_jax.nfl.simulator.league import TEAMS

SEASON: Final = 2022
GAME_SECONDS: Final = 3600

PASS, RUN, SACK, SPIKE = range(4)
"""Kinds of play. A spike is a pass too, but nobody is its target."""

_FIRST_SUNDAY: Final = datetime.date(2022, 9, 11)
_KICKOFF_UTC: Final = datetime.time(17)
_MICROSECONDS: Final = 1_000_000
_TENTH: Final = 100_000
# A game of 60 minutes takes three hours.
_REAL_SECONDS_PER_SECOND: Final = 3


class Games(NamedTuple):
    """Games of a week.

    Attributes:
        game_id: (G,) date and number within the day.
        day: (G,) days after the week's Sunday.
        home: (G,) index into `TEAMS`.
        away: (G,) index into `TEAMS`.
    """

    game_id: Int[NDArray, " G"]
    day: Int[NDArray, " G"]
    home: Int[NDArray, " G"]
    away: Int[NDArray, " G"]


class Situations(NamedTuple):
    """Plays of a week before their snaps, by game and time.

    Attributes:
        game: (K,) index into the week's `Games`.
        play_id: (K,) rises within a game.
        kind: (K,) `PASS`, `RUN`, `SACK` or `SPIKE`.
        offense: (K,) index into `TEAMS`.
        defense: (K,) index into `TEAMS`.
        at_home: (K,) the offence is the home team.
        to_right: (K,) the offence attacks towards x = 120.
        seconds: (K,) of the game's 3,600 that have gone.
        start: (K,) microseconds since 1970 at the snap.
        down: (K,) 1 to 4.
        to_go: (K,) yards.
        to_endzone: (K,) whole yards from the line of scrimmage, 1 to 99.
        home_score: (K,) points.
        away_score: (K,) points.
        ball_y: (K,) where the ball lies, yards to the left of the middle.
    """

    game: Int[NDArray, " K"]
    play_id: Int[NDArray, " K"]
    kind: Int[NDArray, " K"]
    offense: Int[NDArray, " K"]
    defense: Int[NDArray, " K"]
    at_home: Bool[NDArray, " K"]
    to_right: Bool[NDArray, " K"]
    seconds: Float[NDArray, " K"]
    start: Int[NDArray, " K"]
    down: Int[NDArray, " K"]
    to_go: Int[NDArray, " K"]
    to_endzone: Int[NDArray, " K"]
    home_score: Int[NDArray, " K"]
    away_score: Int[NDArray, " K"]
    ball_y: Float[NDArray, " K"]

    @property
    def line(self) -> Int[NDArray, " K"]:
        """Line of scrimmage on the field's own scale of 0 to 120 yards."""
        return np.where(self.to_right, 110 - self.to_endzone, 10 + self.to_endzone)


def sunday(week: int) -> datetime.date:
    """First day of a week of games, weeks counted from 1."""
    return _FIRST_SUNDAY + datetime.timedelta(weeks=week - 1)


def schedule_week(
    rng: np.random.Generator, config: SimulateConfig, week: int
) -> tuple[Games, Situations]:
    """Games of a week, counted from 1, and the situations of all their plays."""
    kind = _kinds(rng, config, week)
    games = _games(rng, week, -(-config.passes_in_week(week) // PASSES_PER_GAME))
    plays, count = kind.size, games.game_id.size
    game = np.arange(plays) * count // plays
    first = np.searchsorted(game, np.arange(count))
    size = np.diff(first, append=plays)
    place = np.arange(plays) - first[game]
    seconds = (place + rng.uniform(0.1, 0.9, plays)) * GAME_SECONDS / size[game]
    at_home, points = _drives(rng, game, first)
    flipped = rng.random(count)[game] < 0.5
    to_endzone = _to_endzone(rng, plays)
    down, to_go = _downs(rng, to_endzone)
    return games, Situations(
        game=game,
        play_id=_running_total(rng.integers(18, 32, plays), first, game),
        kind=kind,
        offense=np.where(at_home, games.home[game], games.away[game]),
        defense=np.where(at_home, games.away[game], games.home[game]),
        at_home=at_home,
        # Teams change ends with every quarter.
        to_right=at_home ^ flipped ^ (seconds // QUARTER_SECONDS % 2 == 1),
        seconds=seconds,
        start=_start_times(week, games, game, seconds),
        down=down,
        to_go=to_go,
        to_endzone=to_endzone,
        home_score=_running_total(np.where(at_home, 0, points), first, game),
        away_score=_running_total(np.where(at_home, points, 0), first, game),
        ball_y=np.clip(rng.normal(0, 3.5, plays), -3.08, 3.08),  # between the hash marks
    )


def _kinds(rng: np.random.Generator, config: SimulateConfig, week: int) -> Int[NDArray, " K"]:
    counts = (config.passes_in_week(week), *config.others_in_week(week))
    return rng.permutation(np.repeat((PASS, RUN, SACK, SPIKE), counts))


def _games(rng: np.random.Generator, week: int, count: int) -> Games:
    rounds = -(-2 * count // len(TEAMS))
    teams = rng.permuted(np.tile(np.arange(len(TEAMS)), (rounds, 1)), axis=1).reshape(-1, 2)
    day, number = np.divmod(np.arange(count), GAMES_PER_DAY)
    dates = [sunday(week) + datetime.timedelta(days=int(d)) for d in day]
    written = np.array([int(date.strftime("%Y%m%d")) for date in dates])
    return Games(100 * written + number, day, teams[:count, 0], teams[:count, 1])


def _drives(
    rng: np.random.Generator, game: Int[NDArray, " K"], first: Int[NDArray, " G"]
) -> tuple[Bool[NDArray, " K"], Int[NDArray, " K"]]:
    """Whether the home team has the ball, and what the other team's last drive was worth."""
    plays = game.size
    turns = rng.random(plays) < 0.18
    turns[first] = rng.random(first.size) < 0.5
    at_home = np.cumsum(turns) % 2 == 0
    points = np.where(turns, rng.choice([0, 3, 7], plays, p=[0.6, 0.15, 0.25]), 0)
    points[first] = 0
    return at_home, points


def _running_total(
    values: Int[NDArray, " K"], first: Int[NDArray, " G"], game: Int[NDArray, " K"]
) -> Int[NDArray, " K"]:
    """Cumulative sums that start anew in each game."""
    total = np.cumsum(values)
    return total - (total[first] - values[first])[game]


def _to_endzone(rng: np.random.Generator, plays: int) -> Int[NDArray, " K"]:
    touchback = rng.random(plays) < 0.12
    anywhere = np.rint(1 + 98 * rng.beta(1.4, 1.25, plays)).astype(np.int64)
    return np.where(touchback, 75, anywhere)


def _downs(
    rng: np.random.Generator, to_endzone: Int[NDArray, " K"]
) -> tuple[Int[NDArray, " K"], Int[NDArray, " K"]]:
    plays = to_endzone.size
    down = rng.choice([1, 2, 3, 4], plays, p=[0.38, 0.33, 0.26, 0.03])
    later = np.minimum(1 + rng.negative_binomial(2, 0.22, plays), 30)
    return down, np.minimum(np.where(down == 1, 10, later), to_endzone)


def _start_times(
    week: int, games: Games, game: Int[NDArray, " K"], seconds: Float[NDArray, " K"]
) -> Int[NDArray, " K"]:
    """Instants of the snaps, on the grid of tenths."""
    kickoff = datetime.datetime.combine(sunday(week), _KICKOFF_UTC, tzinfo=datetime.UTC)
    day = int(kickoff.timestamp()) + 86_400 * games.day[game]
    elapsed = np.rint(seconds * _REAL_SECONDS_PER_SECOND * _MICROSECONDS / _TENTH) * _TENTH
    return day * _MICROSECONDS + elapsed.astype(np.int64)
