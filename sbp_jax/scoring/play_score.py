r"""The score of a play: where its outcome lies in the distribution that was forecast for it.

    u = (F(y - 1/2) + F(y + 1/2)) / 2

the mid-distribution function at the yards gained [1]: the probability of gaining less plus half
that of gaining just as much, so that the 38 % of plays that gain exactly 0 share one fair value
each. If the forecast is right, u has mean 1/2 on every play, whatever its distribution: a passer
gains nothing by the mere kind of his throws. That is why u is not bent further: the normal
quantile of u, say, has a mean off 0 on plays with an atom, and by how much depends on the play.

Its variance does depend on the play. With cell probabilities p_k it is (1 - sum_k p_k^3) / 12,
below the 1/12 of a continuous outcome: 0.055 for a deep throw that falls incomplete 7 times of
10, 0.08 for a short one. A play that says little about the passer weighs little; dividing each
by its own standard deviation would undo that, so one number per season standardises all.

Yards are those of the table of passes, where an interception gains 0, as an incompletion does.

References:
    [1] Parzen (2004), "Quantile probability and statistical data modeling", Statistical Science
    19.
"""

import numpy as np
from jaxtyping import Float, Shaped

from sbp_jax.scoring.errors import ScoringError


def play_scores(
    pit_lower: Float[np.ndarray, " B"], pit_upper: Float[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Score of each play, in [0, 1].

    Args:
        pit_lower: (B,) F(y - 1/2), as in `sbp_jax.evaluation.Outcomes`.
        pit_upper: (B,) F(y + 1/2).

    Raises:
        ScoringError: lengths differ, no plays, or a value that is no probability.

    >>> play_scores(np.array([0.1, 0.5]), np.array([0.5, 0.6]))
    array([0.3 , 0.55])
    """
    lower, upper = np.asarray(pit_lower, np.float64), np.asarray(pit_upper, np.float64)
    if lower.shape != upper.shape:
        raise ScoringError(
            f"pit_lower and pit_upper: expected equal lengths, got {lower.shape}, {upper.shape}"
        )
    if not lower.size:
        raise ScoringError("expected at least one play, got an empty set")
    scores = (lower + upper) / 2
    # Float32 distribution functions may pass 0 or 1 by rounding, but no more than that.
    if (bad := ~((scores >= -1e-5) & (scores <= 1 + 1e-5))).any():
        row = int(np.argmax(bad))
        raise ScoringError(
            f"expected probabilities, got F(y - 1/2) = {lower[row]} and F(y + 1/2) = "
            f"{upper[row]} in row {row}"
        )
    return np.clip(scores, 0.0, 1.0)


def standardise(
    scores: Float[np.ndarray, " B"], seasons: Shaped[np.ndarray, " B"]
) -> Float[np.ndarray, " B"]:
    """Standardised score of each play: (u - m) / s, with m and s over all plays of its season.

    m is near 1/2 and s near 0.27. Taking the season's own mean removes what the whole league
    gained over the seasons the model was trained on; the order of passers within a season does
    not depend on either. Where all scores of a season are equal, the result is 0.

    Args:
        scores: (B,) scores of plays.
        seasons: (B,) the season of each.

    >>> standardise(np.array([0.2, 0.8, 0.5, 0.5]), np.array([2017, 2017, 2018, 2018]))
    array([-1.,  1.,  0.,  0.])
    """
    if scores.shape != seasons.shape:
        raise ScoringError(
            f"expected one season for each score, got {seasons.shape} and {scores.shape}"
        )
    _, season = np.unique(seasons, return_inverse=True)
    plays = np.bincount(season)
    centred = scores - (np.bincount(season, weights=scores) / plays)[season]
    spread = np.sqrt(np.bincount(season, weights=centred**2) / plays)[season]
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
