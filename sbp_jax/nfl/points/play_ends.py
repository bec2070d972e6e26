"""Situations before and after plays from scrimmage, for models of expected points to value."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from sbp_jax.nfl.clock import HALF_SECONDS
from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.points.expected_points import ExpectedPoints
from sbp_jax.nfl.points.next_score import SAFETY, TOUCHDOWN
from sbp_jax.nfl.points.situation import situation_features
from sbp_jax.nfl.require_columns import require_columns

PLAY_SECONDS: Final = 6
TOUCHBACK: Final = 80
"""Yards to the end zone after a change of possession in it."""

_NEEDED: Final = ("down", "yards_to_go", "yards_to_endzone")

Rows = Int[np.ndarray, " B"]
Flags = Bool[np.ndarray, " B"]


class End(NamedTuple):
    """How plays could end: the situation after them, and whose that is.

    Attributes:
        features: (B, F) of the next situation.
        sign: (B,) 1 where the offence has the ball, -1 where the other team has.
        points: (B,) points instead of the situation's, NaN where it is the situation's.
    """

    features: Float[np.ndarray, "B F"]
    sign: Float[np.ndarray, " B"]
    points: Float[np.ndarray, " B"]

    def worth(self, model: ExpectedPoints) -> Float[np.ndarray, " B"]:
        """Points to the offence."""
        then = self.sign * model.points_of(self.features)
        return np.where(np.isnan(self.points), then, self.points)


class Start:
    """The situation before each play, and the situations that its ends make of it.

    Args:
        plays: rows of the passes or the snaps table, with down, distance and place
            (`can_be_valued`).

    Raises:
        PointsError: a column is missing or null.
    """

    def __init__(self, plays: pl.DataFrame) -> None:
        for name in _NEEDED:
            if count := _column(plays, name).null_count():
                raise PointsError(f"plays: expected {name} in every row, got null in {count}")
        clock = pl.DataFrame([_column(plays, name) for name in ("quarter", "clock_seconds")])
        self.down = whole_numbers(plays, "down")
        self.to_go = np.maximum(whole_numbers(plays, "yards_to_go"), 0)
        self.field = np.clip(whole_numbers(plays, "yards_to_endzone"), 1, 99)
        self.seconds = whole_numbers(clock.select(half_seconds=HALF_SECONDS), "half_seconds")
        self.features = _features(self.down, self.to_go, self.field, self.seconds)

    def after(self, yards: Rows, touchdown: Flags, fumbled: Flags | None = None) -> End:
        """After a play of some yards by the offence, short of the goal line if it did not score.

        A loss into the own end zone is a safety. Where the ball was fumbled away the other team
        has it there, as after a fourth down that falls short.
        """
        field = np.clip(self.field - yards, 1, 99)
        made = (yards >= self.to_go) & (yards > 0)
        lost = ~made & (self.down == 4)
        if fumbled is not None:
            made, lost = made & ~fumbled, lost | fumbled
        features = _features(
            np.where(made | lost, 1, np.minimum(self.down + 1, 4)),
            np.where(
                made,
                np.minimum(field, 10),
                np.where(lost, np.minimum(100 - field, 10), self.to_go - yards),
            ),
            np.where(lost, 100 - field, field),
            self._later(),
        )
        safety = ~touchdown & (self.field - yards >= 100)
        points = np.where(touchdown, TOUCHDOWN, np.where(safety, -SAFETY, np.nan))
        return End(features, np.where(lost, -1.0, 1.0), points)

    def turnover(self, air: Rows, returned: Rows, touchdown: Flags) -> End:
        """After an interception and its return: the other team's first down."""
        depth = self.field - air  # yards short of the end zone; at most 0 within it
        touchback = (depth <= 0) & (returned <= -depth)
        field = np.where(touchback, TOUCHBACK, np.clip(100 - depth - returned, 1, 99))
        features = _features(np.ones_like(field), np.minimum(field, 10), field, self._later())
        return End(features, -np.ones(len(field)), np.where(touchdown, -TOUCHDOWN, np.nan))

    def _later(self) -> Rows:
        return np.maximum(self.seconds - PLAY_SECONDS, 0)


def can_be_valued() -> pl.Expr:
    """Whether the feed has what the value of a play needs: down, distance and place."""
    return pl.all_horizontal(pl.col(name).is_not_null() for name in _NEEDED)


def whole_numbers(plays: pl.DataFrame, name: str) -> Rows:
    """A column of whole numbers, 0 where it is null."""
    return _column(plays, name).cast(pl.Int64).fill_null(0).to_numpy()


def flags(plays: pl.DataFrame, name: str) -> Flags:
    """A column of flags, False where it is null."""
    return _column(plays, name).fill_null(value=False).to_numpy()


def _column(plays: pl.DataFrame, name: str) -> pl.Series:
    require_columns("plays", plays, [name], PointsError)
    return plays[name]


def _features(down: Rows, to_go: Rows, field: Rows, seconds: Rows) -> Float[np.ndarray, "B F"]:
    return situation_features(
        pl.DataFrame(
            {
                "down": down,
                "yards_to_go": np.clip(to_go, 0, 99),
                "yards_to_endzone": field,
                "half_seconds": seconds,
            }
        )
    )
