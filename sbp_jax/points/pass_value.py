"""What a pass was worth: expected points after it less expected points before it.

    touchdown                 7 - before
    complete, incomplete      expected points at the new down and place - before; a failed fourth
                              down is the other team's ball there
    interception              - expected points of the other team where the return ended - before;
                              -7 - before if it was returned for a touchdown

A return ends at the line of scrimmage plus air yards less the return; an interception in the end
zone that is not brought out goes to the 20. So an interception costs what it costs: a long one on
third down little, one at the goal line much. The value is that of the throw and the run after the
catch as the statistics give them: a fumble after the catch, a penalty, and what the feed says of
the next snap are not in it. Six seconds pass.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from sbp_jax.points.errors import PointsError
from sbp_jax.points.expected_points import ExpectedPoints
from sbp_jax.points.next_score import TOUCHDOWN
from sbp_jax.points.situation import HALF_SECONDS, situation_features

PLAY_SECONDS: Final = 6
TOUCHBACK: Final = 80  # yards to the end zone after an interception in it
_NEEDED: Final = ("down", "yards_to_go", "yards_to_endzone")

Rows = Int[np.ndarray, " B"]


class PassValues(NamedTuple):
    """Points of each pass, for the offence, and of what it could have come to.

    Attributes:
        before: (B,) expected points before the snap.
        value: (B,) what the pass was worth.
        incomplete: (B,) what it is worth if it falls incomplete.
        caught: (B,) what it is worth if it is caught and goes no further.
        touchdown: (B,) what it is worth if it is a touchdown.
        intercepted: (B,) what it is worth if it is intercepted and not returned.
    """

    before: Float[np.ndarray, " B"]
    value: Float[np.ndarray, " B"]
    incomplete: Float[np.ndarray, " B"]
    caught: Float[np.ndarray, " B"]
    touchdown: Float[np.ndarray, " B"]
    intercepted: Float[np.ndarray, " B"]


class _End(NamedTuple):
    """How a pass could end: features of the situation after it, and whose that is.

    Attributes:
        features: (B, F) of the next situation.
        sign: (B,) 1 where the offence has the ball, -1 where the other team has.
        points: (B,) points instead of the situation's, NaN where it is the situation's.
    """

    features: Float[np.ndarray, "B F"]
    sign: Float[np.ndarray, " B"]
    points: Float[np.ndarray, " B"]


class PassEnds:
    """Situations before and after some passes, which any number of models can then value.

    Args:
        passes: rows of the passes table with down, distance and place (`can_be_valued`).

    Raises:
        PointsError: a column is missing or null.
    """

    def __init__(self, passes: pl.DataFrame) -> None:
        for name in (*_NEEDED, "air_yards"):
            if name not in passes.columns:
                raise PointsError(f"passes: expected the column {name}, which is missing")
        for name in _NEEDED:
            if count := passes[name].null_count():
                raise PointsError(f"passes: expected {name} in every row, got null in {count}")
        frame = passes.with_columns(HALF_SECONDS)
        self._down = _column(frame, "down")
        self._to_go = np.maximum(_column(frame, "yards_to_go"), 0)
        self._field = np.clip(_column(frame, "yards_to_endzone"), 1, 99)
        self._seconds = _column(frame, "half_seconds")
        air = np.clip(_column(frame, "air_yards"), -15, 60)
        returned = _column(frame, "interception_return_yards")
        zero = np.zeros_like(air)
        self._before = _features(self._down, self._to_go, self._field, self._seconds)
        gained = _column(frame, "yards_gained")
        scored = _flag(frame, "pass_touchdown")
        self._run = self._after(gained, scored)
        self._incomplete = self._after(zero, zero > 0)
        self._caught = self._after(air, air >= self._field)
        self._intercepted = self._turnover(air, zero, zero > 0)
        self._picked = self._turnover(air, returned, _flag(frame, "interception_touchdown"))
        self._interception = _flag(frame, "interception")

    def value(self, model: ExpectedPoints) -> PassValues:
        """Value all passes by one model of expected points."""
        before = model.points_of(self._before)

        def worth(end: _End) -> Float[np.ndarray, " B"]:
            then = end.sign * model.points_of(end.features)
            return np.where(np.isnan(end.points), then, end.points) - before

        return PassValues(
            before=before,
            value=np.where(self._interception, worth(self._picked), worth(self._run)),
            incomplete=worth(self._incomplete),
            caught=worth(self._caught),
            touchdown=TOUCHDOWN - before,
            intercepted=worth(self._intercepted),
        )

    def _after(self, yards: Rows, touchdown: Bool[np.ndarray, " B"]) -> _End:
        """After a play of some yards by the offence, at the goal line if it did not score."""
        field = np.clip(self._field - yards, 1, 99)
        made = (yards >= self._to_go) & (yards > 0)
        lost = ~made & (self._down == 4)
        features = _features(
            np.where(made | lost, 1, np.minimum(self._down + 1, 4)),
            np.where(
                made,
                np.minimum(field, 10),
                np.where(lost, np.minimum(100 - field, 10), self._to_go - yards),
            ),
            np.where(lost, 100 - field, field),
            self._later(),
        )
        points = np.where(touchdown, TOUCHDOWN, np.nan)
        return _End(features, np.where(lost, -1.0, 1.0), points)

    def _turnover(self, air: Rows, returned: Rows, touchdown: Bool[np.ndarray, " B"]) -> _End:
        """After an interception and its return: the other team's first down."""
        depth = self._field - air  # yards short of the end zone; at most 0 within it
        touchback = (depth <= 0) & (returned <= -depth)
        field = np.where(touchback, TOUCHBACK, np.clip(100 - depth - returned, 1, 99))
        features = _features(np.ones_like(field), np.minimum(field, 10), field, self._later())
        return _End(features, -np.ones(len(field)), np.where(touchdown, -TOUCHDOWN, np.nan))

    def _later(self) -> Rows:
        return np.maximum(self._seconds - PLAY_SECONDS, 0)


def can_be_valued() -> pl.Expr:
    """Whether the feed has what the value of a pass needs: down, distance and place."""
    return pl.all_horizontal(pl.col(name).is_not_null() for name in _NEEDED)


def _column(passes: pl.DataFrame, name: str) -> Rows:
    return passes[name].cast(pl.Int64).fill_null(0).to_numpy()


def _flag(passes: pl.DataFrame, name: str) -> Bool[np.ndarray, " B"]:
    return passes[name].fill_null(value=False).to_numpy()


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
