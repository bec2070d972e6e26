"""Ratings that are means of scored plays."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import polars as pl

from sbp_jax.nfl.ratings.nested_means import VALUE, WEIGHT, nested_means
from sbp_jax.nfl.ratings.rating import GAME, WHO, GameTotals, Rating, RegularPlays, ratio

PASSING_SCORE: Final = "passing_score"
THROWS: Final = "throw_score"
OVER_EXPECTATION: Final = "over_expectation"
PLAY_MEAN: Final = "mean_play_score"


def season_values(rating: str, plays: RegularPlays) -> pl.DataFrame:
    """Season values of a rating that is a mean of plays, drawn towards the season's mean."""
    groups = nested_means(_valued(rating, plays), WHO, within="game_id").groups
    return groups.select(*WHO, pl.col("posterior").alias(rating))


def _game_totals(rating: str, plays: RegularPlays) -> GameTotals:
    """Games with the weights that a season's mean gives them, so that halves are its halves."""
    found = nested_means(_valued(rating, plays), GAME)
    precision = 1 / (pl.col("variance") + found.level_variances["game_id"])
    totals = found.groups.select(*GAME, total=precision * pl.col("mean"), weight=precision)
    return GameTotals(ratio, totals, ("total", "weight"))


def _valued(rating: str, plays: RegularPlays) -> pl.DataFrame:
    """Values and weights of plays for `nested_means`."""
    throw = ~pl.col("sack")
    gain = pl.when(throw).then(pl.col("outcome") - pl.col("expected") - pl.col("throw_score"))
    value = {
        PASSING_SCORE: pl.col("standard_score"),
        THROWS: pl.col("throw_score"),
        OVER_EXPECTATION: pl.col("standard_score")
        + (gain - gain.mean().over("season")).fill_null(0.0),
    }[rating]
    rows = plays.throws if rating == THROWS else plays.scored
    return rows.select(*GAME, value.alias(VALUE), pl.col("leverage").alias(WEIGHT))


def _mean_play_scores(plays: RegularPlays) -> pl.DataFrame:
    return plays.throws.group_by(WHO, maintain_order=True).agg(
        pl.col("play_score").mean().alias(PLAY_MEAN)
    )


def _play_score_totals(plays: RegularPlays) -> GameTotals:
    games = plays.throws.group_by(GAME, maintain_order=True)
    totals = games.agg(score=pl.col("play_score").sum(), plays=pl.len())
    return GameTotals(ratio, totals, ("score", "plays"))


OWN_RATINGS: Final[Mapping[str, Rating]] = {
    **{
        name: Rating(title, partial(season_values, name), partial(_game_totals, name), shown)
        for name, title, shown in (
            (PASSING_SCORE, "passing score", True),
            (THROWS, "its throws alone", False),
            (OVER_EXPECTATION, "outcome over expectation", False),
        )
    },
    PLAY_MEAN: Rating("unweighted mean play score", _mean_play_scores, _play_score_totals),
}
"""By name: of dropbacks; of throws alone; of dropbacks, with the outcome less its expectation in
place of the throw score; of throws, every one alike."""
