"""The next score of the half, as seen by the offence of each snap: what expected points expect.

A touchdown counts 7 points, its try included as a rule and not as it went; a field goal 3; a
safety 2. Points of a try by itself are no score of their own. A half that ends without another
score has none, as has an overtime.
"""

from typing import Final

import polars as pl

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.plays.kinds import TRIES
from sbp_jax.nfl.require_columns import require_columns

NEXT_SCORES: Final = (-7, -3, -2, 0, 2, 3, 7)
"""Points of each kind of next score, of the other team below 0."""

TOUCHDOWN: Final = 7.0
SAFETY: Final = 2.0

_NEEDED: Final = (
    "game_id",
    "snap",
    "quarter",
    "kind",
    "home_team",
    "offense",
    "offense_score",
    "defense_score",
)
_NEEDED_OF_GAMES: Final = ("game_id", "home_score", "away_score")
HALF: Final = (
    pl.when(pl.col("quarter") <= 2)
    .then(1)
    .when(pl.col("quarter") <= 4)
    .then(2)
    .otherwise(3)
    .cast(pl.Int8)
)
"""First half, second half, overtime."""


def with_next_score(snaps: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Add the columns `next_score` and `half` to the snaps, sorted by game and snap.

    Args:
        snaps: the snaps table.
        games: the games table, for the final scores.

    Returns:
        All snaps; `next_score` (points, for the offence) is null in games whose scores do not add
        up.

    Raises:
        PointsError: a column is missing, or a snap's game is not among the games.
    """
    require_columns("snaps", snaps, _NEEDED, PointsError)
    require_columns("games", games, _NEEDED_OF_GAMES, PointsError)
    final = games.select(_NEEDED_OF_GAMES)
    known = snaps.join(final, on="game_id", how="anti")
    if known.height:
        raise PointsError(f"games: expected game {known['game_id'][0]} of the snaps, got none")
    at_home = pl.col("offense") == pl.col("home_team")
    home = pl.when(at_home).then("offense_score").otherwise("defense_score").cast(pl.Int16)
    away = pl.when(at_home).then("defense_score").otherwise("offense_score").cast(pl.Int16)
    ours, theirs = pl.col("_home_event"), pl.col("_away_event")
    # Where both scored before the next snap (a returned try), the touchdown is the score.
    event = pl.when(ours >= theirs).then(ours).otherwise(-theirs)
    following = (
        pl.when(event != 0).then(event).fill_null(strategy="backward").over("game_id", "half")
    )
    return (
        snaps.join(final, on="game_id", maintain_order="left")
        .sort("game_id", "snap")
        .with_columns(half=HALF)
        .with_columns(
            _home_event=_event(home, pl.col("home_score")),
            _away_event=_event(away, pl.col("away_score")),
        )
        .with_columns(_next=following.fill_null(0))
        .with_columns(
            next_score=pl.when(pl.col("offense_score").is_not_null()).then(
                pl.when(at_home).then("_next").otherwise(-pl.col("_next"))
            )
        )
        .drop("_home_event", "_away_event", "_next", "home_score", "away_score")
    )


def _event(score: pl.Expr, final: pl.Expr) -> pl.Expr:
    """Points of what a team scored on each snap: the step of its score to the next snap."""
    step = score.shift(-1).over("game_id").fill_null(final.cast(pl.Int16)) - score
    is_try = pl.col("kind").is_in(tuple(TRIES))
    return (
        pl.when(step >= 6)  # some touchdowns come with the points of a try that the feed lacks
        .then(7)
        .when(step == 3)
        .then(3)
        .when((step == 2) & ~is_try)
        .then(2)
        .otherwise(0)
    )
