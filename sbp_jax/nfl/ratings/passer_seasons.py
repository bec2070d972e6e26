"""Seasons of passers as the official statistics count them, with how their teams did.

All attempts of the regular season count, spikes and throw-aways too. A game counts as a passer's
own where no one on his team threw more in it; he has then won or lost it with his team. So each
game of each team belongs to one passer, and a starter who is hurt early does not get the record
of the one who played.
"""

from typing import Final

import polars as pl

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.require_columns import require_columns
from sbp_jax.nfl.rivals.passer_rating import adjusted_net_yards, passer_rating

TIE: Final = "TIE"
PLAYOFF_GAMES: Final = 11
"""Playoff games of a season of the years at hand; with fewer, who was in them is not known."""

# Ties between spellings go to the first in the alphabet.
SPELLING: Final = pl.col("passer_name").drop_nulls().sort().mode(maintain_order=True).first()
TEAMS: Final = pl.col("offense").drop_nulls().unique(maintain_order=True).str.join("/")

_WHO: Final = ("season", "passer_id")
_PASSES: Final = (
    "season",
    "season_type",
    "game_id",
    "offense",
    "passer_id",
    "passer_name",
    "complete",
    "yards_gained",
    "pass_touchdown",
    "interception",
)
_SNAPS: Final = ("season", "season_type", "kind", "passer_id", "yards")
_GAMES: Final = ("game_id", "season", "season_type", "home_team", "away_team", "winner")


