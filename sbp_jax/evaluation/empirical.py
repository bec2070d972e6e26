r"""The empirical distribution of yards, alone or by air yards: forecasts without a model.

Of n training passes in a group n_k gained k yards, of all N passes N_k:

    climatology   c_k = (N_k + 1/2) / (N + K/2)       K cells; the Krichevsky-Trofimov estimate
    group         p_k = (n_k + w c_k) / (n + w)       w pseudo-passes drawn from the climatology

so that no cell has probability 0 and a rare one takes what is known of it from all passes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Real

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.verdict import YARDS, Verdict, concatenate, pmf_verdict
from sbp_jax.runs.ranges import Count, NotNegative, refuse_unless

MIN_COUNT: Final = 1000
"""Fewest passes of a group; from 100 to 4,000, this has the best log score on season 2017."""

WEIGHT: Final = 50.0
"""Pseudo-passes from the climatology in each group; of 2 to 400 the best in the same way."""

_SLICE = 4096  # rows judged at a time: 201 cells each


@dataclass(frozen=True)
class Empirical:
    """Probabilities of whole yards in each group of a covariate.

    Attributes:
        lowest: yards of the first cell.
        starts: (groups - 1,) a covariate belongs to the group after the last start it reaches.
        pmf: (groups, cells) probabilities of the groups.
        climatology: (cells,) probabilities of all passes; used where the covariate is NaN.
    """

    lowest: int
    starts: Float[np.ndarray, " starts"]
    pmf: Float[np.ndarray, "groups cells"]
    climatology: Float[np.ndarray, " cells"]

    def probabilities(self, covariate: Real[np.ndarray, " B"]) -> Float[np.ndarray, "B cells"]:
        """Probability of each cell, by row."""
        group = np.searchsorted(self.starts, covariate, side="right")
        return np.where(np.isnan(covariate)[:, None], self.climatology, self.pmf[group])

    def verdict(self, covariate: Real[np.ndarray, " B"], y: Real[np.ndarray, " B"]) -> Verdict:
        """What these forecasts say of what happened.

        Args:
            covariate: (B,) what the groups are of, air yards; NaN where unknown.
            y: (B,) whole yards gained.

        Raises:
            EvaluationError: lengths differ, no rows, or y outside the cells.
        """
        _check(covariate, y)
        slices = [slice(i, i + _SLICE) for i in range(0, y.size, _SLICE)]
        parts = [pmf_verdict(self.probabilities(covariate[s]), self.lowest, y[s]) for s in slices]
        return concatenate(parts)


def fit_empirical(
    covariate: Real[np.ndarray, " B"],
    y: Real[np.ndarray, " B"],
    *,
    min_count: int = MIN_COUNT,
    weight: float = WEIGHT,
    yards: tuple[int, int] = YARDS,
) -> Empirical:
    """Group neighbouring values of the covariate until each group has enough passes.

    From the lowest value up, a group is closed as soon as it holds `min_count` passes; what is
    left over joins the last one. Where passes are many, a group is a single yard of air.

    Args:
        covariate: (B,) air yards; NaN (unknown) counts for the climatology only.
        y: (B,) whole yards gained.
        min_count: fewest passes of a group.
        weight: pseudo-passes drawn from the climatology.
        yards: lowest and highest cell.

    Raises:
        EvaluationError: lengths differ, no rows, a y that is not one of the cells, or a number
            out of its range.

    >>> air = np.array([0.0, 0, 0, 1, 7, 8, 9])
    >>> law = fit_empirical(air, np.array([0.0, 2, 4, 0, 7, 0, 9]), min_count=3)
    >>> law.starts, law.pmf.shape
    (array([1.]), (2, 201))
    """
    _check(covariate, y)
    refuse_unless(Count, EvaluationError, min_count=min_count)
    refuse_unless(NotNegative, EvaluationError, weight=weight)
    lowest, highest = yards
    cells = highest - lowest + 1
    cell = y - lowest
    if (bad := ~((cell >= 0) & (cell < cells) & (cell == np.floor(cell)))).any():
        raise EvaluationError(
            f"y: expected whole yards from {lowest} to {highest}, got {y[np.argmax(bad)]}"
        )
    counts = np.bincount(cell.astype(np.intp), minlength=cells)
    climatology = (counts + 0.5) / (y.size + 0.5 * cells)
    known = ~np.isnan(covariate)
    starts = _starts(covariate[known], min_count)
    group = np.searchsorted(starts, covariate[known], side="right")
    table = np.zeros((starts.size + 1, cells))
    np.add.at(table, (group, cell[known].astype(np.intp)), 1)
    pmf = (table + weight * climatology) / (table.sum(axis=1, keepdims=True) + weight)
    return Empirical(lowest, starts, pmf, climatology)


def fit_climatology(y: Real[np.ndarray, " B"], *, yards: tuple[int, int] = YARDS) -> Empirical:
    """The same forecast for every pass: what passes gain, whatever is known of them.

    Its verdict asks for a covariate and pays no heed to it.
    """
    return fit_empirical(np.full(y.shape, np.nan), y, yards=yards)


def _starts(values: np.ndarray, min_count: int) -> np.ndarray:
    """First value of every group but the lowest."""
    starts, size = [], 0
    distinct, counts = np.unique(values, return_counts=True)
    left = values.size
    for value, count in zip(distinct, counts, strict=True):
        if size >= min_count and left >= min_count:
            starts.append(value)
            size = 0
        size += count
        left -= count
    return np.array(starts, np.float64)


def _check(covariate: np.ndarray, y: np.ndarray) -> None:
    if covariate.shape != y.shape or y.ndim != 1:
        raise EvaluationError(
            f"covariate and y: expected one row of equal length, got {covariate.shape}, {y.shape}"
        )
    if y.size == 0:
        raise EvaluationError("y: expected at least one pass, got an empty set")
