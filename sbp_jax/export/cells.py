"""Distribution functions that are linear between points, with Pareto tails, in NumPy.

Formulas are those of `sbp_jax.distributions.cells`: predicted quantiles, and tables.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.bins import softmax
from sbp_jax.export.family import (
    Parameters,
    at_values_of,
    clipped,
    normal_quantile,
    positive,
    squashed_shape,
)
from sbp_jax.export.spliced import excess, hazard

Floats = NDArray[np.floating]
_NARROWEST = 1e-12  # in spreads: narrower cells count as this wide
_TABLE_SHAPES = (0.0, 0.95)


class _Celled:
    """Methods of points (..., k), masses about them (..., k + 1), shapes and scales of tails."""

    _spread: float

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """Log density; a cell owns its left end, the upper tail its beginning."""
        points, masses = parameters["points"], parameters["masses"]
        y = at_values_of(points, y)
        here = (points[..., :-1] <= y[..., None]) & (y[..., None] < points[..., 1:])
        with np.errstate(divide="ignore"):
            logs = np.log(masses)
        body = np.sum(np.where(here, logs[..., 1:-1] - np.log(self._widths(points)), 0), axis=-1)
        below, above = (
            logs[..., at] - np.log(scale) - (1 + shape) * passed
            for at, passed, shape, scale in self._tails(parameters, y)
        )
        return self._select(points, y, below, body, above)

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function, summed from below."""
        points, masses = parameters["points"], parameters["masses"]
        y = at_values_of(points, y)
        covered = np.clip((y[..., None] - points[..., :-1]) / self._widths(points), 0, 1)
        body = masses[..., 0] + np.sum(masses[..., 1:-1] * covered, axis=-1)
        below, above = (
            masses[..., at] * np.exp(-passed) for at, passed, _, _ in self._tails(parameters, y)
        )
        return self._select(points, y, below, body, 1 - above)

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Survival function, summed from above."""
        points, masses = parameters["points"], parameters["masses"]
        y = at_values_of(points, y)
        left = np.clip((points[..., 1:] - y[..., None]) / self._widths(points), 0, 1)
        body = masses[..., -1] + np.sum(masses[..., 1:-1] * left, axis=-1)
        below, above = (
            masses[..., at] * np.exp(-passed) for at, passed, _, _ in self._tails(parameters, y)
        )
        return self._select(points, y, 1 - below, body, above)

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F, in closed form."""
        points, masses = parameters["points"], parameters["masses"]
        q = at_values_of(points, q)
        upto = np.cumsum(masses, axis=-1)[..., :-1]
        at = np.sum(upto[..., 1:-1] <= q[..., None], axis=-1)
        cells = (points[..., :-1], self._widths(points), upto[..., :-1], masses[..., 1:-1])
        left, width, before, mass = (_taken(x, at) for x in cells)
        part = np.clip((q - before) / np.where(mass > 0, mass, 1), 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(masses)
            beyond = np.maximum(logs[..., 0] - np.log(q), 0)
            after = np.maximum(logs[..., -1] - np.log(1 - q), 0)
        lower = points[..., 0] - excess(
            beyond, parameters["lower_shape"], parameters["lower_scale"]
        )
        upper = points[..., -1] + excess(
            after, parameters["upper_shape"], parameters["upper_scale"]
        )
        found = np.where(beyond > 0, lower, np.where(after > 0, upper, left + width * part))
        return np.where((q >= 0) & (q <= 1), found, np.nan)

    def _widths(self, points: Floats) -> Floats:
        return np.maximum(np.diff(points, axis=-1), _NARROWEST * self._spread)

    def _tails(self, parameters: Parameters, y: Floats) -> list[tuple[int, Floats, Floats, Floats]]:
        """Of the lower and the upper one: where its mass is, L of what is beyond, shape, scale."""
        points = parameters["points"]
        excesses = np.maximum(points[..., 0] - y, 0), np.maximum(y - points[..., -1], 0)
        tails = []
        for side, at, z in zip(("lower", "upper"), (0, -1), excesses, strict=True):
            shape, scale = parameters[f"{side}_shape"], parameters[f"{side}_scale"]
            tails.append((at, hazard(z, shape, scale), shape, scale))
        return tails

    def _select(
        self, points: Floats, y: Floats, below: Floats, body: Floats, above: Floats
    ) -> Floats:
        return np.where(y < points[..., 0], below, np.where(y < points[..., -1], body, above))


class QuantileHead(_Celled):
    """Quantiles at fixed levels: uniform between them, exponential tails beyond.

    >>> family = QuantileHead([0.1, 0.5, 0.9], center=7.0, spread=10.0)
    >>> float(family.quantile(family.constrain(np.zeros(3)), np.array(0.5)))
    7.0
    """

    def __init__(self, levels: Sequence[float], center: float, spread: float) -> None:
        self._levels = np.asarray(levels, np.float64)
        self._center, self._spread = center, spread
        self.num_outputs = len(levels)

    def constrain(self, raw: Floats) -> Parameters:
        """Increasing quantiles; zeros give those of the normal law."""
        raw = clipped(raw)
        normal = normal_quantile(self._levels)
        steps = positive(raw[..., 1:], (self._spread * np.diff(normal)).astype(raw.dtype))
        first = self._center + self._spread * (float(normal[0]) + raw[..., :1])
        largest = np.abs(first) + np.sum(steps, axis=-1, keepdims=True)
        steps = np.maximum(steps, 4 * self.num_outputs * np.finfo(raw.dtype).eps * largest)
        points = np.cumsum(np.concatenate([first, steps], axis=-1), axis=-1)
        masses = np.diff(self._levels, prepend=0, append=1)
        width = self._widths(points)
        none = np.zeros_like(points[..., 0])
        return {
            "points": points,
            "masses": np.broadcast_to(masses, (*points.shape[:-1], masses.size)),
            "lower_shape": none,
            "lower_scale": width[..., 0] * (masses[0] / masses[1]),
            "upper_shape": none,
            "upper_scale": width[..., -1] * (masses[-1] / masses[-2]),
        }


class Tabulated(_Celled):
    """Points, the masses between and beyond them, and two Pareto tails."""

    def __init__(self, points: int, center: float, spread: float) -> None:
        self._points = points
        self._center, self._spread = center, spread
        self.num_outputs = 2 * points + 5

    def constrain(self, raw: Floats) -> Parameters:
        """Increasing points and normalised masses; zeros give evenly spaced and equal ones."""
        raw, k = clipped(raw), self._points
        step = 2 * self._spread / (k - 1)
        first = self._center + self._spread * (raw[..., :1] - 1)
        steps = positive(raw[..., 1:k], step)
        found = {
            "points": np.cumsum(np.concatenate([first, steps], axis=-1), axis=-1),
            "masses": softmax(raw[..., k : 2 * k + 1]),
        }
        for side, at in (("lower", 2 * k + 1), ("upper", 2 * k + 3)):
            found[f"{side}_shape"] = squashed_shape(raw[..., at], _TABLE_SHAPES)
            found[f"{side}_scale"] = positive(raw[..., at + 1], step)
        return found


def _taken(values: Floats, at: NDArray[np.intp]) -> Floats:
    """One of the cells (..., n) for each index (...)."""
    shape = np.broadcast_shapes(values.shape[:-1], at.shape)
    values = np.broadcast_to(values, (*shape, values.shape[-1]))
    return np.take_along_axis(values, np.broadcast_to(at, shape)[..., None], -1)[..., 0]
