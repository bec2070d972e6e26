"""Ratings of the same passer-seasons side by side: how they follow winning, how stable they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from sbp_jax.evaluation.correlation import Correlation, Kind, bootstrap_correlations
from sbp_jax.evaluation.reliability import SplitHalf, Statistic, split_half_of
from sbp_jax.evaluation.season_to_season import season_to_season
from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays import PlayTables
from sbp_jax.nfl.ratings.nested_means import VALUE, WEIGHT, nested_means
from sbp_jax.nfl.ratings.passer_seasons import passer_seasons
from sbp_jax.nfl.rivals.completion import completion_over_expected
from sbp_jax.nfl.rivals.passer_rating import adjusted_net_yards, passer_rating

SCORE: Final = "passing_score"
THROWS: Final = "throw_score"
OVER_EXPECTATION: Final = "over_expectation"
RATING: Final = "passer_rating"
ANY_A: Final = "any_a"
CPOE: Final = "cpoe"
PLAY_MEAN: Final = "mean_play_score"
OTHER: Final = "other"

WHO: Final = ["season", "passer_id"]
_LEVELS: Final = [*WHO, "game_id"]
_FEWEST: Final = 3


def qualifying_seasons(
    tables: PlayTables, seasons: Sequence[int], *, min_attempts: int, min_games: int
) -> pl.DataFrame:
    """What `passer_seasons` returns, of the passer-seasons that are compared.

    Args:
        tables: all plays of the seasons.
        seasons: to compare.
        min_attempts: fewest attempts of a regular season.
        min_games: fewest games as the team's most-used passer.

    Raises:
        ScoringError: no passer-season qualifies.
    """
    found = passer_seasons(tables.passes, tables.snaps, tables.games).filter(
        pl.col("season").is_in(list(seasons)),
        pl.col("attempts") >= min_attempts,
        pl.col("games_as_main") >= min_games,
    )
    if found.is_empty():
        raise ScoringError(
            f"expected passer-seasons with {min_attempts} attempts and {min_games} games, got none"
        )
    return found


def season_table(
    plays: pl.DataFrame, tables: PlayTables, *, min_attempts: int, min_games: int
) -> pl.DataFrame:
    """Passer-seasons that qualify, with their results and all ratings that are made of plays.

    Args:
        plays: scored plays; its throws have the column `completion_expected`.
        tables: all plays of the seasons, for the official statistics.
        min_attempts: fewest attempts of a regular season.
        min_games: fewest games as the team's most-used passer.

    Returns:
        What `passer_seasons` returns, of the seasons of the scored plays, and passing_score and
        throw_score (values of `rate`, of dropbacks and of throws), over_expectation
        (as passing_score, with the outcome less its expectation in place of the throw score),
        mean_play_score (of throws, every one alike), cpoe.

    Raises:
        ScoringError: no passer-season qualifies.
    """
    regular = plays.filter(pl.col("season_type") == "REG")
    years = regular["season"].unique().to_list()
    seasons = qualifying_seasons(tables, years, min_attempts=min_attempts, min_games=min_games)
    throws = regular.filter(~pl.col("sack"))
    completion = completion_over_expected(throws, throws["completion_expected"].to_numpy())
    return (
        seasons.join(season_values(regular, SCORE), on=WHO, how="left")
        .join(season_values(regular, THROWS), on=WHO, how="left")
        .join(season_values(regular, OVER_EXPECTATION), on=WHO, how="left")
        .join(
            throws.group_by(WHO).agg(pl.col("play_score").mean().alias(PLAY_MEAN)),
            on=WHO,
            how="left",
        )
        .join(completion.select(*WHO, CPOE), on=WHO, how="left")
    )


def season_values(regular: pl.DataFrame, rating: str) -> pl.DataFrame:
    """Season values of a rating that is a mean of plays, drawn towards the season's mean."""
    groups = nested_means(_valued(regular, rating), WHO, within="game_id").groups
    return groups.select(*WHO, pl.col("posterior").alias(rating))


def _valued(regular: pl.DataFrame, rating: str) -> pl.DataFrame:
    """Values and weights of plays for `nested_means`."""
    throw = ~pl.col("sack")
    gain = pl.when(throw).then(pl.col("outcome") - pl.col("expected") - pl.col("throw_score"))
    value = {
        SCORE: pl.col("standard_score"),
        THROWS: pl.col("throw_score"),
        OVER_EXPECTATION: pl.col("standard_score")
        + (gain - gain.mean().over("season")).fill_null(0.0),
    }[rating]
    rows = regular.filter(throw) if rating == THROWS else regular
    return rows.select(*_LEVELS, value.alias(VALUE), pl.col("leverage").alias(WEIGHT))


def correlations(
    table: pl.DataFrame, ratings: Sequence[str], outcome: str, kind: Kind, **options: Any
) -> dict[str, Any] | None:
    """Correlation of each rating with a column, and the differences to the first, as plain types.

    Rows without the outcome or any of the ratings are left out of all of them, and counted. None
    where fewer than three are left, of which there is no correlation to speak of.
    """
    rows = table.drop_nulls([*ratings, outcome])
    if rows.height < _FEWEST:
        return None
    found = bootstrap_correlations(
        {name: rows[name].cast(pl.Float64).to_numpy() for name in ratings},
        rows[outcome].cast(pl.Float64).to_numpy(),
        rows["passer_id"].to_numpy(),
        reference=ratings[0],
        kind=kind,
        **options,
    )
    return {
        "rows": found.rows,
        "left_out": table.height - found.rows,
        "passers": found.clusters,
        "ratings": {name: each._asdict() for name, each in found.ratings.items()},
        # The score less the rival, so that above 0 the score is ahead.
        "ahead_of": {name: _mirrored(each) for name, each in found.differences.items()},
    }


