r"""What a forecast says of what happened: everything that later tables are made of.

Where observations are multiples of a cell c, as whole yards are (c = 1), an observation y stands
for its cell [y - c/2, y + c/2], and a continuous law F for the law on the multiples with
distribution function F(k + c/2) at k. That law is what the log score, the CRPS of cells, the
median and the probability integral transform (PIT) here are of, so that families of densities,
tables of probabilities and point forecasts meet on equal terms. F must be fit for that: bin edges
at odd multiples of c/2.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from sbp_jax.batch import Arrayish
from sbp_jax.distributions.family import Family
from sbp_jax.errors import EvaluationError

P = TypeVar("P")

YARDS: Final = (-100, 100)
"""Whole numbers from lowest to highest: more than a play from scrimmage can gain or lose."""


@runtime_checkable
class CheckedFamily(Family[P], Protocol[P]):
    """Any `Family`; it adds that `isinstance` works, which checks of signatures in tests need."""


class Verdict(NamedTuple):
    """One number per observation from each point of view; NaN throughout where undefined.

    Attributes:
        log_score: (B,) minus the log probability of the cell of y, in nats; inf where the
            forecast held y for impossible.
        crps: (B,) continuous ranked probability score of the law as it stands, in the unit of y.
        crps_cells: (B,) the same of its law on cells.
        median: (B,) median of the law on cells.
        mean: (B,) mean of the law as it stands.
        pit_lower: (B,) F at the lower end of the cell of y.
        pit_upper: (B,) F at its upper end.
    """

    log_score: Float[Arrayish, " B"]
    crps: Float[Arrayish, " B"]
    crps_cells: Float[Arrayish, " B"]
    median: Float[Arrayish, " B"]
    mean: Float[Arrayish, " B"]
    pit_lower: Float[Arrayish, " B"]
    pit_upper: Float[Arrayish, " B"]


def family_verdict(
    family: CheckedFamily[P],
    params: P,
    y: Real[Arrayish, " B"],
    cell: float | None = None,
    *,
    cells: tuple[int, int] = YARDS,
    fields: Collection[str] = Verdict._fields,
) -> Verdict:
    r"""What a family's forecasts say of y; jit it with everything but params and y closed over.

    The score of cells is `c sum_k (F(c (k + 1/2)) - 1{y <= c k})^2` over the integers k in
    `cells`, which is the CRPS of the law on cells [1]. What a law holds beyond is left out: 1e-5
    yards for an upper tail of probability 0.05 above 30 with shape 0.3 and scale 8. An observation
    outside scores NaN there.

    The median is the smallest multiple k of the cell with F(k + c/2) >= 1/2. It minimises the
    expected absolute error, which the median of F itself misses by up to half a cell, half of the
    time on an observation that is exactly 0.

    Args:
        family: a family of distributions.
        params: its parameters, with batch shape (B,).
        y: (B,) observations, multiples of the cell.
        cell: width of the cells; None for a continuous observation, which has a density for its
            log score, the same F at both ends, and no CRPS of cells.
        cells: lowest and highest k of the score of cells.
        fields: what is asked for; the rest is NaN and costs nothing.

    Returns:
        A verdict of shape (B,), a NaN in y or in the parameters giving NaN in every field that
        depends on it.

    Raises:
        ValueError: the cell is not above 0 and finite, or no field has such a name.

    References:
        [1] Czado, Gneiting, Held (2009), "Predictive model assessment for count data",
        Biometrics 65. There it is called the ranked probability score.

    >>> from sbp_jax.distributions import Gaussian
    >>> family = Gaussian()
    >>> params = Gaussian.Params(jnp.array([3.3]), jnp.array([0.01]))
    >>> verdict = family_verdict(family, params, jnp.array([5.0]), cell=1.0)
    >>> [float(verdict.median[0]), round(float(verdict.crps_cells[0]), 3)]
    [3.0, 2.0]
    >>> round(float(family_verdict(family, params, jnp.array([5.0])).median[0]), 3)
    3.3
    """
    if cell is not None and not 0 < cell < jnp.inf:
        raise ValueError(f"cell: expected None or a finite number > 0, got {cell!r}")
    if strange := sorted(set(fields) - set(Verdict._fields)):
        raise ValueError(f"fields: expected names among {Verdict._fields}, got {strange}")
    y = jnp.asarray(y, jnp.result_type(y, jnp.float32))
    half = 0.0 if cell is None else cell / 2
    lower, upper = family.cdf(params, y - half), family.cdf(params, y + half)
    # A family may answer -inf to an interval whose ends are NaN; nothing is not the same as 0.
    undefined = jnp.isnan(lower + upper)

    def log_score() -> Array:
        if cell is None:
            return -family.log_prob(params, y)
        return -family.log_interval(params, y - half, y + half)

    said = {
        "log_score": lambda: jnp.where(undefined, jnp.nan, log_score()),
        "crps": lambda: family.crps(params, y),
        "crps_cells": lambda: _crps_cells(family, params, y, cell, cells),
        "median": lambda: cell_median(family, params, cell),
        "mean": lambda: family.mean(params),
        "pit_lower": lambda: lower,
        "pit_upper": lambda: upper,
    }
    unknown = jnp.full_like(lower, jnp.nan)
    return Verdict(**{name: say() if name in fields else unknown for name, say in said.items()})


def cell_median(family: CheckedFamily[P], params: P, cell: float | None) -> Float[Array, " B"]:
    """Median of the law on cells, or of the law itself where there are none."""
    median = family.median(params)
    return median if cell is None else jnp.ceil(median / cell - 0.5) * cell


def cell_probabilities(
    family: CheckedFamily[P], params: P, cells: tuple[int, int]
) -> Float[Array, "B cells"]:
    """Probabilities of the whole numbers from the lowest to the highest of `cells`.

    What a law holds beyond is left out, so a row may sum to a little less than 1.
    """

    def probability(number: Array) -> Array:
        return jnp.exp(family.log_interval(params, number - 0.5, number + 0.5))

    numbers = jnp.arange(cells[0], cells[1] + 1, dtype=jnp.float32)
    # One cell at a time: all at once would need (cells, B, bins) numbers.
    return jnp.moveaxis(jax.lax.map(probability, numbers), 0, -1)


def _crps_cells(
    family: CheckedFamily[P], params: P, y: Array, cell: float | None, cells: tuple[int, int]
) -> Array:
    if cell is None:
        return jnp.full_like(y, jnp.nan)
    lowest, highest = cells
    ends = cell * (jnp.arange(lowest, highest + 1, dtype=y.dtype) + 0.5)

    def add(total: Array, end: Array) -> tuple[Array, None]:
        below = family.cdf(params, end)
        return total + (below - (y < end)) ** 2, None

    # One k at a time, not vmapped: besides the memory, XLA 0.10.2 on CPU compiles the fused
    # `sum(probabilities * covered) - indicator` over (k, plays, bins) to a wrong result from a
    # few hundred plays on, where the sum comes out as 0.
    total, _ = jax.lax.scan(add, jnp.zeros_like(family.cdf(params, y)), ends)
    inside = (y > ends[0] - cell) & (y < ends[-1])
    return jnp.where(inside, cell * total, jnp.nan)


def concatenate(parts: Sequence[Verdict]) -> Verdict:
    """Verdicts on slices of the observations as one, in NumPy float64.

    Raises:
        EvaluationError: there are no parts.
    """
    if not parts:
        raise EvaluationError("expected the verdict on at least one slice, got none")
    return Verdict(
        *(np.concatenate([np.asarray(x, np.float64) for x in c]) for c in zip(*parts, strict=True))
    )


def point_verdict(median: Float[np.ndarray, " B"]) -> Verdict:
    """The verdict of a forecast that names a median and nothing else.

    >>> point_verdict(np.array([6.0])).median, point_verdict(np.array([6.0])).crps
    (array([6.]), array([nan]))
    """
    unknown = np.full(median.shape, np.nan)
    return Verdict(*[unknown] * len(Verdict._fields))._replace(median=median.astype(np.float64))


def pmf_verdict(
    pmf: Float[np.ndarray, "B cells"], lowest: int, y: Real[np.ndarray, " B"]
) -> Verdict:
    """The verdict of probabilities of whole yards.

    The law is the step function itself, so `crps` and `crps_cells` are equal.

    Args:
        pmf: (B, cells) probabilities of lowest, lowest + 1, ...; each row sums to 1.
        lowest: yards of the first cell.
        y: (B,) observations, whole yards.

    Raises:
        EvaluationError: an observation is not one of the cells.

    >>> verdict = pmf_verdict(np.array([[0.25, 0.5, 0.25]]), -1, np.array([1.0]))
    >>> [float(x[0]) for x in verdict]
    [1.3862943611198906, 0.625, 0.625, 0.0, 0.0, 0.75, 1.0]
    """
    cells = pmf.shape[1]
    at = y - lowest
    if (bad := ~((at >= 0) & (at < cells) & (at == np.floor(at)))).any():
        row = int(np.argmax(bad))
        raise EvaluationError(
            f"y: expected whole yards from {lowest} to {lowest + cells - 1}, "
            f"got {y[row]} in row {row}"
        )
    numbers = lowest + np.arange(cells)
    rows, cell = np.arange(y.size), at.astype(np.intp)
    below = np.cumsum(pmf, axis=1)
    below[:, -1] = 1  # the sum is one up to rounding, the highest yard's is exact
    crps = ((below - (y[:, None] <= numbers)) ** 2).sum(axis=1)
    return Verdict(
        log_score=-np.log(pmf[rows, cell]),
        crps=crps,
        crps_cells=crps,
        median=numbers[np.argmax(below >= 0.5, axis=1)].astype(np.float64),
        mean=pmf @ numbers,
        pit_lower=np.where(cell > 0, below[rows, cell - 1], 0.0),
        pit_upper=below[rows, cell],
    )
