"""The three tables: their columns and how records become frames."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from sbp_jax.nfl.plays.game import Game, Play
from sbp_jax.nfl.plays.kinds import KINDS, PASSES

Schema = Mapping[str, pl.DataType | type[pl.DataType]]

KIND: Final = pl.Enum(KINDS)

_GAME: Final[Schema] = {
    "season": pl.Int16,
    "season_type": pl.String,
    "week": pl.Int8,
    "home_team": pl.String,
    "away_team": pl.String,
}

GAMES_SCHEMA: Final[Schema] = {
    "game_id": pl.String,
    "season": pl.Int16,
    "season_type": pl.String,
    "week": pl.Int8,
    "date": pl.Date,
    "home_team": pl.String,
    "away_team": pl.String,
    "home_score": pl.Int8,
    "away_score": pl.Int8,
    "winner": pl.String,
    "overtime": pl.Boolean,
    "score_timeline_ok": pl.Boolean,
}

PASSES_SCHEMA: Final[Schema] = {
    "game_id": pl.String,
    "play_id": pl.Int32,
    **_GAME,
    "offense": pl.String,
    "defense": pl.String,
    "drive": pl.Int8,
    "quarter": pl.Int8,
    "clock_seconds": pl.Int16,
    "down": pl.Int8,
    "yards_to_go": pl.Int8,
    "yardline": pl.String,
    "yards_to_endzone": pl.Int8,
    "offense_score": pl.Int8,
    "defense_score": pl.Int8,
    "score_diff": pl.Int8,
    "passer_id": pl.String,
    "passer_name": pl.String,
    "receiver_id": pl.String,
    "receiver_name": pl.String,
    "targeted": pl.Boolean,
    "air_yards": pl.Int8,
    "pass_depth": pl.String,
    "pass_location": pl.String,
    "shotgun": pl.Boolean,
    "no_huddle": pl.Boolean,
    "spike": pl.Boolean,
    "complete": pl.Boolean,
    "interception": pl.Boolean,
    "pass_touchdown": pl.Boolean,
    "interception_touchdown": pl.Boolean,
    "yards_gained": pl.Int8,
    "yards_after_catch": pl.Int8,
    "interception_return_yards": pl.Int16,
    "first_down": pl.Boolean,
    "fumble_lost": pl.Boolean,
    "lateral": pl.Boolean,
    "penalty": pl.Boolean,
    "reversed": pl.Boolean,
    "description": pl.String,
    "snap": pl.Int16,
}

SNAPS_SCHEMA: Final[Schema] = {
    "game_id": pl.String,
    "play_id": pl.Int32,
    "snap": pl.Int16,
    **_GAME,
    "offense": pl.String,
    "defense": pl.String,
    "drive": pl.Int8,
    "quarter": pl.Int8,
    "clock_seconds": pl.Int16,
    "down": pl.Int8,
    "yards_to_go": pl.Int8,
    "yards_to_endzone": pl.Int8,
    "offense_score": pl.Int8,
    "defense_score": pl.Int8,
    "score_diff": pl.Int8,
    "kind": KIND,
    "yards": pl.Int8,
    "passer_id": pl.String,
    "receiver_id": pl.String,
    "rusher_id": pl.String,
    "air_yards": pl.Int8,
    "pass_location": pl.String,
    "pass_depth": pl.String,
    "shotgun": pl.Boolean,
    "no_huddle": pl.Boolean,
    "complete": pl.Boolean,
    "interception": pl.Boolean,
    "touchdown": pl.Boolean,
    "first_down": pl.Boolean,
    "turnover": pl.Boolean,
    "penalty": pl.Boolean,
    "penalty_yards": pl.Int8,
}

_ATTRIBUTE: Final = {"yards_gained": "yards"}
"""Columns that the record calls by another name."""


class Frames(NamedTuple):
    """The tables of some games, without the report."""

    passes: pl.DataFrame
    snaps: pl.DataFrame
    games: pl.DataFrame


def to_frames(games: Sequence[Game]) -> Frames:
    """Records to tables, in the order given."""
    snaps = [(game, play) for game in games for play in game.plays]
    passes = [(game, play) for game, play in snaps if play.kind in PASSES]
    return Frames(
        passes=_plays_frame(passes, PASSES_SCHEMA),
        snaps=_plays_frame(snaps, SNAPS_SCHEMA),
        games=_frame(GAMES_SCHEMA, lambda name: [getattr(game, name) for game in games]),
    )


def _plays_frame(rows: Sequence[tuple[Game, Play]], schema: Schema) -> pl.DataFrame:
    def values(name: str) -> list[Any]:
        attribute = _ATTRIBUTE.get(name, name)
        if name == "game_id" or name in _GAME:
            return [getattr(game, attribute) for game, _ in rows]
        return [getattr(play, attribute) for _, play in rows]

    return _frame(schema, values)


def _frame(schema: Schema, values: Callable[[str], list[Any]]) -> pl.DataFrame:
    # Not strict: a number outside its column's range (a damaged file) becomes null, not an error.
    return pl.DataFrame(
        [pl.Series(name, values(name), dtype, strict=False) for name, dtype in schema.items()]
    )