def passer_seasons(passes: pl.DataFrame, snaps: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Statistics and results of every passer in every regular season.

    Args:
        passes: the passes table, all attempts.
        snaps: the snaps table; rows of kind "sack" are read, their passer being the one sacked.
        games: the games table, playoffs included.

    Returns:
        One row per season and passer with an attempt, sorted by both; a player who was sacked but
        never threw has none. Columns:

        - season, passer_id; passer_name, the most frequent spelling; teams, those he passed for,
          in order of play, as "OAK/DAL"; team, that of most attempts (the first played for, if
          equal);
        - attempts, completions, yards, touchdowns, interceptions, sacks, and sack_yards, the
          yards lost as a positive number;
        - games_as_main, games in which he threw the most of his team (the lower id, if equal);
          wins, those his team won, a tie being 1/2; win_percent, their quotient, 0 to 1 (null
          without such a game);
        - playoffs, whether his team played one of the season's playoff games (null where the
          table holds fewer than 11 of that season);
        - passer_rating, and any_a, adjusted net yards per attempt.

    Raises:
        ScoringError: a column is missing, a row without season, game, passer or team, no pass in
            a regular season, or a game that is not among the games.

    >>> passes = pl.DataFrame(
    ...     {
    ...         "season": [2018] * 3,
    ...         "season_type": ["REG"] * 3,
    ...         "game_id": ["a"] * 3,
    ...         "offense": ["KC", "KC", "LA"],
    ...         "passer_id": ["1", "1", "2"],
    ...         "passer_name": ["A.One", "A.One", "B.Two"],
    ...         "complete": [True, False, True],
    ...         "yards_gained": [30, 0, 9],
    ...         "pass_touchdown": [True, False, False],
    ...         "interception": [False, True, False],
    ...     }
    ... )
    >>> sack = {"season": 2018, "season_type": "REG", "kind": "sack", "passer_id": "2", "yards": -6}
    >>> game = {"game_id": "a", "season": 2018, "season_type": "REG", "home_team": "LA"}
    >>> game |= {"away_team": "KC", "winner": "LA"}
    >>> found = passer_seasons(passes, pl.DataFrame([sack]), pl.DataFrame([game]))
    >>> found.select("passer_name", "win_percent", pl.col("passer_rating", "any_a").round(1)).rows()
    [('A.One', 0.0, 95.8, 2.5), ('B.Two', 1.0, 104.2, 1.5)]
    """
    for name, table, columns in (
        ("passes", passes, _PASSES),
        ("snaps", snaps, _SNAPS),
        ("games", games, _GAMES),
    ):
        require_columns(name, table, columns, ScoringError)
    regular = passes.filter(pl.col("season_type") == "REG")
    if regular.is_empty():
        raise ScoringError("passes: expected at least one of a regular season, got none")
    for column in ("season", "game_id", "passer_id", "offense"):
        if count := regular[column].null_count():
            raise ScoringError(f"passes: expected {column} in every row, got null in {count}")
    counted = (
        _counts(regular)
        .join(_sacks(snaps), on=_WHO, how="left")
        .join(_results(regular, games), on=_WHO, how="left")
        .with_columns(pl.col("sacks", "sack_yards", "games_as_main", "wins").fill_null(0))
        .with_columns(win_percent=pl.col("wins") / _if_any("games_as_main"))
        .join(_playoff_teams(games), on=["season", "team"], how="left")
        .join(_known_playoffs(games), on="season", how="left")
        .with_columns(playoffs=pl.when("known").then(pl.col("playoffs").fill_null(value=False)))
    )
    return _rated(counted).sort(_WHO)


def _if_any(column: str) -> pl.Expr:
    return pl.when(pl.col(column) > 0).then(column)


def _counts(passes: pl.DataFrame) -> pl.DataFrame:
    """What the passes of each passer add up to."""
    # Game ids begin with the date.
    plays = passes.sort("game_id", maintain_order=True)
    return plays.group_by(_WHO, maintain_order=True).agg(
        passer_name=SPELLING,
        teams=TEAMS,
        team=pl.col("offense").mode(maintain_order=True).first(),
        attempts=pl.len().cast(pl.Int32),
        completions=pl.col("complete").sum().cast(pl.Int32),
        yards=pl.col("yards_gained").cast(pl.Int32).sum(),
        touchdowns=pl.col("pass_touchdown").sum().cast(pl.Int32),
        interceptions=pl.col("interception").sum().cast(pl.Int32),
    )


def _sacks(snaps: pl.DataFrame) -> pl.DataFrame:
    sacked = snaps.filter((pl.col("season_type") == "REG") & (pl.col("kind") == "sack"))
    return sacked.group_by(_WHO, maintain_order=True).agg(
        sacks=pl.len().cast(pl.Int32), sack_yards=-pl.col("yards").cast(pl.Int32).sum()
    )


def _results(passes: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Games of each passer who threw the most in them, and how many his team won."""
    team = ["game_id", "offense"]
    mains = (
        passes.group_by(*_WHO, *team, maintain_order=True)
        .agg(attempts=pl.len())
        .sort("attempts", "passer_id", descending=[True, False])
        .unique(team, keep="first", maintain_order=True)
        .join(games.select("game_id", "winner"), on="game_id", how="left")
    )
    if len(unknown := mains.filter(pl.col("winner").is_null())):
        raise ScoringError(
            f"games: expected every game of the passes with its winner, got none for "
            f"{unknown['game_id'].sort()[0]}"
        )
    won = (
        pl.when(pl.col("winner") == TIE).then(0.5).otherwise(pl.col("winner") == pl.col("offense"))
    )
    return mains.group_by(_WHO, maintain_order=True).agg(
        games_as_main=pl.len().cast(pl.Int32), wins=won.sum()
    )


def _playoff_teams(games: pl.DataFrame) -> pl.DataFrame:
    played = games.filter(pl.col("season_type") == "POST")
    sides = [played.select("season", team=side) for side in ("home_team", "away_team")]
    return pl.concat(sides).unique().with_columns(playoffs=True)


def _known_playoffs(games: pl.DataFrame) -> pl.DataFrame:
    return games.group_by("season", maintain_order=True).agg(
        known=(pl.col("season_type") == "POST").sum() >= PLAYOFF_GAMES
    )


def _rated(counted: pl.DataFrame) -> pl.DataFrame:
    """The columns in their order, the two ratings last."""

    def numbers(*names: str) -> dict[str, pl.Series]:
        return {name: counted[name] for name in names}

    scored = ("yards", "touchdowns", "interceptions")
    rating = passer_rating(**numbers("attempts", "completions", *scored))
    net = adjusted_net_yards(**numbers("attempts", *scored, "sacks", "sack_yards"))
    return counted.select(
        *_WHO,
        "passer_name",
        "teams",
        "team",
        "attempts",
        "completions",
        *scored,
        "sacks",
        "sack_yards",
        "games_as_main",
        "wins",
        "win_percent",
        "playoffs",
        passer_rating=pl.Series(rating),
        any_a=pl.Series(net),
    )
