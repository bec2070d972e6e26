r"""Passers rated by the mean of their standardised play scores, season by season.

With v the mean standardised score of a passer in a season, and mu and sigma the mean and the
standard deviation (divisor q - 1) of v over the season's q qualified passers:

    scaled score = 85.7 + 4.7 (v - mu) / sigma        clipped to 50 ... 99

so the average qualified passer has 85.7 and two thirds of them are between 81 and 90. The two
constants are those that the published Next Gen Stats scores of ten passer-seasons suggest,
there on the normal quantile of the rank; a linear map of v keeps how far apart passers are and
lets the standard error of v go through it. A passer with too few attempts gets his scaled score
by the same map but no rank.
"""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.scoring.errors import ScoringError
from sbp_jax.scoring.play_score import standardise

MIN_ATTEMPTS: Final = 224
"""Attempts a season that qualify: 14 for each of 16 team games."""

CENTRE: Final = 85.7
SPREAD: Final = 4.7
LIMITS: Final = (50.0, 99.0)
_NORMAL_95: Final = 1.96  # half width of a 95 % interval, in standard errors

_PASSES: Final = {
    "season": pl.Int64,
    "game_id": pl.String,
    "passer_id": pl.String,
    "passer_name": pl.String,
    "offense": pl.String,
    "complete": pl.Boolean,
    "yards_gained": pl.Int64,
    "pass_touchdown": pl.Boolean,
    "interception": pl.Boolean,
}
"""Columns of the passes table that are read here, and as what."""


def rate_passers(
    passes: pl.DataFrame, scores: Float[np.ndarray, " B"], *, min_attempts: int = MIN_ATTEMPTS
) -> pl.DataFrame:
    """Rate every passer in every season; formula at the top of this module.

    Players are told apart by id, as two may share a name. What counts as an attempt is decided
    by the rows given; the minimum is meant for a regular season.

    Args:
        passes: (B rows) of the passes table.
        scores: (B,) play scores in [0, 1] of the same rows (`play_scores`).
        min_attempts: fewest attempts that qualify a passer in a season.

    Returns:
        One row per season and passer, by season, the qualified in order of rank, then the
        others in order of scaled score:

        - season, passer_id; passer_name, the most frequent spelling; teams, those passed for,
          in order of play, as "OAK/DAL";
        - rank among the qualified (null for others; equal values share the better rank);
        - scaled_score, 50 to 99, and the 95 % interval scaled_low, scaled_high by the same map
          (null in a season with fewer than two qualified passers), mu and sigma taken as known;
        - attempts, games, qualified;
        - mean_score, mean play score, 1/2 being what the model expects;
        - standardised, mean standardised score, and standard_error, with games as units (null
          with a single game);
        - completion_percent, yards, touchdowns, interceptions, for orientation.

    Raises:
        ScoringError: a column is missing, no rows, a different number of scores, one that is not
            finite, or a row without season, game or passer.

    >>> passes = pl.DataFrame(
    ...     {
    ...         "season": [2018] * 4,
    ...         "game_id": ["a", "b", "a", "b"],
    ...         "passer_id": ["1", "1", "2", "2"],
    ...         "passer_name": ["A.One", "A.One", "B.Two", "B.Two"],
    ...         "offense": ["KC"] * 4,
    ...         "complete": [True, False, True, True],
    ...         "yards_gained": [5, 0, 12, 9],
    ...         "pass_touchdown": [False] * 4,
    ...         "interception": [False, True, False, False],
    ...     }
    ... )
    >>> ratings = rate_passers(passes, np.array([0.4, 0.2, 0.9, 0.7]), min_attempts=2)
    >>> ratings.select("rank", "passer_name", pl.col("mean_score", "scaled_score").round(1)).rows()
    [(1, 'B.Two', 0.8, 89.0), (2, 'A.One', 0.3, 82.4)]
    """
    plays = _joined(passes, np.asarray(scores, np.float64))
    table = (
        _by_season_and_passer(plays)
        .with_columns(qualified=pl.col("attempts") >= min_attempts)
        .with_columns(_scaled())
    )
    order = pl.col("standardised").rank("min", descending=True).over("season", "qualified")
    rank = pl.when("qualified").then(order.cast(pl.Int32)).alias("rank")
    return (
        table.with_columns(rank)
        .sort(
            ["season", "qualified", "standardised", "attempts", "passer_id"],
            descending=[False, True, True, True, False],
        )
        .select(
            "season",
            "rank",
            "passer_id",
            "passer_name",
            "teams",
            "scaled_score",
            "scaled_low",
            "scaled_high",
            "attempts",
            "games",
            "qualified",
            "mean_score",
            "standardised",
            "standard_error",
            "completion_percent",
            "yards",
            "touchdowns",
            "interceptions",
        )
    )


