r"""Calibration: are outcomes spread over the forecast quantiles as they should be?

The probability integral transform (PIT) of an observation y under forecast F is F(y), uniform
on [0, 1] if forecasts are right. Whole yards have PITs with jumps, so an observation stands for
its whole interval [F(y - 1/2), F(y + 1/2)]: a randomised PIT u is drawn uniformly in it, and is
then exactly uniform again [1]. Where an expectation over that draw can be had in closed form (a
share of plays below a level), it is taken instead of drawing: `share_below`.

References:
    [1] Brockwell (2007), "Universal residuals", Statistics and Probability Letters 77;
    Czado, Gneiting, Held (2009), "Predictive model assessment for count data", Biometrics 65.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from sbp_jax.errors import EvaluationError
from sbp_jax.runs.ranges import Count, Probability, Seed, refuse_unless

Pits = Float[np.ndarray, " B"]

LEVELS: Final[Float[np.ndarray, " 129"]] = np.unique(
    np.round(
        np.concatenate(
            [
                np.linspace(0.001, 0.05, 25),
                np.linspace(0.05, 0.95, 81),
                np.linspace(0.95, 0.999, 25),
            ]
        ),
        3,
    )
)
"""Quantile levels of PP-MAE: denser in the tails, as in the code of arXiv 2106.10952."""

REGIONS: Final[Mapping[str, np.ndarray]] = {
    "lower": LEVELS < 0.05,
    "base": (LEVELS > 0.05) & (LEVELS < 0.95),
    "upper": LEVELS > 0.95,
    "full": LEVELS > 0,
}
"""Which levels count: 24, 79, 24 (0.05 and 0.95 belong to no region) and all 129."""


class PerfectForecaster(NamedTuple):
    """What PP-MAE a forecaster who knows the true law gets, by chance alone."""

    mean: float
    p95: float


def share_below(
    lower: Pits, upper: Pits, level: float | Float[np.ndarray, "#B"]
) -> Float[np.ndarray, " B"]:
    """Probability that a randomised PIT is below a level, for each observation.

    `clip((q - lower) / (upper - lower), 0, 1)`; for an interval of no width 1 if it is below q,
    else 0.

    >>> share_below(np.array([0.0, 0.2]), np.array([0.2, 0.6]), 0.3)
    array([1.  , 0.25])
    """
    width = upper - lower
    inside = np.clip((level - lower) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    return np.where(width > 0, inside, (lower < level).astype(np.float64))


def randomised_pit(
    lower: Pits, upper: Pits, *, draws: int = 1, seed: int = 0
) -> Float[np.ndarray, "draws B"]:
    """Uniform draws between F(y - 1/2) and F(y + 1/2), independent for each observation.

    Raises:
        EvaluationError: values that are no PITs, no draw, or a seed out of its range.

    >>> randomised_pit(np.array([0.2, 0.4]), np.array([0.2, 0.4]), draws=1)
    array([[0.2, 0.4]])
    """
    _check(lower, upper)
    refuse_unless(Count, EvaluationError, draws=draws)
    refuse_unless(Seed, EvaluationError, seed=seed)
    uniform = np.random.default_rng(seed).random((draws, lower.size))
    return lower + uniform * (upper - lower)


def pp_mae(lower: Pits, upper: Pits, *, draws: int = 20, seed: int = 0) -> dict[str, float]:
    r"""Mean absolute error of the probability-probability plot, by region of levels.

    With y_q the share of observations below their forecast q-quantile, which is the share of
    PITs below q, it is the mean of |y_q - q| over the levels of a region.

    It is computed for each of several randomisations and averaged after: the expected value is
    then that of a single one, and that of a continuous outcome, so it stands beside the mean of
    `perfect_forecaster`. Its scatter is a little smaller than a single one's, so the 95th
    percentile there is exceeded by chance less often than one time in twenty. (Averaging the
    shares first, without randomising, would give smaller values for atoms, not comparable.)

    Args:
        lower: (B,) F(y - 1/2).
        upper: (B,) F(y + 1/2).
        draws: randomisations to average over.
        seed: of the randomisation.

    Returns:
        Values of the regions "lower" (q < 0.05), "base", "upper" (q > 0.95), "full".

    Raises:
        EvaluationError: no observations, lengths differ, values that are no PITs, no draw, or a
            seed out of its range.

    >>> edges = np.linspace(0, 1, 1001)
    >>> pp_mae(edges[:-1], edges[1:])["full"] < 1e-3
    True
    """
    errors = [
        np.abs(np.searchsorted(np.sort(pit), LEVELS, side="left") / pit.size - LEVELS)
        for pit in randomised_pit(lower, upper, draws=draws, seed=seed)
    ]
    return _by_region(np.mean(errors, axis=0))


def pp_curve(lower: Pits, upper: Pits) -> Float[np.ndarray, " 129"]:
    """Share of observations below each of `LEVELS`, in expectation over randomised PITs.

    >>> curve = pp_curve(np.array([0.0, 0.5]), np.array([0.5, 1.0]))
    >>> bool(np.allclose(curve, LEVELS))
    True
    """
    _check(lower, upper)
    return np.array([share_below(lower, upper, float(q)).mean() for q in LEVELS])


def pit_histogram(lower: Pits, upper: Pits, *, bins: int = 20) -> Float[np.ndarray, " bins"]:
    """Observations in each of equal bins of the PIT, in expectation over randomised PITs.

    Counts, so they sum to B; each is near B / bins if forecasts are right.

    Raises:
        EvaluationError: values that are no PITs, or no bin.

    >>> pit_histogram(np.array([0.0, 0.6]), np.array([0.5, 0.6]), bins=4)
    array([0.5, 0.5, 1. , 0. ])
    """
    _check(lower, upper)
    refuse_unless(Count, EvaluationError, bins=bins)
    # The ends are infinite so that a PIT of exactly 1 counts.
    edges = [-np.inf, *np.linspace(0, 1, bins + 1)[1:-1], np.inf]
    return np.diff([share_below(lower, upper, float(q)).sum() for q in edges])


def central_coverage(lower: Pits, upper: Pits, probability: float) -> Float[np.ndarray, " B"]:
    """Probability that a randomised PIT is in the central interval, for each observation.

    The mean is the coverage of the central forecast interval; it should be `probability`. An
    interval that ends within an atom counts the atom in part, as it should: the interval with
    the whole atom covers more by right.

    Raises:
        EvaluationError: the probability is not in [0, 1].

    >>> central_coverage(np.array([0.0, 0.3]), np.array([0.2, 0.4]), 0.8)
    array([0.5, 1. ])
    """
    refuse_unless(Probability, EvaluationError, probability=probability)
    tail = (1 - probability) / 2
    return share_below(lower, upper, 1 - tail) - share_below(lower, upper, tail)


def perfect_forecaster(
    n: int, *, draws: int = 10_000, seed: int = 0
) -> dict[str, PerfectForecaster]:
    """Mean and 95th percentile of PP-MAE over samples of n independent uniform PITs.

    The counts between neighbouring levels are drawn (they are multinomial), not the PITs.

    Args:
        n: observations, at least 1.
        draws: simulated samples, at least 1.
        seed: of the simulation.

    Raises:
        EvaluationError: n or draws is less than 1, or the seed out of its range.

    >>> {name: round(floor.mean, 3) for name, floor in perfect_forecaster(15_000).items()}
    {'lower': 0.001, 'base': 0.003, 'upper': 0.001, 'full': 0.002}
    """
    refuse_unless(Count, EvaluationError, n=n, draws=draws)
    refuse_unless(Seed, EvaluationError, seed=seed)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.diff(LEVELS, prepend=0.0, append=1.0), size=draws)
    errors = np.abs(np.cumsum(counts[:, :-1], axis=1) / n - LEVELS)
    floors = {name: errors[:, region].mean(axis=1) for name, region in REGIONS.items()}
    return {
        name: PerfectForecaster(float(floor.mean()), float(np.quantile(floor, 0.95)))
        for name, floor in floors.items()
    }


def _by_region(errors: np.ndarray) -> dict[str, float]:
    return {name: float(errors[region].mean()) for name, region in REGIONS.items()}


def _check(lower: np.ndarray, upper: np.ndarray) -> None:
    if lower.shape != upper.shape:
        raise EvaluationError(
            f"lower and upper PITs: expected equal lengths, got {lower.shape}, {upper.shape}"
        )
    if lower.size == 0:
        raise EvaluationError("PITs: expected at least one observation, got an empty set")
    # Float32 distribution functions may decrease or pass 1 by rounding, but no more than that.
    if (bad := ~((lower >= -1e-5) & (lower <= upper + 1e-5) & (upper <= 1 + 1e-5))).any():
        row = int(np.argmax(bad))
        raise EvaluationError(
            f"PITs: expected 0 <= F(y - 1/2) <= F(y + 1/2) <= 1, got {lower[row]} and "
            f"{upper[row]} in row {row}"
        )
