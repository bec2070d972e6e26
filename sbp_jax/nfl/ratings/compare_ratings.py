"""Ratings of the same passer-seasons side by side: how they follow winning, how stable they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from sbp_jax.evaluation.correlation import Correlation, Kind, bootstrap_correlations
from sbp_jax.evaluation.reliability import SplitHalf, split_half_of
from sbp_jax.evaluation.season_to_season import season_to_season
from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays import PlayTables
from sbp_jax.nfl.ratings.own_ratings import OWN_RATINGS
from sbp_jax.nfl.ratings.passer_seasons import passer_seasons
from sbp_jax.nfl.ratings.rating import WHO, Rating, RegularPlays
from sbp_jax.nfl.ratings.rival_ratings import RIVAL_RATINGS

RATINGS: Final[Mapping[str, Rating]] = {**OWN_RATINGS, **RIVAL_RATINGS}
"""All ratings that are made of plays, by their columns; others are compared with the first."""

OTHER: Final = "other"
"""The rating that was not made of plays."""

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
    plays: pl.DataFrame,
    tables: PlayTables,
    ratings: Mapping[str, Rating] = RATINGS,
    *,
    min_attempts: int,
    min_games: int,
) -> pl.DataFrame:
    """Passer-seasons that qualify, with their results and all ratings that are made of plays.

    Args:
        plays: scored plays; its throws have the column `completion_expected`.
        tables: all plays of the seasons, for the official statistics.
        ratings: by name.
        min_attempts: fewest attempts of a regular season.
        min_games: fewest games as the team's most-used passer.

    Returns:
        What `passer_seasons` returns, of the seasons of the scored plays, and a column for each of
        the ratings that it lacks.

    Raises:
        ScoringError: no passer-season qualifies.
    """
    regular = RegularPlays.of_tables(plays, tables)
    years = regular.scored["season"].unique().to_list()
    table = qualifying_seasons(tables, years, min_attempts=min_attempts, min_games=min_games)
    for name, rating in ratings.items():
        if rating.values is not None:
            values = rating.values(regular).select(*WHO, name)
            table = table.join(values, on=WHO, how="left", maintain_order="left")
    return table


def compare_ratings(
    table: pl.DataFrame, plays: pl.DataFrame, tables: PlayTables, ratings: Mapping[str, Rating]
) -> dict[str, Any]:
    """Correlations and stability of all ratings, on all passer-seasons and where all are known.

    Args:
        table: what `season_table` returns, perhaps with the ratings `OTHER`.
        plays: scored plays.
        tables: all plays of the seasons.
        ratings: by their columns of the table.
    """
    every, own = list(ratings), [name for name in ratings if name != OTHER]
    seasons = sorted(table["season"].unique())
    first, second = seasons[: len(seasons) // 2], seasons[len(seasons) // 2 :]
    found: dict[str, Any] = {"stability": stability(table, plays, tables, ratings)}
    for suffix, compared in (("", own), ("_with_other", every)):
        if suffix and OTHER not in ratings:
            continue
        found[f"wins{suffix}"] = correlations(table, compared, "win_percent", "pearson")
        found[f"wins_spearman{suffix}"] = correlations(table, compared, "win_percent", "spearman")
        found[f"playoffs{suffix}"] = correlations(table, compared, "playoffs", "pearson")
    for name, years in (("first", first), ("second", second)):
        half = table.filter(pl.col("season").is_in(years))
        found[f"wins_{name}_half"] = correlations(half, own, "win_percent", "pearson")
    return found


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
    table: pl.DataFrame, plays: pl.DataFrame, tables: PlayTables, ratings: Mapping[str, Rating]
) -> dict[str, dict[str, Any]]:
    """Split-half reliability and season-to-season correlation of each rating, as plain types.

    Args:
        table: what `season_table` returns.
        plays: scored plays.
        tables: all plays.
        ratings: by their columns of the table.

    Returns:
        By rating: season_to_season and split_half, None where the plays are too few: no passer
        in consecutive seasons, or none with two games.
    """
    halves = _split_halves(RegularPlays.of_tables(plays, tables).of_passers(table), ratings)
    return {
        name: {
            "season_to_season": _following(table.drop_nulls(name), name),
            "split_half": halves[name]._asdict() if name in halves else None,
        }
        for name in ratings
    }


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


def _split_halves(plays: RegularPlays, ratings: Mapping[str, Rating]) -> Mapping[str, SplitHalf]:
    games = plays.scored.group_by(WHO, maintain_order=True).agg(pl.col("game_id").n_unique())
    if (games["game_id"] > 1).sum() < _FEWEST:
        return {}
    found = {}
    for name, rating in ratings.items():
        if rating.halves is not None:
            statistic, totals, columns = rating.halves(plays)
            found[name] = split_half_of(
                statistic,
                totals.select(pl.col(columns).cast(pl.Float64)).to_numpy(),
                totals.select(pl.format("{} {}", *WHO)).to_series().to_numpy(),
                clusters=totals["passer_id"].to_numpy(),
            )
    return found
