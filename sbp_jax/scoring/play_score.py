r"""The score of a play: where its outcome lies in the distribution that was forecast for it.

    u = (F(y-) + F(y)) / 2

the mid-distribution function at the outcome [1]: the probability of a lower outcome plus half that
of just the same one, so that the many plays that gain exactly 0 share one fair value each. If the
forecast is right, u has mean 1/2 on every play, whatever its distribution: a passer gains nothing
by the mere kind of his throws.

u knows ranks alone, so that an interception costs little more than an incompletion. The standard
score gives ranks their worth back, the same for all plays:

    s = (1 / (F(y) - F(y-))) integral from F(y-) to F(y) of J(t) dt  -  the season's mean

with J the quantile function of a reference, here of what outcomes were over their expectation on
all plays scored together. A play at the 2nd percentile of its own distribution gets what the 2nd
percentile is worth in the league, in points (or yards). J is averaged over the whole step of F, not
taken at its middle: so the mean of s is the integral of J on every play, whatever J and however
large its atoms. J(u), the normal quantile of u for instance, has not got this.

References:
    [1] Parzen (2004), "Quantile probability and statistical data modeling", Statistical Science
    19.
"""

import numpy as np
from jaxtyping import Float, Shaped

from sbp_jax.scoring.errors import ScoringError

_STEP = 1e-7  # a step of F below this is a point


def play_scores(
    pit_lower: Float[np.ndarray, " B"], pit_upper: Float[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Score of each play, in [0, 1].

    Args:
        pit_lower: (B,) F just below the outcome: at y - 1/2 for whole yards.
        pit_upper: (B,) F at it: at y + 1/2.

    Raises:
        ScoringError: lengths differ, no plays, or a value that is no probability.

    >>> play_scores(np.array([0.1, 0.5]), np.array([0.5, 0.6]))
    array([0.3 , 0.55])
    """
    lower, upper = _probabilities(pit_lower, pit_upper)
    return (lower + upper) / 2


def standard_scores(
    pit_lower: Float[np.ndarray, " B"],
    pit_upper: Float[np.ndarray, " B"],
    over_expectation: Float[np.ndarray, " B"],
    seasons: Shaped[np.ndarray, " B"],
) -> Float[np.ndarray, " B"]:
    """Standard score of each play, in the unit of the outcome; formula at the top of this module.

    Taking away the season's mean removes what the whole league gained over the seasons that the
    model was trained on.

    Args:
        pit_lower: (B,) F just below the outcome.
        pit_upper: (B,) F at it.
        over_expectation: (B,) outcome less the mean of its forecast; their distribution is the
            reference, and which play had which does not matter.
        seasons: (B,) the season of each.

    Raises:
        ScoringError: lengths differ, no plays, a value that is no probability, or one of
            over_expectation that is not finite.

    >>> lower, upper = np.array([0.0, 0.5]), np.array([0.5, 1.0])
    >>> standard_scores(lower, upper, np.array([3.0, -1.0]), np.array([2018, 2018]))
    array([-2.,  2.])
    """
    lower, upper = _probabilities(pit_lower, pit_upper)
    for name, values in (("over_expectation", over_expectation), ("seasons", seasons)):
        if values.shape != lower.shape:
            raise ScoringError(f"{name}: expected {lower.size}, one a play, got {values.shape}")
    if not np.isfinite(over_expectation).all():
        row = int(np.argmin(np.isfinite(over_expectation)))
        raise ScoringError(
            f"over_expectation: expected finite numbers, got {over_expectation[row]} in row {row}"
        )
    reference = np.sort(over_expectation.astype(np.float64))
    # The integral of the quantile function, which is a step function, is piecewise linear.
    levels = np.linspace(0, 1, reference.size + 1)
    integral = np.concatenate([[0.0], np.cumsum(reference)]) / reference.size
    step = upper - lower
    gained = np.interp(upper, levels, integral) - np.interp(lower, levels, integral)
    at = np.minimum(((lower + upper) / 2 * reference.size).astype(np.int64), reference.size - 1)
    scores = np.where(step > _STEP, gained / np.maximum(step, _STEP), reference[at])
    _, season = np.unique(seasons, return_inverse=True)
    means = np.bincount(season, weights=scores) / np.bincount(season)
    return scores - means[season]


def _probabilities(
    pit_lower: Float[np.ndarray, " B"], pit_upper: Float[np.ndarray, " B"]
) -> tuple[Float[np.ndarray, " B"], Float[np.ndarray, " B"]]:
    """Both as float64 in [0, 1], checked."""
    lower, upper = np.asarray(pit_lower, np.float64), np.asarray(pit_upper, np.float64)
    if lower.shape != upper.shape:
        raise ScoringError(
            f"pit_lower and pit_upper: expected equal lengths, got {lower.shape}, {upper.shape}"
        )
    if not lower.size:
        raise ScoringError("expected at least one play, got an empty set")
    # Float32 distribution functions may pass 0 or 1 by rounding, but no more than that.
    good = (lower >= -1e-5) & (upper <= 1 + 1e-5) & (lower <= upper + 1e-5)
    if not good.all():
        row = int(np.argmin(good))
        raise ScoringError(
            f"expected probabilities, got F(y-) = {lower[row]} and F(y) = {upper[row]} in row {row}"
        )
    return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)
