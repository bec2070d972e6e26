r"""Means over plays with standard errors that respect games.

Plays of one game share teams, weather and the state of the model's knowledge, so the game is
the unit that varies: with x_i the metric of play i, m its mean over n plays, and G games g,

    e_g = sum over plays of game g of (x_i - m)       SE = sqrt(G / (G - 1) sum_g e_g^2) / n

the standard error of a ratio of two sums over games (total of x by number of plays) [1].
Two forecasts of the same plays are compared by the mean of x_i - x'_i, whose standard error is
far below those of either.

References:
    [1] Cochran (1977), "Sampling Techniques", 3rd edition, section 6.4.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from sbp_jax.errors import EvaluationError

Values = Float[np.ndarray, " B"]
Games = Shaped[np.ndarray, " B"]


class Estimate(NamedTuple):
    """A mean over plays and its standard error by games (NaN for a single game)."""

    mean: float
    standard_error: float


def clustered_mean(values: Values, games: Games) -> Estimate:
    """Mean over plays with its standard error by games; formula at the top of this module.

    NaN values give NaN, infinite ones an infinite mean without a standard error.

    Args:
        values: (B,) one number per play.
        games: (B,) the game of each play, numbers or strings.

    Raises:
        EvaluationError: no plays, or lengths differ.

    >>> clustered_mean(np.array([0.0, 0.0, 1.0, 1.0]), np.array([1, 1, 2, 2]))
    Estimate(mean=0.5, standard_error=0.5)
    """
    if values.shape != games.shape:
        raise EvaluationError(
            f"expected one game for each play, got {games.shape} and {values.shape}"
        )
    if not values.size:
        raise EvaluationError("expected at least one play, got an empty set")
    mean = float(values.mean())
    _, game = np.unique(games, return_inverse=True)
    count = int(np.max(game)) + 1
    if count < 2 or not np.isfinite(mean):
        return Estimate(mean, float("nan"))
    errors = np.bincount(game, weights=values - mean)
    return Estimate(mean, float(np.sqrt(count / (count - 1) * (errors**2).sum()) / values.size))


def paired_difference(values: Values, others: Values, games: Games) -> Estimate:
    """Mean of `values - others` of two forecasts of the same plays, with its standard error.

    Raises:
        EvaluationError: no plays, or lengths differ.

    >>> paired_difference(np.array([1.0, 2.0]), np.array([2.0, 3.0]), np.array(["a", "b"]))
    Estimate(mean=-1.0, standard_error=0.0)
    """
    if values.shape != others.shape:
        raise EvaluationError(
            f"expected two forecasts of the same plays, got {values.shape} and {others.shape}"
        )
    with np.errstate(invalid="ignore"):  # inf - inf: both held it for impossible; NaN says so
        return clustered_mean(values - others, games)
