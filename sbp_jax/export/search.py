"""Quantiles of a distribution function without an inverse in closed form."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.family import Family, Parameters

Floats = NDArray[np.floating]
Ends = tuple[Floats, Floats, Floats, Floats]

_WIDENINGS = 200  # of the bracket, each three times as wide: beyond the largest number
_STEPS = 100  # far more than needed: 10 to 15 as a rule, halving alone takes some 45
_ACCURACY = 1e-13  # of the answer, as a share of itself
_FINEST = 1e-15  # likewise, as a share of the bracket


def invert(
    family: Family, parameters: Parameters, ndim: int, level: Floats, low: Floats, high: Floats
) -> Floats:
    """Points y with F(y) = level, by Chandrupatla's method in log probabilities.

    It is solved from the side where the probability is small, so far levels are as accurate as
    `cdf` and `sf` are. What is found is not computed again.

    Args:
        family: whose `cdf` and `sf` are asked.
        parameters: of the distributions.
        ndim: how many batch axes they have.
        level: 0 < level < 1, of the shape of the answer, with which the batch axes broadcast.
        low: guess of a point below, likewise; it is moved as needed.
        high: guess of a point above.

    Reference: Chandrupatla (1997), Advances in Engineering Software 28.

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
    """The same of distributions on one axis: interpolation where it is safe, else halving."""
    ends = _bracket(family, parameters, level, low, high)
    finest = _FINEST * (ends[1] - ends[0])
    x, answer, open_ = 0.5 * (ends[0] + ends[1]), np.empty(level.size), np.arange(level.size)
    for _ in range(_STEPS):
        low, high, at_low, at_high = ends
        at_x = _gap(family, parameters, level, x)
        above = at_x > 0
        # b is the other end of the new bracket, c the end that x replaces.
        b, at_b = np.where(above, low, high), np.where(above, at_low, at_high)
        c, at_c = np.where(above, high, low), np.where(above, at_high, at_low)
        least = (_ACCURACY * np.abs(x) + finest) / np.abs(b - x)
        share = np.clip(_share(x, b, c, at_x, at_b, at_c), least, 1 - least)
        answer[open_] = x
        going = (at_x != 0) & (least < 0.5)
        if not going.any():
            break
        ends = (
            np.where(above, low, x), np.where(above, x, high),
            np.where(above, at_low, at_x), np.where(above, at_x, at_high),
        )  # fmt: skip
        x = x + share * (b - x)
        if not going.all():
            parameters = _taken(parameters, going, going.shape, 1)
            level, x, open_, finest, *rest = (
                each[going] for each in (level, x, open_, finest, *ends)
            )
            ends = (rest[0], rest[1], rest[2], rest[3])
    return answer


def _share(a: Floats, b: Floats, c: Floats, at_a: Floats, at_b: Floats, at_c: Floats) -> Floats:
    """Where between a and b to look next: inverse quadratic interpolation if it is safe, or 1/2."""
    place, height = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    smooth = (height**2 < place) & ((1 - height) ** 2 < 1 - place)
    first = at_a / (at_b - at_a) * at_c / (at_b - at_c)
    second = (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
    share = first + second
    return np.where(smooth & np.isfinite(share), share, 0.5)


def _gap(family: Family, parameters: Parameters, level: Floats, y: Floats) -> Floats:
    """How far y is too high, in log probability of the nearer side."""
    upper = level > 0.5
    below, above = (
        side(parameters, y) if asked.any() else np.ones(())
        for side, asked in ((family.cdf, ~upper), (family.sf, upper))
    )
    off = np.log(np.where(upper, above, below) / np.where(upper, 1 - level, level))
    return np.where(upper, -off, off)


def _bracket(
    family: Family, parameters: Parameters, level: Floats, low: Floats, high: Floats
) -> Ends:
    """Ends between which the gap changes its sign, from guesses of them, and the gaps there."""
    margin = 1e-9 * (np.abs(low) + np.abs(high)) + 1e-300
    low, high = low - margin, high + margin
    for _ in range(_WIDENINGS):
        at_low, at_high = (_gap(family, parameters, level, y) for y in (low, high))
        below, above = at_low > 0, at_high < 0
        if not (below.any() or above.any()):
            break
        width = high - low
        low, high = np.where(below, low - width, low), np.where(above, high + width, high)
    return low, high, at_low, at_high


def _taken(parameters: Parameters, at: Any, shape: tuple[int, ...], ndim: int) -> Parameters:
    """Parameters at some places of a batch of that shape, on one axis."""
    return {
        name: _taken(value, at, shape, ndim)
        if isinstance(value, dict)
        else np.broadcast_to(value, (*shape, *np.shape(value)[ndim:]))[at]
        for name, value in parameters.items()
    }
