r"""The score of a play: where its outcome lies in the distribution that was forecast for it.

    u = (F(y-) + F(y)) / 2

the mid-distribution function at the outcome [1]: the probability of a lower outcome plus half that
of just the same one, so that the many plays that gain exactly 0 share one fair value each. If the
forecast is right, u has mean 1/2 on every play, whatever its distribution: a passer gains nothing
by the mere kind of his throws.

u is bounded, so that an interception costs little more than an incompletion. The throw score gives
the ends more weight:

    s = sigma / (F(y) - F(y-)) integral from F(y-) to F(y) of Phi^-1(t) dt  -  the season's mean
      = sigma (phi(a) - phi(b)) / (F(y) - F(y-)),     a = Phi^-1(F(y-)),  b = Phi^-1(F(y))

the normal score of the rank [2], in the unit of the outcome: sigma is the standard deviation of
what outcomes were over their expectation, over all plays scored together. Phi^-1 is averaged over
the whole step of F, not taken at its middle: so the mean of s is 0 on every play however large its
atoms, if the forecast is right. Phi^-1(u) has not got this.

References:
    [1] Parzen (2004), "Quantile probability and statistical data modeling", Statistical Science
    19.
    [2] Van der Waerden (1952), "Order tests for the two-sample problem", Indagationes
    Mathematicae 14.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import ndtri

from sbp_jax.nfl.errors import ScoringError

_STEP: Final = 1e-6  # a step of F below this is a point


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


def throw_scores(
    pit_lower: Float[np.ndarray, " B"],
    pit_upper: Float[np.ndarray, " B"],
    over_expectation: Float[np.ndarray, " B"],
    seasons: Shaped[np.ndarray, " B"],
) -> Float[np.ndarray, " B"]:
    """Throw score of each play, in the unit of the outcome; formula at the top of this module.

    Taking away the season's mean removes what the whole league gained over the seasons that the
    model was trained on.

    Args:
        pit_lower: (B,) F just below the outcome.
        pit_upper: (B,) F at it.
        over_expectation: (B,) outcome less the mean of its forecast; of these numbers only the
            standard deviation counts.
        seasons: (B,) the season of each.

    Raises:
        ScoringError: lengths differ, no plays, a value that is no probability, or one of
            over_expectation that is not finite.

    >>> lower, upper = np.array([0.0, 0.5]), np.array([0.5, 1.0])
    >>> throw_scores(lower, upper, np.array([3.0, -1.0]), np.array([2018, 2018])).round(3)
    array([-1.596,  1.596])
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
    return season_centred(over_expectation.std() * _normal_scores(lower, upper), seasons)


def season_centred(
    values: Float[np.ndarray, " B"], seasons: Shaped[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Values less the mean of their season.

    >>> season_centred(np.array([1.0, 3.0, 5.0]), np.array([2017, 2017, 2018]))
    array([-1.,  1.,  0.])
    """
    _, season = np.unique(seasons, return_inverse=True)
    means = np.bincount(season, weights=values) / np.bincount(season)
    return values - means[season]


def _normal_scores(
    lower: Float[np.ndarray, " B"], upper: Float[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Mean of the normal quantile over each step; at its middle where the step is a point."""
    # At 0 and 1 the quantile is infinite and the density there 0, which is what is needed.
    step = upper - lower
    wide = step > _STEP
    before, after = (np.exp(-0.5 * ndtri(x) ** 2) / np.sqrt(2 * np.pi) for x in (lower, upper))
    middle = ndtri(np.clip((lower + upper) / 2, _STEP, 1 - _STEP))
    return np.where(wide, (before - after) / np.where(wide, step, 1.0), middle)


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
