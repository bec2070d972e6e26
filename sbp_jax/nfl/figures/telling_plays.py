"""Which plays to show: four that tell what a predictive distribution is, picked by rule.

The rules read what is known at the throw and the forecast, never the outcome: a test changes
all outcomes and finds the same picks.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from sbp_jax.errors import ReportError
from sbp_jax.nfl.figures.cells import CELLS

INFINITE: Final = float("inf")


class Kind(NamedTuple):
    """A kind of play, told by ranges of what is known at the throw.

    Attributes:
        title: what a figure calls it.
        criterion: the rule in words.
        ranges: lowest and highest value of each column; "room" is what lies between the point
            of the catch and the goal line.
    """

    title: str
    criterion: str
    ranges: Mapping[str, tuple[float, float]]


class TellingPlay(NamedTuple):
    """A play that was picked.

    Attributes:
        title: the kind of play.
        row: its row among the passes.
    """

    title: str
    row: int


KINDS: Final = (
    Kind(
        "A short throw",
        "3 to 7 air yards, at least 30 yards from the end zone",
        {"air_yards": (3, 7), "yards_to_endzone": (30, INFINITE)},
    ),
    Kind(
        "A deep throw",
        "25 to 40 air yards, caught at least 10 yards short of the goal line",
        {"air_yards": (25, 40), "room": (10, INFINITE)},
    ),
    Kind(
        "Near the goal line",
        "5 to 10 yards from the end zone, thrown short of the goal line",
        {"yards_to_endzone": (5, 10), "air_yards": (0, INFINITE), "room": (1, INFINITE)},
    ),
)
"""Of these kinds the play is shown whose forecast is nearest to the average one of the kind."""

NEAR: Final = 2
FAR: Final = 15
BIMODAL: Final = Kind(
    "Nothing or a big gain",
    f"of all plays the one with the most probability both within {NEAR} yards of 0 and from "
    f"{FAR} yards up, and the least between (the smaller of the two minus what lies between)",
    {},
)


def telling_plays(
    passes: pl.DataFrame, pmf: Float[np.ndarray, "B cells"]
) -> tuple[TellingPlay, ...]:
    """Pick a short throw, a deep one, one near the goal line, and one with two possible ends.

    The same inputs give the same picks. In a set where no play is of a kind, the plays nearest
    to its ranges stand in; no play is picked twice, so fewer than four plays give fewer picks.

    Args:
        passes: (B rows) of the passes table.
        pmf: (B, cells) probabilities of whole yards of the same plays, `CellForecast.pmf`.

    Raises:
        ReportError: no plays, or other numbers of them.
    """
    cells = CELLS[1] - CELLS[0] + 1
    if not passes.height or pmf.shape != (passes.height, cells):
        raise ReportError(
            f"expected plays and their probabilities of {cells} cells, got {passes.height} plays "
            f"and probabilities of shape {pmf.shape}"
        )
    misfits = {kind.title: _misfit(passes, kind.ranges) for kind in KINDS}
    free = np.ones(passes.height, bool)
    picks = []
    for title, misfit in misfits.items():
        if not free.any():
            break
        candidates = free & (misfit == misfit[free].min())
        picks.append(TellingPlay(title, _most_typical(pmf, candidates)))
        free[picks[-1].row] = False
    if free.any():
        strength = np.where(free, bimodality(pmf), -np.inf)
        picks.append(TellingPlay(BIMODAL.title, int(np.argmax(strength))))
    return tuple(picks)


def bimodality(pmf: Float[np.ndarray, "B cells"]) -> Float[np.ndarray, " B"]:
    r"""How much a forecast says "nothing, or a big gain", from -1 to 1/2.

    `min(P(|y| <= 2), P(y >= 15)) - P(2 < y < 15)`: above 0, two separate modes each hold more
    than all that lies between them.
    """
    yards = np.arange(CELLS[0], CELLS[1] + 1)
    near = pmf[:, np.abs(yards) <= NEAR].sum(axis=1)
    far = pmf[:, yards >= FAR].sum(axis=1)
    between = pmf[:, (yards > NEAR) & (yards < FAR)].sum(axis=1)
    return np.minimum(near, far) - between


def _misfit(
    passes: pl.DataFrame, ranges: Mapping[str, tuple[float, float]]
) -> Float[np.ndarray, " B"]:
    """By how many yards each play lies outside the ranges; infinite where one is unknown."""
    known = passes.select(
        pl.col("air_yards", "yards_to_endzone").cast(pl.Float64).fill_null(float("nan"))
    ).with_columns(room=pl.col("yards_to_endzone") - pl.col("air_yards"))
    outside = np.zeros(passes.height)
    for name, (lowest, highest) in ranges.items():
        value = known[name].to_numpy()
        outside += np.maximum(0, np.maximum(lowest - value, value - highest))
    return np.where(np.isnan(outside), np.inf, outside)


def _most_typical(pmf: Float[np.ndarray, "B cells"], candidates: Bool[np.ndarray, " B"]) -> int:
    """Row of the candidate whose distribution function is nearest to the candidates' mean."""
    rows = np.flatnonzero(candidates)
    cumulative = np.cumsum(np.asarray(pmf[rows], np.float64), axis=1)
    distance = ((cumulative - cumulative.mean(axis=0)) ** 2).sum(axis=1)
    return int(rows[np.argmin(distance)])
