"""Quantiles of a distribution function without an inverse in closed form."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Function = Callable[[Floats], Floats]

_WIDENINGS = 200  # of the bracket, each three times as wide: beyond the largest number
_STEPS = 200  # far more than needed: 6 to 20 as a rule, halving alone takes some 60
_ACCURACY = 1e-13  # of the answer, as a share of itself and of the bracket


def invert(
    log_prob: Function, cdf: Function, sf: Function, level: Floats, low: Floats, high: Floats
) -> Floats:
    """Point y with F(y) = level, by Newton's method in log probabilities within a bracket.

    It is solved from the side where the probability is small, so far levels are as accurate as
    `cdf` and `sf` are.

    Args:
        log_prob: log density of an array of the shape of `level`.
        cdf: F.
        sf: 1 - F.
        level: 0 < level < 1.
        low: guess of a point below, which is moved as needed.
        high: guess of a point above.

    >>> q = np.array([0.25, 0.5, 0.75])
    >>> up = lambda y: 1 / (1 + np.exp(y))
    >>> density = lambda y: np.log(up(y) * up(-y))
    >>> invert(density, lambda y: up(-y), up, q, -np.ones(3), np.ones(3)).round(6)
    array([-1.098612,  0.      ,  1.098612])
    """
    upper = level > 0.5
    target = np.log(np.where(upper, 1 - level, level))

    def gap(y: Floats) -> Floats:
        """Above 0 where y is too high."""
        found = np.log(np.where(upper, sf(y), cdf(y)))
        return np.where(upper, target - found, found - target)

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = _bracket(gap, low, high)
        y, done = 0.5 * (low + high), np.zeros(level.shape, np.bool_)
        tolerance = _ACCURACY * (high - low)
        for step in range(_STEPS):
            off = gap(y)
            low, high = np.where(off < 0, y, low), np.where(off < 0, high, y)
            log_mass = np.where(upper, target - off, target + off)
            newton = y - off * np.exp(log_mass - log_prob(y))
            # Every fourth step halves, whatever Newton's says, so that no jump of a density
            # can slow it down.
            trusted = (newton >= low) & (newton <= high) & (step % 4 != 3)
            new = np.where(trusted, newton, 0.5 * (low + high))
            new = np.where(done | (off == 0), y, new)
            done |= np.abs(new - y) <= tolerance + _ACCURACY * np.abs(y)
            y = new
            if done.all():
                break
    return y


def _bracket(gap: Function, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Ends between which the gap changes its sign, from guesses of them."""
    margin = 1e-9 * (np.abs(low) + np.abs(high)) + 1e-300
    low, high = low - margin, high + margin
    for _ in range(_WIDENINGS):
        below, above = gap(low) > 0, gap(high) < 0
        if not (below.any() or above.any()):
            break
        width = high - low
        low, high = np.where(below, low - width, low), np.where(above, high + width, high)
    return low, high
