"""The perceptron in NumPy, from state and static facts to raw parameters.

Legend: B examples, D inputs, F facts, N bins, P outputs.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.architecture import Anchor, Architecture, KnotAnchor

Floats = NDArray[np.float32]
_IMPOSSIBLE = -40.0  # as in `sbp_jax.models.ceiling`
_FAR = 2.0**30  # bins; an anchor beyond is as good as there, and fits an integer


class Head:
    """Raw outputs (B, P), with the logits counted from each anchor added to those of the bins."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Floats]) -> None:
        self._architecture = architecture
        self._weights = weights

    def __call__(self, h: Floats, facts: Floats) -> Floats:
        """Evaluate.

        Args:
            h: (B, D) encoder's state beside the facts.
            facts: (B, F), for the anchors.
        """
        net = self._architecture
        for i, width in enumerate(net.hidden):
            new = gelu(self._dense(f"hidden_{i}", h))
            h = h + new if net.residual and i and width == h.shape[1] else new
        if net.arrangement is not None:
            return _arranged(self._dense("raw", h), net.arrangement)
        out = np.zeros((len(h), net.num_outputs), np.float32)
        first = net.num_bins - net.own_logits
        if first < net.num_outputs:
            out[:, first:] = self._dense("raw", h)
        if not net.num_bins:
            return out
        logits = out[:, : net.num_bins]
        for i, anchor in enumerate(net.anchors):
            logits += self._anchored(self._dense(f"anchor_{i}", h), anchor, facts)
        if net.ceiling is not None:
            highest = facts[:, net.ceiling["column"]] * np.float32(net.ceiling["scale"])
            _merge_above(logits, (highest - net.first_edge) / net.bin_width)
        return out

    def _anchored(self, relative: Floats, anchor: Anchor | KnotAnchor, facts: Floats) -> Floats:
        net = self._architecture
        if isinstance(anchor, Anchor):
            at = _anchor_bin(facts, anchor, net.first_edge, net.bin_width)
            return _laid_out(relative, anchor, at, net.num_bins)
        points = np.zeros(len(facts), np.float32)
        if anchor.column is not None:
            points += facts[:, anchor.column] * np.float32(anchor.scale)
        if anchor.shift_scale:
            points += np.float32(anchor.shift_scale) * relative[:, -1]
        centers = net.first_edge + net.bin_width * (np.arange(net.num_bins) + 0.5)
        return _interpolated(relative, anchor, centers.astype(np.float32) - points[:, None])

    def _dense(self, name: str, h: Floats) -> Floats:
        out: Floats = h @ self._weights[f"{name}/kernel"]
        out += self._weights[f"{name}/bias"]
        return out


def gelu(x: Floats) -> Floats:
    """Gaussian error linear unit in its tanh form, which is Flax's default.

    >>> gelu(np.float32([-1.0, 0.0, 1.0])).round(4)
    array([-0.1588,  0.    ,  0.8412], dtype=float32)
    """
    with np.errstate(over="ignore"):  # tanh of what is infinite is right
        inner = x * x
        inner *= 0.044715
        inner += 1
        inner *= x  # products, since the power is far slower
        inner *= math.sqrt(2 / math.pi)
        np.tanh(inner, out=inner)
    inner += 1
    inner *= x
    inner *= 0.5
    return inner


def _arranged(outputs: Floats, arrangement: Mapping[str, Sequence[float]]) -> Floats:
    """Raw numbers (B, P) of outputs, as `sbp_jax.models.arrangement`."""
    pace, start = (np.asarray(arrangement[name], np.float32) for name in ("pace", "start"))
    found: Floats = start + pace * outputs
    return found


def _anchor_bin(
    facts: Floats, anchor: Anchor, first_edge: float, bin_width: float
) -> NDArray[np.intp]:
    """Bin (B,) that holds each example's anchor, as `sbp_jax.models.anchors.anchor_bin`."""
    position = (facts[:, anchor.column] * anchor.scale - first_edge) / bin_width
    return np.clip(np.floor(position + 0.005), -_FAR, _FAR).astype(np.intp)


def _laid_out(
    relative: Floats, anchor: Anchor, at: NDArray[np.intp], num_bins: int
) -> NDArray[np.float32]:
    """Relative logits on the bins (B, N) of each example; the ends reach on for ever."""
    distance = np.arange(num_bins) - at[:, None]
    index = np.clip(distance, -anchor.below, anchor.above) + anchor.below
    return np.take_along_axis(relative, index, axis=1)


def _interpolated(relative: Floats, anchor: KnotAnchor, distance: Floats) -> Floats:
    """Logits (B, N) on straight lines between those at the knots; the ends hold on."""
    knots = np.asarray(anchor.knots, np.float32)
    distance = np.clip(distance, knots[0], knots[-1])
    left = np.searchsorted(knots[1:-1], distance, side="right")
    part = (distance - knots[left]) / (knots[left + 1] - knots[left])
    low = np.take_along_axis(relative, left, axis=1)
    high = np.take_along_axis(relative, left + 1, axis=1)
    return low * (1 - part) + high * part


def _merge_above(logits: Floats, position: Floats) -> None:
    """Give each example's highest bin all that lies above, as `sbp_jax.models.ceiling`."""
    count = logits.shape[1]
    at = np.clip(np.floor(position + 0.005), 0, count - 1)[:, None]
    bins = np.arange(count)
    total = _logsumexp(logits)
    impossible = total + np.float32(_IMPOSSIBLE)
    above = _logsumexp(np.where(bins >= at, logits, impossible))
    logits[:] = np.where(bins < at, logits, np.where(bins == at, above, impossible))


def _logsumexp(x: Floats) -> Floats:
    top = x.max(axis=1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))
