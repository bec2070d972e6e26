"""Ratings that others invented, made of the same plays."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.ratings.rating import GAME, WHO, GameTotals, Rating, RegularPlays, ratio
from sbp_jax.nfl.rivals.completion import completion_over_expected
from sbp_jax.nfl.rivals.passer_rating import adjusted_net_yards, passer_rating

RATING: Final = "passer_rating"
ANY_A: Final = "any_a"
CPOE: Final = "cpoe"

_COUNTS: Final = ("attempts", "completions", "yards", "touchdowns", "interceptions")

Totals = Float[np.ndarray, "*any k"]


def _rating_of_counts(t: Totals) -> Float[np.ndarray, "*any"]:
    return passer_rating(*(t[..., i] for i in range(len(_COUNTS))))


def _net_yards_of_counts(t: Totals) -> Float[np.ndarray, "*any"]:
    return adjusted_net_yards(t[..., 0], t[..., 2], t[..., 3], t[..., 4], t[..., 5], t[..., 6])


def _official_totals(plays: RegularPlays) -> pl.DataFrame:
    """Statistics of each passer's games, those in which he was sacked but threw no pass too."""
    lost = plays.sacks.group_by(GAME, maintain_order=True).agg(
        sacks=pl.len(), sack_yards=-pl.col("yards").cast(pl.Int64).sum()
    )
    return (
        plays.passes.group_by(GAME, maintain_order=True)
        .agg(
            attempts=pl.len(),
            completions=pl.col("complete").sum(),
            yards=pl.col("yards_gained").cast(pl.Int64).sum(),
            touchdowns=pl.col("pass_touchdown").sum(),
            interceptions=pl.col("interception").sum(),
        )
        .join(lost, on=GAME, how="full", coalesce=True)
        .with_columns(pl.exclude(GAME).fill_null(0))
        .sort(GAME)  # which half a game is in depends on its place
    )


def _completions(plays: RegularPlays) -> pl.DataFrame:
    expected = plays.throws["completion_expected"].to_numpy()
    return completion_over_expected(plays.throws, expected).select(*WHO, CPOE)


def _completion_totals(plays: RegularPlays) -> GameTotals:
    surplus = (pl.col("complete").cast(pl.Float64) - pl.col("completion_expected")).sum()
    games = plays.throws.group_by(GAME, maintain_order=True)
    return GameTotals(ratio, games.agg(total=surplus, plays=pl.len()), ("total", "plays"))


RIVAL_RATINGS: Final[Mapping[str, Rating]] = {
    RATING: Rating(
        "NFL passer rating",
        halves=lambda plays: GameTotals(_rating_of_counts, _official_totals(plays), _COUNTS),
        shown=True,
    ),
    ANY_A: Rating(
        "adjusted net yards/att.",
        halves=lambda plays: GameTotals(
            _net_yards_of_counts, _official_totals(plays), (*_COUNTS, "sacks", "sack_yards")
        ),
        shown=True,
    ),
    CPOE: Rating("completion % over expected", _completions, _completion_totals, shown=True),
}
"""By name; the table of passer-seasons has the first two."""
