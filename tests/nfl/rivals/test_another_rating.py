"""A rating from outside the package stands in the tables beside those inside."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.figures.wins_report import render_comparison
from sbp_jax.nfl.plays import PlayTables
from sbp_jax.nfl.ratings.compare_ratings import RATINGS, compare_ratings, season_table
from sbp_jax.nfl.ratings.own_ratings import PASSING_SCORE
from sbp_jax.nfl.ratings.rating import GAME, WHO, GameTotals, Rating, ratio
from tests.nfl.ratings.rated_plays import frame, throws

LONGEST = "longest"
TEAMS = ("KC", "LA", "NO", "NE")


def longest(plays):
    return plays.passes.group_by(WHO).agg(pl.col("yards_gained").max().alias(LONGEST))


def yards_by_game(plays):
    games = plays.passes.group_by(GAME).agg(yards=pl.col("yards_gained").sum(), attempts=pl.len())
    return GameTotals(ratio, games.sort(GAME), ("yards", "attempts"))


ALL = {**RATINGS, LONGEST: Rating("longest completion", longest, yards_by_game)}


@pytest.fixture(scope="module")
def plays():
    """Each team's passer in 6 games of two seasons, the first two against the others."""
    rng = np.random.default_rng(0)
    rows = [
        throws(
            f"p{team}",
            f"{season}{week}{team % 2}",
            rng.normal(team, 1, 8),
            season=season,
            team=name,
        )
        for season in (2017, 2018)
        for week in range(6)
        for team, name in enumerate(TEAMS)
    ]
    plays = frame(*rows)
    return plays.with_columns(
        season_type=pl.lit("REG"),
        outcome=pl.col("throw_score"),
        expected=pl.lit(0.0),
        completion_expected=pl.lit(0.5),
        complete=pl.col("throw_score") > 1,
        yards_gained=pl.col("throw_score").round().cast(pl.Int64) + 5,
    )


@pytest.fixture(scope="module")
def tables(plays):
    games = plays.group_by("game_id", "season", "season_type").agg(
        home_team=pl.col("offense").min(), away_team=pl.col("offense").max()
    )
    games = games.with_columns(winner=pl.col("home_team"))
    sacks = plays.select("season", "season_type", "game_id", "passer_id").head(3)
    sacks = sacks.with_columns(kind=pl.lit("sack"), yards=pl.lit(-5))
    return PlayTables(plays, sacks, games, report=None)


@pytest.fixture(scope="module")
def table(plays, tables):
    return season_table(plays, tables, ALL, min_attempts=1, min_games=1)


def test_its_values_stand_beside_those_of_the_others(plays, table):
    assert set(ALL) <= set(table.columns)
    most = plays.group_by(WHO).agg(pl.col("yards_gained").max().alias("most"))
    joined = table.join(most, on=WHO)
    assert joined.height == 8
    assert joined[LONGEST].equals(joined["most"])


def test_it_is_compared_and_told_like_the_others(plays, tables, table):
    chosen = {name: ALL[name] for name in (PASSING_SCORE, LONGEST)}
    found = compare_ratings(table, plays, tables, chosen)
    text = render_comparison({"label": None, **found}, chosen)
    rows = [line for line in text.splitlines() if line.startswith("longest completion")]
    assert len(rows) == 3  # with winning, in halves of the seasons, and with itself
    expected = np.corrcoef(table[LONGEST], table["win_percent"])[0, 1]
    assert found["wins"]["ratings"][LONGEST]["estimate"] == pytest.approx(expected)
    assert f"{expected:.3f}" in rows[0]
    halves = found["stability"][LONGEST]["split_half"]["estimate"]
    assert 0 < halves < 1
    assert f"{halves:.3f}" in rows[2]
