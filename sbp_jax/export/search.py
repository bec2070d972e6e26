"""Quantiles of a distribution function without an inverse in closed form."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.family import Family, Parameters

Floats = NDArray[np.floating]

_WIDENINGS = 200  # of the bracket, each three times as wide: beyond the largest number
_STEPS = 200  # far more than needed: 4 to 12 as a rule, halving alone takes some 50
_ACCURACY = 1e-12  # of the answer, as a share of itself and of the bracket


def invert(
    family: Family, parameters: Parameters, ndim: int, level: Floats, low: Floats, high: Floats
) -> Floats:
    """Points y with F(y) = level, by Newton's method in log probabilities within a bracket.

    It is solved from the side where the probability is small, so far levels are as accurate as
    `cdf` and `sf` are. What is found is not computed again.

    Args:
        family: whose `cdf`, `sf` and `log_prob` are asked.
        parameters: of the distributions.
        ndim: how many batch axes they have.
        level: 0 < level < 1, of the shape of the answer, with which the batch axes broadcast.
        low: guess of a point below, likewise; it is moved as needed.
        high: guess of a point above.

    >>> from sbp_jax.export.family import Gaussian
    >>> standard = {"loc": np.zeros(()), "scale": np.ones(())}
    >>> ends = -np.ones(2), np.ones(2)
    >>> invert(Gaussian(0.0, 1.0), standard, 0, np.array([0.5, 0.975]), *ends).round(6)
    array([0.      , 1.959964])
    """
    every = np.ones(level.shape, np.bool_)
    parameters = _taken(parameters, every, level.shape, ndim)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = _solve(family, parameters, *(np.ravel(x) for x in (level, low, high)))
    return found.reshape(level.shape)


def _solve(
    family: Family, parameters: Parameters, level: Floats, low: Floats, high: Floats
) -> Floats:
    """The same of distributions on one axis."""
    low, high = _bracket(family, parameters, level, low, high)
    y = 0.5 * (low + high)
    answer, open_ = y.copy(), np.arange(level.size)
    tolerance = _ACCURACY * (high - low)
    for step in range(_STEPS):
        off, log_mass = _gap(family, parameters, level, y)
        low, high = np.where(off < 0, y, low), np.where(off < 0, high, y)
        newton = y - off * np.exp(log_mass - family.log_prob(parameters, y))
        # Every fourth step halves, whatever Newton's says, so that no jump of a density can slow
        # it down for long.
        trusted = (newton >= low) & (newton <= high) & (step % 4 != 3)
        new = np.where(off == 0, y, np.where(trusted, newton, 0.5 * (low + high)))
        answer[open_] = new
        going = np.abs(new - y) > tolerance + _ACCURACY * np.abs(y)
        if not going.any():
            break
        if not going.all():
            parameters = _taken(parameters, going, going.shape, 1)
            level, low, high, new, tolerance, open_ = (
                x[going] for x in (level, low, high, new, tolerance, open_)
            )
        y = new
    return answer


def _gap(family: Family, parameters: Parameters, level: Floats, y: Floats) -> tuple[Floats, Floats]:
    """How far y is too high, in log probability of the nearer side; and that log probability."""
    upper = level > 0.5
    sides = [
        np.log(side(parameters, y)) if asked.any() else np.zeros(())
        for side, asked in ((family.cdf, ~upper), (family.sf, upper))
    ]
    log_mass = np.where(upper, sides[1], sides[0])
    off = log_mass - np.log(np.where(upper, 1 - level, level))
    return np.where(upper, -off, off), log_mass


def _bracket(
    family: Family, parameters: Parameters, level: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Ends between which the gap changes its sign, from guesses of them."""
    margin = 1e-9 * (np.abs(low) + np.abs(high)) + 1e-300
    low, high = low - margin, high + margin
    for _ in range(_WIDENINGS):
        below = _gap(family, parameters, level, low)[0] > 0
        above = _gap(family, parameters, level, high)[0] < 0
        if not (below.any() or above.any()):
            break
        width = high - low
        low, high = np.where(below, low - width, low), np.where(above, high + width, high)
    return low, high


def _taken(parameters: Parameters, at: Any, shape: tuple[int, ...], ndim: int) -> Parameters:
    """Parameters at some places of a batch of that shape, on one axis."""
    return {
        name: _taken(value, at, shape, ndim)
        if isinstance(value, dict)
        else np.broadcast_to(value, (*shape, *np.shape(value)[ndim:]))[at]
        for name, value in parameters.items()
    }
