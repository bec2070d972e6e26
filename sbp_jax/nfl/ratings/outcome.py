r"""What the distribution of a play is over: yards, net yards, or its value in points.

All three are laid on a grid whose cells are the distribution's bins, so that one head serves them.

- ``yards``: yards gained; an incompletion and an interception gain 0, as in the feed.
- ``net_yards``: yards gained, but an interception gains air yards less the return less 45. Where
  the ball changed hands is what it is; 45 yards for losing it is the price of the adjusted net
  yards per attempt, and with air yards and returns of the league the average interception costs
  43 in all.
- ``points``: expected points after the pass less those before it (`sbp_jax.nfl.points.pass_value`),
  in tenths.

A sack's outcome is its loss of yards, in net yards 45 more if the ball was lost with it, or its
value in points (`sbp_jax.nfl.points.sack_value`).

Landmarks are the outcomes that are known at the throw as the play's likely ends: the logits of
bins are also counted from them (`sbp_jax.models.anchors`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.models.anchors import Anchor
from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays.expectation import EXPECTATION_FEATURES, expectation_features
from sbp_jax.nfl.plays.static import hats
from sbp_jax.nfl.points.pass_value import PassValues

OutcomeName = Literal["points", "net_yards", "yards"]

INTERCEPTION_YARDS: Final = 45
"""What losing the ball costs by itself in net yards."""

LANDMARK_SCALE: Final = 10.0
_BEFORE: Final = hats("expected_points", pl.col("before"), [-2, 0, 1, 2, 3, 4, 5, 6, 7])

_LANDMARKS: Final[Mapping[OutcomeName, tuple[str, ...]]] = {
    "points": ("if_incomplete", "if_caught", "if_touchdown", "if_intercepted"),
    "net_yards": ("if_caught", "if_touchdown", "if_intercepted"),
    "yards": ("if_caught", "if_touchdown"),
}


class Measured(NamedTuple):
    """Passes as examples: in steps of the outcome's grid.

    Attributes:
        static: (B, S) what the expectation knows, landmarks last.
        target: (B,) whole numbers.
        exact: (B,) the outcome before it was laid on the grid, in its unit.
    """

    static: Float[np.ndarray, "B S"]
    target: Float[np.ndarray, " B"]
    exact: Float[np.ndarray, " B"]


@dataclass(frozen=True)
class Outcome:
    """A choice of what is scored.

    Attributes:
        name: of the choice.
        unit: of the outcome.
        step: width of a cell, in that unit.
        lowest: cell of the lowest bin.
        highest: cell of the highest bin; beyond the bins lie the tails alone.
        landmarks: how far anchored logits reach below and above each landmark, in cells.
        extra: features beside those of the expectation and before the landmarks.
    """

    name: OutcomeName
    unit: str
    step: float
    lowest: int
    highest: int
    landmarks: tuple[tuple[int, int], ...]
    extra: int = 0

    @property
    def edges(self) -> Float[np.ndarray, " edges"]:
        """Edges of the bins, at half-integers, in cells."""
        return np.arange(self.lowest - 0.5, self.highest + 1)

    @property
    def static_names(self) -> tuple[str, ...]:
        """Columns of `Measured.static`, in order."""
        extra = tuple(_BEFORE) if self.extra else ()
        return (*EXPECTATION_FEATURES, *extra, *_LANDMARKS[self.name])

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """The landmarks' columns, for the network."""
        first = len(EXPECTATION_FEATURES) + self.extra
        return tuple(
            Anchor(first + i, LANDMARK_SCALE, below, above)
            for i, (below, above) in enumerate(self.landmarks)
        )


YARDS: Final = Outcome("yards", "yards", 1.0, -15, 99, ((20, 60), (40, 1)))
NET_YARDS: Final = Outcome("net_yards", "yards", 1.0, -75, 99, ((20, 60), (40, 1), (20, 20)))
POINTS: Final = Outcome(
    "points", "points", 0.1, -130, 95, ((6, 2), (30, 60), (25, 1), (20, 20)), len(_BEFORE)
)
OUTCOMES: Final = {outcome.name: outcome for outcome in (POINTS, NET_YARDS, YARDS)}


def outcome_named(name: OutcomeName) -> Outcome:
    """The choice of that name.

    Raises:
        ScoringError: there is none.
    """
    if name not in OUTCOMES:
        raise ScoringError(f"outcome: expected {', '.join(get_args(OutcomeName))}, got {name!r}")
    return OUTCOMES[name]


def measure(outcome: Outcome, passes: pl.DataFrame, values: PassValues | None = None) -> Measured:
    """Lay passes on the grid of an outcome.

    Args:
        outcome: one of `OUTCOMES`.
        passes: (B rows) of the passes table.
        values: of the same passes, for points alone.

    Raises:
        ScoringError: values are missing for points, or are of other passes.
    """
    if outcome.name == "points":
        if values is None or len(values.value) != passes.height:
            raise ScoringError(
                f"values: expected those of {passes.height} passes, got others or none"
            )
        exact = values.value
        extra = [pl.DataFrame({"before": values.before}).select(**_BEFORE).to_numpy()]
        landmarks = [values.incomplete, values.caught, values.touchdown, values.intercepted]
    elif outcome.name == "net_yards":
        air, extra = _air(passes), []
        landmarks = [air, _goal(passes), air - INTERCEPTION_YARDS]
        exact = _net_yards(passes, air)
    else:
        exact, extra = _column(passes, "yards_gained"), []
        landmarks = [_air(passes), _goal(passes)]
    scale = outcome.step * LANDMARK_SCALE
    known = [expectation_features(passes), *extra, *(marks / scale for marks in landmarks)]
    static = np.column_stack(known).astype(np.float32)
    return Measured(static, np.round(exact / outcome.step), exact)


Column = Float[np.ndarray, " B"]


def sack_yards(outcome: Outcome, sacks: pl.DataFrame) -> Column:
    """Outcome of each sack, a row of the snaps table, in yards or net yards."""
    lost = sacks["turnover"].fill_null(value=False).to_numpy() & (outcome.name == "net_yards")
    return _column(sacks, "yards") - INTERCEPTION_YARDS * lost


def _net_yards(passes: pl.DataFrame, air: Column) -> Column:
    intercepted = passes["interception"].fill_null(value=False).to_numpy()
    lost = air - _column(passes, "interception_return_yards") - INTERCEPTION_YARDS
    return np.where(intercepted, lost, _column(passes, "yards_gained"))


def _air(passes: pl.DataFrame) -> Column:
    # The feed holds some fifty air yards with a wrong sign or side.
    return np.clip(_column(passes, "air_yards"), -15, 60)


def _goal(passes: pl.DataFrame) -> Column:
    return passes["yards_to_endzone"].cast(pl.Float64).fill_null(50).to_numpy()


def _column(passes: pl.DataFrame, name: str) -> Column:
    return passes[name].cast(pl.Float64).fill_null(0).to_numpy()
