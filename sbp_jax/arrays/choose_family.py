"""Bins for a target that nothing else is known of, in standard units.

Of a continuous target the bins move with the input: a spliced law of `(y - m) / s`, with bins fine
about 0 and wide at the ends. With a few hundred rows fixed bins would each be learned from a
handful of values, and be far wider than the noise. It may have several tops: a mixture of such
laws, each with a place m, a scale s and a weight of its own, and one shape for all of them. The
shape, tails included, starts as the logistic law and follows the input a tenth as fast as place and
scale do, since little is known of it from a few rows. Tops start narrower than the target, as what
is worth predicting leaves less than all of its spread.

A target whose values recur may want fixed bins all the same; then both are tried, and validation
decides. Of a target with a cell, such as whole numbers, the bins are the cells where there are few
enough.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import stats

from sbp_jax.distributions import Family, Moved, SplicedBinnedPareto, Tops
from sbp_jax.distributions.arguments import Number, Whole, number, whole
from sbp_jax.models.arrangement import Arrangement
from sbp_jax.runs.ranges import Positive, TailMass, refuse_unless
from sbp_jax.training.objective import ObjectiveName

_REACH: Final = 5.0  # of the bins that move, in scales
_STRETCH: Final = 2.0  # of the sinh: outer bins are four times as wide as inner ones
_LOGISTIC: Final = 0.55  # scale of the logistic law whose standard deviation is about 1
_APART: Final = 0.3  # places of the outer tops at the start, from the middle
_NARROW: Final = -1.0  # log of their scales at the start, below the whole target's
_MOST_CELLS: Final = 200
_FIXED_BINS: Final = 200
_FEWEST_EDGES: Final = 3
_ROWS_PER_BIN: Final = 25
_RECURRING: Final = 0.5  # share of rows whose value occurs more than once
_SHAPES: Final = (0.0, 0.5)


class Candidate(NamedTuple):
    """What may be tried on a target.

    Attributes:
        family: in standard units.
        objective: what it is trained by.
        arrangement: pace and start of its raw numbers; None for a network's outputs as they are.
    """

    family: Family
    objective: ObjectiveName
    arrangement: Arrangement | None = None


FamilyLike = Family | Candidate | Callable[[Float[NDArray, " B"]], Family]
"""A family in standard units, what makes one of a target in standard units, or a `Candidate`."""


def moving_bins(
    *, bins: Whole = 20, tops: Whole = 5, pace: Number = 0.1, tail_mass: Number = 0.05
) -> Candidate:
    """The spliced law of the residual, in standard units: the default of `fit`.

    Args:
        bins: of the shape, >= 2.
        tops: places that the shape may stand at, each with a weight and a scale of its own; >= 1.
        pace: how fast the shape follows the input, where place and scale have pace 1; > 0.
        tail_mass: probability of either tail of the shape, in (0, 0.5).

    Raises:
        SettingError: a number out of its range.

    >>> moving_bins(tops=1).family.num_outputs
    27
    """
    bins, tops = whole("bins", bins, 2), whole("tops", tops, 1)
    pace = float(number("pace", pace))
    refuse_unless(Positive, pace=pace)
    refuse_unless(TailMass, tail_mass=tail_mass)
    steps = np.linspace(-1, 1, bins + 1)
    edges = _REACH * np.sinh(_STRETCH * steps) / np.sinh(_STRETCH)
    shape = SplicedBinnedPareto(edges, tail_mass, shape_range=_SHAPES)
    masses = np.diff(stats.logistic.cdf(edges, scale=_LOGISTIC))
    logits = np.log(masses / masses.max()).tolist()
    places = np.linspace(-_APART, _APART, tops) if tops > 1 else np.zeros(1)
    start = [0.0] * tops + logits + [0.0] * (shape.num_outputs - bins)
    for place in places.tolist():
        start += [_NARROW, place]
    paces = [1.0] * tops + [pace] * shape.num_outputs + [1.0] * (2 * tops)
    return Candidate(
        Tops(Moved(shape), tops), "window_nll", Arrangement(tuple(paces), tuple(start))
    )


def candidates(y: Float[NDArray, " B"], cell: float | None) -> list[Candidate]:
    """Families to try, each with what it is trained by.

    Args:
        y: the training part's target, in standard units.
        cell: width of the cell that a target stands for, in standard units.
    """
    if cell is not None:
        return [_cells(y, cell)]
    moved = moving_bins()
    values, counts = np.unique(y, return_counts=True)
    recurring = counts[counts > 1].sum() / y.size
    if recurring < _RECURRING or len(values) < _FIXED_BINS or y.size < _FIXED_BINS * _ROWS_PER_BIN:
        return [moved]
    edges = np.unique(np.quantile(y, np.linspace(0, 1, _FIXED_BINS + 1)))
    if len(edges) < _FEWEST_EDGES:  # nearly all rows have the same value
        return [moved]
    fixed = SplicedBinnedPareto(edges, 0.01, splice="edge", shape_range=_SHAPES)
    return [moved, Candidate(fixed, "density_nll")]


def usual_objective(family: Family, cell: float | None) -> ObjectiveName:
    """What a family is trained by unless it is said: its likelihood, of the cell if there is one.

    Bins that move are trained on a window, as their density says nothing of where they are.
    """
    if cell is not None:
        return "interval_nll"
    return "window_nll" if hasattr(family, "log_window") else "density_nll"


def _cells(y: Float[NDArray, " B"], cell: float) -> Candidate:
    # From the least value on: from 0, which may lie halfway, it would be a matter of rounding.
    count = int(np.rint((y.max() - y.min()) / cell)) + 1
    if not 3 <= count <= _MOST_CELLS:
        return moving_bins()._replace(objective="interval_nll")
    edges = y.min() + cell * (np.arange(count + 1) - 0.5)
    cells = SplicedBinnedPareto(edges, 0.01, splice="edge", shape_range=_SHAPES)
    return Candidate(cells, "interval_nll")
