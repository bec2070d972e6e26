"""What a sack was worth: expected points after it less expected points before it.

After it the offence has the next down where the passer went down; a fourth down or a fumble that
was lost is the other team's ball there (the return is not in it), and a sack in the own end zone is
a safety, 2 points for the other team.
"""

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.points.expected_points import ExpectedPoints
from sbp_jax.nfl.points.play_ends import Start, flags, whole_numbers


class SackEnds:
    """Situations before and after some sacks, which any number of models can then value.

    Args:
        sacks: rows of the snaps table of kind "sack" with down, distance and place.

    Raises:
        PointsError: a column is missing or null.
    """

    def __init__(self, sacks: pl.DataFrame) -> None:
        self.start = Start(sacks)
        yards = whole_numbers(sacks, "yards")
        self._end = self.start.after(
            yards, np.zeros(len(yards), np.bool_), fumbled=flags(sacks, "turnover")
        )

    def value(self, model: ExpectedPoints) -> Float[np.ndarray, " B"]:
        """(B,) points to the offence, by one model of expected points."""
        return self._end.worth(model) - model.points_of(self.start.features)
