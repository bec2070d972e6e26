"""The perceptron in NumPy, from state and static facts to raw parameters.

Legend: B examples, D inputs, F facts, N bins, P outputs.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.architecture import Anchor, Architecture

Floats = NDArray[np.float32]
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
        for i in range(len(net.hidden)):
            h = gelu(self._dense(f"hidden_{i}", h))
        raw = self._dense("raw", h)
        if net.num_bins:
            logits = raw[:, : net.num_bins]
            for i, anchor in enumerate(net.anchors):
                at = _anchor_bin(facts, anchor, net.first_edge, net.bin_width)
                logits += _laid_out(self._dense(f"anchor_{i}", h), anchor, at, net.num_bins)
        return raw

    def _dense(self, name: str, h: Floats) -> Floats:
        out: Floats = h @ self._weights[f"{name}/kernel"]
        out += self._weights[f"{name}/bias"]
        return out


def gelu(x: Floats) -> Floats:
    """Gaussian error linear unit in its tanh form, which is Flax's default.

    >>> gelu(np.float32([-1.0, 0.0, 1.0])).round(4)
    array([-0.1588,  0.    ,  0.8412], dtype=float32)
    """
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
