"""Ratings that the user has from elsewhere, beside those that are made of plays."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sbp_jax.nfl.rivals.other_ratings import read_ratings


@dataclass(frozen=True)
class OtherRatings:
    """Ratings from a CSV of the user's; the defaults fit ESPN's QBR as espnscrapeR publishes it.

    Attributes:
        file: the CSV; none is compared if left out.
        label: what tables and figures call it.
        name: column of the passer's name.
        rating: column of the rating.
        team: column of the team's code; an empty one says that there is none.
        season: column of the season.
        where: SQL condition on the file's columns that picks rows; an empty one takes all.
    """

    file: Path | None = None
    label: str = "ESPN QBR"
    name: str = "name_display"
    rating: str = "qbr_total"
    team: str = "team_abb"
    season: str = "season"
    where: str = "season_type = 'Regular'"


def read_other(config: OtherRatings) -> pl.DataFrame | None:
    """The other ratings, if any are asked for."""
    if config.file is None:
        return None
    return read_ratings(
        config.file,
        name=config.name,
        rating=config.rating,
        team=config.team or None,
        season=config.season,
        where=config.where or None,
    )


def digest_of(config: OtherRatings, other: pl.DataFrame | None) -> str | None:
    """What tells one set of other ratings from another."""
    if other is None:
        return None
    return hashlib.sha256(f"{config.label}\n{other.write_csv()}".encode()).hexdigest()
