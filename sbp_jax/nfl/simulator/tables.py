"""Tables of the season beside plays and tracking, in the layout of the Big Data Bowl 2025."""

import datetime
from typing import Final

import numpy as np
import polars as pl

from sbp_jax.nfl.simulator.chunk import Chunk
from sbp_jax.nfl.simulator.league import POSITIONS, TEAMS, League
from sbp_jax.nfl.simulator.schedule import PASS, SEASON, Games, Situations, sunday

_INCHES_PER_FOOT: Final = 12


def games_table(games: Games, plays: Situations, week: int) -> pl.DataFrame:
    """Table games.csv of a week; a game ends with the score of its last play.

    Args:
        games: of the week.
        plays: all plays of the week.
        week: counted from 1.
    """
    last = np.searchsorted(plays.game, np.arange(games.game_id.size), side="right") - 1
    dates = [sunday(week) + datetime.timedelta(days=int(day)) for day in games.day]
    return pl.DataFrame(
        {
            "gameId": games.game_id,
            "season": np.full(games.game_id.size, SEASON),
            "week": np.full(games.game_id.size, week),
            "gameDate": [date.strftime("%m/%d/%Y") for date in dates],
            "gameTimeEastern": ["13:00:00"] * games.game_id.size,
            "homeTeamAbbr": [TEAMS[team] for team in games.home],
            "visitorTeamAbbr": [TEAMS[team] for team in games.away],
            "homeFinalScore": plays.home_score[last],
            "visitorFinalScore": plays.away_score[last],
        }
    )


def players_table(league: League) -> pl.DataFrame:
    """Table players.csv of the league."""
    feet, inches = np.divmod(league.inches, _INCHES_PER_FOOT)
    day = league.nfl_id % 28 + 1
    month = league.nfl_id % 12 + 1
    return pl.DataFrame(
        {
            "nflId": league.nfl_id,
            "height": [f"{f}-{i}" for f, i in zip(feet, inches, strict=True)],
            "weight": league.pounds,
            "birthDate": [
                f"{y}-{m:02d}-{d:02d}"
                for y, m, d in zip(league.birth_year, month, day, strict=True)
            ],
            "collegeName": pl.Series([None] * league.nfl_id.size, dtype=pl.String),
            "position": [POSITIONS[position].name for position in league.position],
            "displayName": league.name,
        }
    )


def oracle_table(games: Games, chunk: Chunk) -> pl.DataFrame:
    """What the outcome of each pass depended on, and the outcome.

    Columns game_id, play_id, those of `ThrowFacts`, and complete, intercepted, yards.
    """
    passes = chunk.plays.kind == PASS
    columns = {
        "game_id": games.game_id[chunk.plays.game],
        "play_id": chunk.plays.play_id,
        **chunk.facts._asdict(),
        **chunk.outcomes._asdict(),
    }
    return pl.DataFrame({name: values[passes] for name, values in columns.items()})
