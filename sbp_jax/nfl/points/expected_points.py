"""Expected points: what the next score of the half is worth on average to the team with the ball.

A multinomial logistic regression for the kind of the next score, on down, distance, field position
and time left in the half [1]; expected points are the mean of its points.

References:
    [1] Yurko, Ventura, Horowitz (2019), "nflWAR: a reproducible method for offensive player
    evaluation in football", Journal of Quantitative Analysis in Sports 15.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.clock import HALF_SECONDS
from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.plays.kinds import SCRIMMAGE
from sbp_jax.nfl.points.logit import Logit, fit_logit
from sbp_jax.nfl.points.next_score import NEXT_SCORES, with_next_score
from sbp_jax.nfl.points.situation import SITUATION, situation_features
from sbp_jax.nfl.require_columns import require_columns

_NEEDED: Final = ("season", "clock_seconds", "down", "yards_to_go", "yards_to_endzone")
_KINDS: Final = (*sorted(SCRIMMAGE), "punt", "field_goal", "no_play")


@dataclass(frozen=True)
class ExpectedPoints:
    """A fitted model.

    Attributes:
        logit: probabilities of `NEXT_SCORES` from a situation.
        snaps: how many it was fitted to.
        left_out: snaps from scrimmage that were not used, as their game's scores do not add up or
            the feed lacks their down or place.
    """

    logit: Logit
    snaps: int
    left_out: int

    def points(self, situations: pl.DataFrame) -> Float[np.ndarray, " B"]:
        """Expected points of the team with the ball, from the columns of `SITUATION`."""
        return self.points_of(situation_features(situations))

    def points_of(self, features: Float[np.ndarray, "B F"]) -> Float[np.ndarray, " B"]:
        """Likewise from a matrix of `situation_features`, which several models can share."""
        return self.logit.probabilities(features) @ np.array(NEXT_SCORES, np.float64)


def snap_situations(snaps: pl.DataFrame, games: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Snaps that expected points can be learnt from, and how many cannot.

    Args:
        snaps: the snaps table.
        games: the games table.

    Returns:
        Rows with game_id, season, the columns of `SITUATION`, and next_score; and the number of
        snaps from scrimmage (punts, field goals and penalties in their place are some) that are
        left out.

    Raises:
        PointsError: a column is missing, or a snap's game is not among the games.
    """
    require_columns("snaps", snaps, _NEEDED, PointsError)
    played = with_next_score(snaps, games).filter(pl.col("kind").is_in(_KINDS))
    kept = (
        played.with_columns(half_seconds=HALF_SECONDS)
        .drop_nulls(["next_score", "down", "yards_to_go", "yards_to_endzone"])
        .filter(pl.col("yards_to_go") >= 0)
        .select("game_id", "season", *SITUATION, "next_score")
    )
    return kept, played.height - kept.height


def fit_expected_points(
    snaps: pl.DataFrame, games: pl.DataFrame, *, without: Sequence[Sequence[int]] = ((),)
) -> list[ExpectedPoints]:
    """Fit one model for each set of seasons that it must not see.

    Args:
        snaps: the snaps table.
        games: the games table.
        without: seasons to leave out, a set for each model.

    Raises:
        PointsError: a column is missing, or no snap is left to fit to.
    """
    situations, left_out = snap_situations(snaps, games)
    if situations.is_empty():
        raise PointsError("snaps: expected some from scrimmage in games with scores, got none")
    features = situation_features(situations)
    classes = np.searchsorted(NEXT_SCORES, situations["next_score"].to_numpy())
    models = []
    for seasons in without:
        used = ~situations["season"].is_in(list(seasons)).to_numpy()
        if not used.any():
            raise PointsError(f"without: expected some seasons to be left, got all: {seasons}")
        logit = fit_logit(features[used], classes[used], len(NEXT_SCORES))
        models.append(ExpectedPoints(logit, int(used.sum()), left_out))
    return models
