"""What a rating asks of the plays and of the columns that they are grouped by."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from sbp_jax.nfl.errors import ScoringError

_NEEDED: Final = (
    "season",
    "game_id",
    "passer_id",
    "passer_name",
    "offense",
    "complete",
    "yards_gained",
    "pass_touchdown",
    "interception",
    "play_score",
    "throw_score",
    "standard_score",
    "sack",
    "leverage",
)

_OF_THE_TABLE: Final = frozenset(
    {
        "rank",
        "score",
        "score_low",
        "score_high",
        "own_score",
        "attempts",
        "sacks",
        "games",
        "qualified",
        "mean",
        "standard_error",
        "value",
        "value_error",
        "mean_play_score",
        "completion_percent",
        "yards",
        "touchdowns",
        "interceptions",
    }
)
_ON_THE_WAY: Final = frozenset(
    {"weight", "plays", "variance", "parent", "posterior", "posterior_variance"}
)
_OF_PASSERS: Final = frozenset({"passer_name", "teams"})


def check_plays(plays: pl.DataFrame) -> None:
    """Refuse plays that cannot be rated.

    Raises:
        ScoringError: a column is missing, no plays, a score that is not finite, or a leverage that
            is not above 0.
    """
    if missing := [name for name in _NEEDED if name not in plays.columns]:
        raise ScoringError(
            f"plays: expected scored plays, got none of the columns {', '.join(missing)}"
        )
    if plays.is_empty():
        raise ScoringError("plays: expected at least one, got an empty set")
    for name in ("standard_score", "throw_score", "play_score", "leverage"):
        fine, what = pl.col(name).is_finite(), "finite numbers"
        if name == "play_score":
            fine = fine | pl.col("sack")  # which has none
        if name == "leverage":
            fine, what = fine & (pl.col(name) > 0), "finite numbers above 0"
        bad = plays.filter(~fine.fill_null(value=False))
        if bad.height:
            raise ScoringError(
                f"plays: expected {what} in {name}, got {bad[name][0]} in {bad.height} rows"
            )


def check_groups(by: Sequence[str]) -> None:
    """Refuse columns to group by that are called as a column of the ratings is.

    Raises:
        ScoringError: there is such a one.
    """
    taken = _OF_THE_TABLE | _ON_THE_WAY | (_OF_PASSERS if "passer_id" in by else set())
    if clash := [name for name in by if name in taken]:
        raise ScoringError(
            f"by: expected names that ratings have not got, got {', '.join(clash)}; "
            "write ... AS another_name"
        )
