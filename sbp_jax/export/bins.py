"""A density constant on each bin, in NumPy: what `sbp_jax.distributions.bins` computes.

Symbols: edges e_0 < ... < e_n, widths w_i, p = softmax(logits), F distribution function. Logits
have shape (..., n); points and levels have shape (...) and broadcast against the rest of it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


class Bins:
    """The grid, and the functions of logits on it."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.count = len(edges) - 1
        self._edges = np.asarray(edges, np.float32)
        self._lefts, self._rights = self._edges[:-1], self._edges[1:]
        self._widths = self._rights - self._lefts

    def end(self, *, upper: bool) -> float:
        """The last edge, or the first."""
        return float(self._edges[-1 if upper else 0])

    def cdf(self, logits: Floats, y: Floats) -> Floats:
        """Distribution function; 0 below the first edge, 1 above the last.

        >>> float(Bins((0.0, 1.0, 3.0)).cdf(np.zeros(2), np.array(2.0)))
        0.75
        """
        covered = np.clip((y[..., None] - self._lefts) / self._widths, 0, 1)
        return np.sum(softmax(logits) * covered, axis=-1)

    def sf(self, logits: Floats, y: Floats) -> Floats:
        """Survival function, summed from above, so that it is accurate where it is small.

        >>> float(Bins((0.0, 1.0, 3.0)).sf(np.zeros(2), np.array(2.0)))
        0.25
        """
        left = np.clip((self._rights - y[..., None]) / self._widths, 0, 1)
        return np.sum(softmax(logits) * left, axis=-1)

    def log_prob(self, logits: Floats, y: Floats) -> Floats:
        """Log density; -inf outside all bins, which own their left edges, the last one both.

        NaN of a point that is none.
        """
        at = np.searchsorted(self._edges[1:-1], y, side="right")
        density = (
            logits - log_sum_exp(logits)[..., None] - np.log(self._widths.astype(logits.dtype))
        )
        shape = np.broadcast_shapes(density.shape[:-1], np.shape(y))
        density = np.broadcast_to(density, (*shape, self.count))
        value = np.take_along_axis(density, np.broadcast_to(at, shape)[..., None], -1)[..., 0]
        value = np.where(np.isnan(y), np.nan, value)
        return np.where((y < self._edges[0]) | (y > self._edges[-1]), -np.inf, value)

    def quantile(self, logits: Floats, level: Floats) -> Floats:
        """Inverse of F, from the nearer side; the first edge at 0 and the last at 1."""
        below = self.quantile_from(logits, np.clip(level, 0, 0.5), upper=False)
        above = self.quantile_from(logits, np.clip(1 - level, 0, 0.5), upper=True)
        value = np.where(level <= 0.5, below, above)
        value = np.where(level == 0, self._edges[0], value)
        return np.where(level == 1, self._edges[-1], value)

    def quantile_from(self, logits: Floats, level: Floats, *, upper: bool) -> Floats:
        """Point with mass `level` (at most about 1/2) below it, or above it if `upper`."""
        rank, before, mass = self._reached(logits, level, upper=upper)
        inside = np.clip((level - before) / np.where(mass > 0, mass, 1), 0, 1)
        bins = self._from_side(rank, upper=upper)
        step = self._widths[bins] * inside
        return self._rights[bins] - step if upper else self._lefts[bins] + step

    def edge_from(self, logits: Floats, level: Floats, *, upper: bool) -> tuple[Floats, Floats]:
        """Farthest inner edge with mass <= `level` beyond it, and the log of that mass.

        The outermost inner edge where even that has more.
        """
        rank = np.maximum(self._reached(logits, level, upper=upper)[0], 1)
        edge = (self._rights if upper else self._lefts)[self._from_side(rank, upper=upper)]
        ranks = np.arange(self.count)[:: -1 if upper else 1]
        beyond = np.where(ranks < rank[..., None], logits, -np.inf)
        return edge, log_sum_exp(beyond) - log_sum_exp(logits)

    def _reached(
        self, logits: Floats, level: Floats, *, upper: bool
    ) -> tuple[NDArray[np.intp], Floats, Floats]:
        """Rank from one side of the bin in which `level` is reached, mass before it, its mass."""
        probs = softmax(logits)[..., :: -1 if upper else 1]
        sums = np.cumsum(probs, axis=-1)
        rank = np.minimum(np.sum(sums <= level[..., None], axis=-1), self.count - 1)
        probs, sums = (np.broadcast_to(x, (*rank.shape, self.count)) for x in (probs, sums))
        mass, upto = (np.take_along_axis(x, rank[..., None], -1)[..., 0] for x in (probs, sums))
        return rank, upto - mass, mass

    def _from_side(self, rank: NDArray[np.intp], *, upper: bool) -> NDArray[np.intp]:
        return self.count - 1 - rank if upper else rank


def softmax(logits: Floats) -> Floats:
    """Probabilities (..., n) that sum to one.

    >>> softmax(np.zeros(4)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def log_sum_exp(values: Floats) -> Floats:
    """Logarithm (...) of the sum of exponentials; at least one value must be finite.

    >>> log_sum_exp(np.array([0.0, -np.inf]))
    np.float64(0.0)
    """
    peak = values.max(axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(values - peak), axis=-1)) + peak[..., 0]
