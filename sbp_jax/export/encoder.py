"""The temporal convolutional network in NumPy, read at the last observed step.

The same backward reading as `sbp_jax.models.tcn`: grids count back from the last observed step
and every block halves them, so that about 3 T points are computed instead of 2 L T.

Legend: B examples, T steps, N grid points of a block's input, M of its output, C channels in,
D channels out, K taps, L blocks.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.architecture import Architecture

Floats = NDArray[np.float32]


class Conv(NamedTuple):
    """A convolution with its weight normalisation carried out.

    Attributes:
        kernel: (K C, D), the taps one below the other, oldest first.
        bias: (D,).
        taps: K.
    """

    kernel: Floats
    bias: Floats
    taps: int


class Block(NamedTuple):
    """Two convolutions beside a shortcut; no shortcut kernel where the channels agree."""

    first: Conv
    second: Conv
    shortcut: Floats | None


class Encoder:
    """State (B, D) of masked sequences at their last observed step, zero where there is none."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Floats]) -> None:
        self._architecture = architecture
        self._blocks = [
            Block(
                _conv(weights, f"tcn/blocks_{i}/first"),
                _conv(weights, f"tcn/blocks_{i}/second"),
                weights.get(f"tcn/blocks_{i}/shortcut/kernel"),
            )
            for i in range(architecture.layers)
        ]

    def __call__(self, sequence: NDArray, mask: NDArray[np.bool_]) -> Floats:
        """Halve the grid block by block until only the last observed step is left.

        Args:
            sequence: (B, T, C) of any float dtype; what the padding holds is not read.
            mask: (B, T) True where observed, True values first.
        """
        lengths = mask.sum(axis=1)
        longest = int(np.max(lengths, initial=0))
        if not longest:
            return np.zeros((len(mask), self._architecture.features), np.float32)
        steps = min(longest, self._architecture.receptive_field)
        x, observed = newest_first(sequence, lengths, steps)
        for block, outputs in zip(self._blocks, self._grid_sizes(steps), strict=True):
            x = _backward(block, x, observed, outputs)
            observed = observed[:, ::2][:, :outputs]
            x[~observed] = 0
        return x[:, 0]

    def _grid_sizes(self, steps: int) -> list[int]:
        """Points that each block must emit for the next one, the last block emitting one."""
        wanted = [1]
        for _ in self._blocks[1:]:
            wanted.append(2 * (wanted[-1] - 1) + 2 * (self._architecture.kernel_size - 1) + 1)
        available = [-(-steps // 2 ** (i + 1)) for i in range(len(self._blocks))]
        return [min(pair) for pair in zip(reversed(wanted), available, strict=True)]


def newest_first(
    sequence: NDArray, lengths: NDArray[np.integer], steps: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """The last `steps` observed steps of each row, newest first, zeros where there are fewer.

    Args:
        sequence: (B, T, C).
        lengths: (B,) how many steps are observed, the first ones of each row.
        steps: how many to keep.

    Returns:
        The steps (B, steps, C) in float32, and (B, steps) True where they were observed.

    >>> newest_first(np.array([[[1.0], [2.0], [9.0]]]), np.array([2]), 3)[0][0, :, 0]
    array([2., 1., 0.], dtype=float32)
    """
    index = lengths[:, None] - 1 - np.arange(steps)
    observed = index >= 0
    kept = sequence[np.arange(len(sequence))[:, None], np.maximum(index, 0)]
    kept = kept.astype(np.float32, copy=False)
    kept[~observed] = 0
    return kept, observed


def backward_conv(x: Floats, conv: Conv, *, stride: int, outputs: int) -> Floats:
    """Convolution on a grid that counts back in time, at every `stride`-th point, rectified.

    ``out[m] = relu(bias + sum_k kernel[K - 1 - k] @ x[m * stride + k])``, zeros beyond the grid.

    Args:
        x: (B, N, C), newest grid point first.
        conv: the weights.
        stride: distance between the points wanted, in grid points.
        outputs: M, how many points are wanted.

    >>> ones = Conv(np.ones((2, 1), np.float32), np.zeros(1, np.float32), taps=2)
    >>> x = np.arange(4, dtype=np.float32)[::-1].reshape(1, 4, 1)
    >>> backward_conv(x, ones, stride=2, outputs=2)[0, :, 0]
    array([5., 1.], dtype=float32)
    """
    rows, _, channels = x.shape
    views = np.zeros((rows, outputs, conv.taps, channels), np.float32)
    for tap in range(conv.taps):
        view = x[:, conv.taps - 1 - tap :: stride][:, :outputs]
        views[:, : view.shape[1], tap] = view
    # One product of two matrices: NumPy would multiply a stack of small ones one by one.
    out = views.reshape(rows * outputs, conv.taps * channels) @ conv.kernel
    out += conv.bias
    np.maximum(out, 0, out=out)
    return out.reshape(rows, outputs, -1)


def _backward(block: Block, x: Floats, observed: NDArray[np.bool_], outputs: int) -> Floats:
    """A residual block at every second grid point."""
    points = min(2 * (outputs - 1) + block.second.taps, x.shape[1])
    h = backward_conv(x, block.first, stride=1, outputs=points)
    h[~observed[:, :points]] = 0
    h = backward_conv(h, block.second, stride=2, outputs=outputs)
    skip = x[:, ::2][:, :outputs]
    if block.shortcut is not None:
        rows, _, channels = x.shape
        skip = (skip.reshape(-1, channels) @ block.shortcut).reshape(rows, outputs, -1)
    h += skip
    return h


def _conv(weights: Mapping[str, Floats], name: str) -> Conv:
    """Direction times length over norm, as `sbp_jax.models.tcn.WeightNormKernel` does it."""
    direction, length = weights[f"{name}/direction"], weights[f"{name}/length"]
    norm = np.sqrt(np.sum(direction**2, axis=(0, 1)) + 1e-12)
    kernel = direction * (length / norm)
    return Conv(
        kernel=np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1])),
        bias=weights[f"{name}/bias"],
        taps=len(kernel),
    )