def _joined(passes: pl.DataFrame, scores: np.ndarray) -> pl.DataFrame:
    """The columns that are needed, with the score and the standardised score of each play."""
    if missing := [name for name in _PASSES if name not in passes.columns]:
        raise ScoringError(f"passes: expected the columns {', '.join(missing)}, which are missing")
    if scores.shape != (passes.height,):
        raise ScoringError(
            f"scores: expected one for each of {passes.height} passes, got shape {scores.shape}"
        )
    if not passes.height:
        raise ScoringError("passes: expected at least one, got an empty set")
    if not np.isfinite(scores).all():
        row = int(np.argmin(np.isfinite(scores)))
        raise ScoringError(f"scores: expected finite numbers, got {scores[row]} in row {row}")
    for name in ("season", "game_id", "passer_id"):
        if count := passes[name].null_count():
            raise ScoringError(f"passes: expected {name} in every row, got null in {count}")
    columns = [pl.col(name).cast(dtype) for name, dtype in _PASSES.items()]
    return passes.select(columns).with_columns(
        score=pl.Series(scores),
        standard=pl.Series(standardise(scores, passes["season"].to_numpy())),
    )


def _by_season_and_passer(plays: pl.DataFrame) -> pl.DataFrame:
    who = ["season", "passer_id"]
    # Standard error of a mean over plays with games as units: see `evaluation.compare`.
    games = plays.group_by(*who, "game_id").agg(
        total=pl.col("standard").sum(), plays=pl.len().cast(pl.Float64)
    )
    mean = pl.col("total").sum() / pl.col("plays").sum()
    scatter = ((pl.col("total") - pl.col("plays") * mean) ** 2).sum()
    several = pl.when(pl.len() > 1).then(pl.len() / (pl.len() - 1.0))
    errors = games.group_by(who).agg(
        games=pl.len().cast(pl.Int32),
        standard_error=(several * scatter).sqrt() / pl.col("plays").sum(),
    )
    # Game ids begin with the date; ties between spellings go to the first in the alphabet.
    totals = (
        plays.sort("game_id", maintain_order=True)
        .group_by(who)
        .agg(
            passer_name=pl.col("passer_name").drop_nulls().sort().mode(maintain_order=True).first(),
            teams=pl.col("offense").drop_nulls().unique(maintain_order=True).str.join("/"),
            attempts=pl.len().cast(pl.Int32),
            mean_score=pl.col("score").mean(),
            standardised=pl.col("standard").mean(),
            completion_percent=100 * pl.col("complete").mean(),
            yards=pl.col("yards_gained").sum(),
            touchdowns=pl.col("pass_touchdown").sum().cast(pl.Int32),
            interceptions=pl.col("interception").sum().cast(pl.Int32),
        )
    )
    return totals.join(errors, on=who)


def _scaled() -> list[pl.Expr]:
    """The scaled score and its interval, from the columns standardised and qualified."""
    value, half = pl.col("standardised"), _NORMAL_95 * pl.col("standard_error")
    among = value.filter(pl.col("qualified"))
    mean, spread = among.mean().over("season"), among.std().over("season")

    def scale(x: pl.Expr) -> pl.Expr:
        # Passers who are all equal are all average; no spread at all (null) is no scale.
        steps = pl.when(spread > 0).then((x - mean) / spread).when(spread == 0).then(0.0)
        return (CENTRE + SPREAD * steps).clip(*LIMITS)

    return [
        scale(value).alias("scaled_score"),
        scale(value - half).alias("scaled_low"),
        scale(value + half).alias("scaled_high"),
    ]
