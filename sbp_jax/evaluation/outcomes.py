r"""What a forecast says about each observation: everything that later tables are made of.

Yards are whole numbers, so an observation y stands for its cell [y - 1/2, y + 1/2], and a
continuous law F for the law on whole numbers with distribution function F(k + 1/2) at k. That
law is what the log score, the whole-yard CRPS, the median and the probability integral
transform (PIT) here are of, so that families of densities, tables of probabilities and point
forecasts meet on equal terms. F must be fit for that: bin edges at half-integers.
"""

from collections.abc import Sequence
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


class Outcomes(NamedTuple):
    """One number per observation from each point of view; NaN throughout where undefined.

    Attributes:
        log_score: (B,) minus the log probability of the cell of y, in nats; inf where the
            forecast held y for impossible.
        crps: (B,) continuous ranked probability score of the law as it stands, in yards.
        crps_cells: (B,) the same of its law on whole yards.
        median: (B,) median of the law on whole yards.
        mean: (B,) mean of the law as it stands.
        pit_lower: (B,) F(y - 1/2).
        pit_upper: (B,) F(y + 1/2).
    """

    log_score: Float[Arrayish, " B"]
    crps: Float[Arrayish, " B"]
    crps_cells: Float[Arrayish, " B"]
    median: Float[Arrayish, " B"]
    mean: Float[Arrayish, " B"]
    pit_lower: Float[Arrayish, " B"]
    pit_upper: Float[Arrayish, " B"]


def family_outcomes(
    family: CheckedFamily[P], params: P, y: Real[Arrayish, " B"], yards: tuple[int, int] = YARDS
) -> Outcomes:
    r"""Outcomes of a family's forecasts; jit it with the family closed over.

    The whole-yard score is `sum_k (F(k + 1/2) - 1{y <= k})^2` over the integers k in `yards`,
    which is the CRPS of the law on whole yards [1]. What a law holds beyond `yards` is left out:
    1e-5 yards for an upper tail of probability 0.05 above 30 with shape 0.3 and scale 8. An
    observation outside `yards` scores NaN there.

    The median is the smallest k with F(k + 1/2) >= 1/2, computed as ceil(F^-1(1/2) - 1/2). It
    minimises the expected absolute error, which the median of F itself misses by up to half a
    yard, half of the time on an observation that is exactly 0.

    Args:
        family: a family of distributions.
        params: its parameters, with batch shape (B,).
        y: (B,) observations in yards, whole numbers.
        yards: lowest and highest k of the whole-yard score, static.

    Returns:
        Outcomes of shape (B,), a NaN in y or in the parameters giving NaN in every field that
        depends on it.

    References:
        [1] Czado, Gneiting, Held (2009), "Predictive model assessment for count data",
        Biometrics 65. There it is called the ranked probability score.

    >>> from sbp_jax.distributions import Gaussian
    >>> family = Gaussian()
    >>> params = Gaussian.Params(jnp.array([3.3]), jnp.array([0.01]))
    >>> outcomes = family_outcomes(family, params, jnp.array([5.0]))
    >>> [float(outcomes.median[0]), round(float(outcomes.crps_cells[0]), 3)]
    [3.0, 2.0]
    """
    y = jnp.asarray(y, jnp.result_type(y, jnp.float32))
    lower, upper = family.cdf(params, y - 0.5), family.cdf(params, y + 0.5)
    # A family may answer -inf to an interval whose ends are NaN; nothing is not the same as 0.
    undefined = jnp.isnan(lower + upper)
    log_score = -family.log_interval(params, y - 0.5, y + 0.5)
    return Outcomes(
        log_score=jnp.where(undefined, jnp.nan, log_score),
        crps=family.crps(params, y),
        crps_cells=_crps_cells(family, params, y, yards),
        median=jnp.ceil(family.median(params) - 0.5),
        mean=family.mean(params),
        pit_lower=lower,
        pit_upper=upper,
    )


def _crps_cells(family: CheckedFamily[P], params: P, y: Array, yards: tuple[int, int]) -> Array:
    lowest, highest = yards
    numbers = jnp.arange(lowest, highest + 1, dtype=y.dtype)

    def add(total: Array, number: Array) -> tuple[Array, None]:
        below = family.cdf(params, number + 0.5)
        return total + (below - (y <= number)) ** 2, None

    # One k at a time, not vmapped: besides the memory, XLA 0.10.2 on CPU compiles the fused
    # `sum(probabilities * covered) - indicator` over (k, plays, bins) to a wrong result from a
    # few hundred plays on, where the sum comes out as 0.
    total, _ = jax.lax.scan(add, jnp.zeros_like(family.cdf(params, y)), numbers)
    return jnp.where((y >= lowest) & (y <= highest), total, jnp.nan)


def concatenate(parts: Sequence[Outcomes]) -> Outcomes:
    """Outcomes of slices of the observations as one, in NumPy float64.

    Raises:
        EvaluationError: there are no parts.
    """
    if not parts:
        raise EvaluationError("expected the outcomes of at least one slice, got none")
    return Outcomes(
        *(np.concatenate([np.asarray(x, np.float64) for x in c]) for c in zip(*parts, strict=True))
    )


def point_outcomes(median: Float[np.ndarray, " B"]) -> Outcomes:
    """Outcomes of a forecast that names a median and nothing else.

    >>> point_outcomes(np.array([6.0])).median, point_outcomes(np.array([6.0])).crps
    (array([6.]), array([nan]))
    """
    unknown = np.full(median.shape, np.nan)
    return Outcomes(*[unknown] * len(Outcomes._fields))._replace(median=median.astype(np.float64))


def pmf_outcomes(
    pmf: Float[np.ndarray, "B cells"], lowest: int, y: Real[np.ndarray, " B"]
) -> Outcomes:
    """Outcomes of probabilities of whole yards.

    The law is the step function itself, so `crps` and `crps_cells` are equal.

    Args:
        pmf: (B, cells) probabilities of lowest, lowest + 1, ...; each row sums to 1.
        lowest: yards of the first cell.
        y: (B,) observations, whole yards.

    Raises:
        EvaluationError: an observation is not one of the cells.

    >>> outcomes = pmf_outcomes(np.array([[0.25, 0.5, 0.25]]), -1, np.array([1.0]))
    >>> [float(x[0]) for x in outcomes]
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
    return Outcomes(
        log_score=-np.log(pmf[rows, cell]),
        crps=crps,
        crps_cells=crps,
        median=numbers[np.argmax(below >= 0.5, axis=1)].astype(np.float64),
        mean=pmf @ numbers,
        pit_lower=np.where(cell > 0, below[rows, cell - 1], 0.0),
        pit_upper=below[rows, cell],
    )
