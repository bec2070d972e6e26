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

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.points.expected_points import ExpectedPoints
from sbp_jax.nfl.points.next_score import TOUCHDOWN
from sbp_jax.nfl.points.play_ends import Start, flags, whole_numbers


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


class PassEnds:
    """Situations before and after some passes, which any number of models can then value.

    Args:
        passes: rows of the passes table with down, distance and place (`can_be_valued`).

    Raises:
        PointsError: a column is missing or null.
    """

    def __init__(self, passes: pl.DataFrame) -> None:
        start = Start(passes)
        air = np.clip(whole_numbers(passes, "air_yards"), -15, 60)
        returned = whole_numbers(passes, "interception_return_yards")
        none = np.zeros_like(air)
        never = none > 0
        self.start = start
        self._run = start.after(
            whole_numbers(passes, "yards_gained"), flags(passes, "pass_touchdown")
        )
        self._incomplete = start.after(none, never)
        self._caught = start.after(air, air >= start.field)
        self._intercepted = start.turnover(air, none, never)
        self._picked = start.turnover(air, returned, flags(passes, "interception_touchdown"))
        self._interception = flags(passes, "interception")

    def value(self, model: ExpectedPoints) -> PassValues:
        """Value all passes by one model of expected points."""
        before = model.points_of(self.start.features)
        value = np.where(self._interception, self._picked.worth(model), self._run.worth(model))
        return PassValues(
            before=before,
            value=value - before,
            incomplete=self._incomplete.worth(model) - before,
            caught=self._caught.worth(model) - before,
            touchdown=TOUCHDOWN - before,
            intercepted=self._intercepted.worth(model) - before,
        )
