"""Ratings by others joined to the passers of the plays.

Two sources have no player id in common. Passers are joined on the season, the name (first initial
and last name, see `player_names`) and the team:

- a name that stands once in a season on either side is one passer, whatever the teams: a source
  may list a passer under the team he moved to;
- a name that stands more than once is matched where the teams agree, and only there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.require_columns import require_columns
from sbp_jax.nfl.rivals.player_names import name_key

_OURS: Final = ("season", "passer_name", "team")
_THEIRS: Final = ("row", "season", "name", "team", "rating")
_SHOWN: Final = 3  # examples of a kind in a report


@dataclass(frozen=True)
class JoinReport:
    """What became of both sides of a join; every name is "season name team".

    Attributes:
        matched: passers who got a rating.
        other_team: those of them whom the ratings have with another team.
        without_rating: passers who got none.
        without_passer: ratings that none of the passers got.
    """

    matched: int
    other_team: tuple[str, ...]
    without_rating: tuple[str, ...]
    without_passer: tuple[str, ...]

    def __str__(self) -> str:
        """A line for each kind, with its first examples."""
        return "\n".join(
            [
                f"{self.matched} passers have a rating",
                _counted(self.other_team, "of them with another team"),
                _counted(self.without_rating, "passers without a rating"),
                _counted(self.without_passer, "ratings without a passer"),
            ]
        )


def join_ratings(
    passer_seasons: pl.DataFrame,
    ratings: pl.DataFrame,
    *,
    aliases: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, JoinReport]:
    """Give each passer of a season his rating; rules at the top of this module.

    Args:
        passer_seasons: columns season, passer_name and team, as `passer_seasons` returns them.
            Passers who are of no interest are best left out before: a name then stands less often
            more than once.
        ratings: as `read_ratings` returns them.
        aliases: names of the ratings as they are written there, and what the plays call them
            ("Chad Johnson": "C.Ochocinco").

    Returns:
        The passers' rows and columns with a column `rating`, null where there is none, and a
        report.

    Raises:
        ScoringError: a column is missing, there already is a rating, or a name stands more than
            once in a season and the team does not tell whose the rating is.

    >>> ours = pl.DataFrame({"season": [2018], "passer_name": ["J.Goff"], "team": ["LA"]})
    >>> theirs = pl.DataFrame(
    ...     [(1, 2018, "Jared Goff", "LA", 65.5)],
    ...     schema=["row", "season", "name", "team", "rating"],
    ...     orient="row",
    ... )
    >>> joined, report = join_ratings(ours, theirs)
    >>> joined["rating"].to_list(), report.matched
    ([65.5], 1)
    """
    _check(passer_seasons, ratings)
    ours = passer_seasons.select(
        pl.col("season").cast(pl.Int64), key=name_key(pl.col("passer_name")), team="team"
    ).with_row_index("at")
    theirs = ratings.select(
        pl.col("season").cast(pl.Int64),
        "row",
        "rating",
        key=name_key(pl.col("name").replace(aliases or {})),
        their_team="team",
    )
    pairs = _matched(ours, theirs)
    found = ours.join(pairs.select("at", "rating"), on="at", how="left", maintain_order="left")
    other = pairs.filter(~pl.col("agree"))
    report = JoinReport(
        matched=len(pairs),
        other_team=_names(ratings.filter(pl.col("row").is_in(other["row"].implode())), "name"),
        without_rating=_names(
            passer_seasons.filter(found["rating"].is_null()),
            "passer_name",
        ),
        without_passer=_names(ratings.filter(~pl.col("row").is_in(pairs["row"].implode())), "name"),
    )
    return passer_seasons.with_columns(found["rating"]), report


def _matched(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a passer and his rating."""
    who = ["season", "key"]
    pairs = ours.join(theirs, on=who).with_columns(
        # All passers of a name meet all ratings of it.
        once=pl.len().over(who) == 1,
        agree=pl.col("team") == pl.col("their_team"),
    )
    # A rating without a team could be any passer's of that name.
    kept = pairs.filter(pl.col("once") | pl.col("agree").fill_null(value=True))
    shared = pl.col("at").is_duplicated() | pl.col("row").is_duplicated()
    if len(unclear := kept.filter(shared).sort("row")):
        first = unclear.row(0, named=True)
        same = unclear.filter(season=first["season"], key=first["key"])
        rows = ", ".join(map(str, same["row"].unique().sort()))
        raise ScoringError(
            f"ratings: expected one passer for each, got the name {first['key']!r} of "
            f"{first['season']} for {same['at'].n_unique()} passers and in rows {rows}, and the "
            f"teams do not tell them apart"
        )
    return kept


def _check(passer_seasons: pl.DataFrame, ratings: pl.DataFrame) -> None:
    for name, table, columns in (
        ("passer_seasons", passer_seasons, _OURS),
        ("ratings", ratings, _THEIRS),
    ):
        require_columns(name, table, columns, ScoringError)
    if "rating" in passer_seasons.columns:
        raise ScoringError("passer_seasons: expected no column rating yet, got one")


def _names(table: pl.DataFrame, name: str) -> tuple[str, ...]:
    """Season, name and team of each row."""
    parts = [pl.col("season").cast(pl.String), pl.col(name), pl.col("team")]
    return tuple(table.select(pl.concat_str(parts, separator=" ", ignore_nulls=True)).to_series())


def _counted(names: tuple[str, ...], what: str) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} {what}" + (f": {', '.join(names[:_SHOWN])}{more}" if names else "")
