"""Bins for a target that nothing else is known of, in standard units.

Of a continuous target the bins move with the input: a spliced law of `(y - m) / s`, with bins fine
about 0 and wide at the ends. With a few hundred rows fixed bins would each be learned from a
handful of values, and be far wider than the noise. A target whose values recur may want fixed
ones all the same; then both are tried, and validation decides. Of a target with a cell, such as
whole numbers, the bins are the cells where there are few enough.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.distributions import Family, Moved, SplicedBinnedPareto
from sbp_jax.training.objective import ObjectiveName

BINS: Final = 20
_REACH: Final = 5.0  # of the bins that move, in scales
_STRETCH: Final = 2.0  # of the sinh: outer bins are four times as wide as inner ones
_MOST_CELLS: Final = 200
_FIXED_BINS: Final = 200
_ROWS_PER_BIN: Final = 25
_RECURRING: Final = 0.5  # share of rows whose value occurs more than once
_SHAPES: Final = (0.0, 0.5)

Candidate = tuple[Family, ObjectiveName]
FamilyLike = Family | Callable[[Float[NDArray, " B"]], Family]
"""A family in standard units, or what makes one of a target in standard units."""


def moving_bins(tail_mass: float = 0.02) -> Moved:
    """The spliced law of the residual, in standard units."""
    steps = np.linspace(-1, 1, BINS + 1)
    edges = _REACH * np.sinh(_STRETCH * steps) / np.sinh(_STRETCH)
    return Moved(SplicedBinnedPareto(edges, tail_mass, shape_range=_SHAPES))


def candidates(y: Float[NDArray, " B"], cell: float | None) -> list[Candidate]:
    """Families to try, each with what it is trained by.

    Args:
        y: the training part's target, in standard units.
        cell: width of the cell that a target stands for, in standard units.
    """
    if cell is not None:
        return [(_cells(y, cell), "interval_nll")]
    moved: Candidate = (moving_bins(), "window_nll")
    values, counts = np.unique(y, return_counts=True)
    recurring = counts[counts > 1].sum() / y.size
    if recurring < _RECURRING or len(values) < _FIXED_BINS or y.size < _FIXED_BINS * _ROWS_PER_BIN:
        return [moved]
    edges = np.unique(np.quantile(y, np.linspace(0, 1, _FIXED_BINS + 1)))
    fixed = SplicedBinnedPareto(edges, 0.01, splice="edge", shape_range=_SHAPES)
    return [moved, (fixed, "density_nll")]


def usual_objective(family: Family, cell: float | None) -> ObjectiveName:
    """What a family is trained by unless it is said: its likelihood, of the cell if there is one.

    Bins that move are trained on a window, as their density says nothing of where they are.
    """
    if cell is not None:
        return "interval_nll"
    return "window_nll" if hasattr(family, "window") else "density_nll"


def _cells(y: Float[NDArray, " B"], cell: float) -> Family:
    first, last = np.rint(y.min() / cell), np.rint(y.max() / cell)
    if not 3 <= last - first + 1 <= _MOST_CELLS:
        return moving_bins()
    offset = y[0] - cell * np.rint(y[0] / cell)
    edges = offset + cell * (np.arange(first, last + 2) - 0.5)
    return SplicedBinnedPareto(edges, 0.01, splice="edge", shape_range=_SHAPES)