def _mirrored(difference: Correlation) -> dict[str, float]:
    return {
        "estimate": -difference.estimate,
        "standard_error": difference.standard_error,
        "low": -difference.high,
        "high": -difference.low,
    }


def stability(
    table: pl.DataFrame, plays: pl.DataFrame, tables: PlayTables, ratings: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Split-half reliability and season-to-season correlation of each rating, as plain types.

    Args:
        table: what `season_table` returns, perhaps with other ratings, which have no split halves.
        plays: scored plays.
        tables: all plays.
        ratings: columns of the table.

    Returns:
        By rating: season_to_season and split_half, None where the plays are too few: no passer
        in consecutive seasons, or none with two games.
    """
    halves = _split_halves(table, plays, tables)
    found: dict[str, dict[str, Any]] = {}
    for name in ratings:
        found[name] = {
            "season_to_season": _following(table.drop_nulls(name), name),
            "split_half": halves[name]._asdict() if name in halves else None,
        }
    return found


def _following(rows: pl.DataFrame, rating: str) -> dict[str, Any] | None:
    seasons = rows.select("passer_id", pl.col("season") + 1)
    if rows.join(seasons, on=["passer_id", "season"], how="semi").height < _FEWEST:
        return None
    years = season_to_season(
        rows[rating].cast(pl.Float64).to_numpy(),
        rows["season"].cast(pl.Int64).to_numpy(),
        rows["passer_id"].to_numpy(),
    )
    return years.correlation._asdict() | {"pairs": years.pairs}


def _split_halves(
    table: pl.DataFrame, plays: pl.DataFrame, tables: PlayTables
) -> Mapping[str, SplitHalf]:
    chosen = table.select(*WHO)
    regular = plays.filter(pl.col("season_type") == "REG").join(chosen, on=WHO, how="semi")
    games = regular.group_by(WHO).agg(pl.col("game_id").n_unique())
    if (games["game_id"] > 1).sum() < _FEWEST:
        return {}
    official = tables.passes.filter(pl.col("season_type") == "REG").join(chosen, on=WHO, how="semi")
    sacks = tables.snaps.filter((pl.col("season_type") == "REG") & (pl.col("kind") == "sack"))
    sacks = sacks.join(chosen, on=WHO, how="semi")
    counted = _official_totals(official, sacks)
    mean: Statistic = lambda t: t[..., 0] / t[..., 1]  # noqa: E731
    columns = ("attempts", "completions", "yards", "touchdowns", "interceptions")

    def of_counts(t: np.ndarray) -> np.ndarray:
        return passer_rating(*(t[..., i] for i in range(len(columns))))

    def net(t: np.ndarray) -> np.ndarray:
        return adjusted_net_yards(t[..., 0], t[..., 2], t[..., 3], t[..., 4], t[..., 5], t[..., 6])

    surplus = (
        regular.filter(~pl.col("sack"))
        .group_by(_LEVELS, maintain_order=True)
        .agg(
            total=(pl.col("complete").cast(pl.Float64) - pl.col("completion_expected")).sum(),
            score=pl.col("play_score").sum(),
            plays=pl.len(),
        )
    )
    statistics = {
        SCORE: (mean, _game_totals(regular, SCORE), ("total", "weight")),
        THROWS: (mean, _game_totals(regular, THROWS), ("total", "weight")),
        OVER_EXPECTATION: (mean, _game_totals(regular, OVER_EXPECTATION), ("total", "weight")),
        PLAY_MEAN: (mean, surplus, ("score", "plays")),
        CPOE: (mean, surplus, ("total", "plays")),
        RATING: (of_counts, counted, columns),
        ANY_A: (net, counted, (*columns, "sacks", "sack_yards")),
    }
    return {
        name: split_half_of(
            statistic,
            totals.select(pl.col(used).cast(pl.Float64)).to_numpy(),
            totals.select(pl.format("{} {}", *WHO)).to_series().to_numpy(),
            clusters=totals["passer_id"].to_numpy(),
        )
        for name, (statistic, totals, used) in statistics.items()
    }


def _game_totals(regular: pl.DataFrame, rating: str) -> pl.DataFrame:
    """Games with the weights that a season's mean gives them, so that halves are its halves."""
    found = nested_means(_valued(regular, rating), _LEVELS)
    precision = 1 / (pl.col("variance") + found.level_variances["game_id"])
    return found.groups.select(*_LEVELS, total=precision * pl.col("mean"), weight=precision)


def _official_totals(official: pl.DataFrame, sacks: pl.DataFrame) -> pl.DataFrame:
    """Statistics of each passer's games, those in which he was sacked but threw no pass too."""
    lost = sacks.group_by(_LEVELS).agg(
        sacks=pl.len(), sack_yards=-pl.col("yards").cast(pl.Int64).sum()
    )
    return (
        official.group_by(_LEVELS)
        .agg(
            attempts=pl.len(),
            completions=pl.col("complete").sum(),
            yards=pl.col("yards_gained").cast(pl.Int64).sum(),
            touchdowns=pl.col("pass_touchdown").sum(),
            interceptions=pl.col("interception").sum(),
        )
        .join(lost, on=_LEVELS, how="full", coalesce=True)
        .with_columns(pl.exclude(_LEVELS).fill_null(0))
        .sort(_LEVELS)  # which half a game is in depends on its place
    )
