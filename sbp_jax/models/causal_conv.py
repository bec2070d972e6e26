"""Causal convolutions as shifted slices and one matrix product.

A library convolution inside ``lax.scan`` is about thirty times slower on CPU (its kernel gradient
takes a path without threads), so both readings of the network are shifted slices and a single
product, which is also a good shape for a GPU. Slices are taken of whichever side is narrower: K
views of the input side by side before the product, or, where a convolution narrows the series
(176 tracking columns to 64 channels), the K blocks of the product's output after it.

Legend: B examples, T steps, N grid points, C channels in, D channels out, K taps.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.models.product import product


def causal_conv(
    x: Float[Array, "B T C"],
    kernel: Float[Array, "K C D"],
    bias: Float[Array, " D"],
    dilation: int = 1,
) -> Float[Array, "B T D"]:
    """Dilated convolution that sees the present and the past, zeros before the first step.

    ``out[t] = bias + sum_k kernel[k] @ x[t - (K - 1 - k) * dilation]``: the last tap is the
    present.

    Args:
        x: (B, T, C) series, oldest step first.
        kernel: (K, C, D) taps, oldest first.
        bias: (D,).
        dilation: distance between taps, in steps.

    >>> x = jnp.arange(4.0).reshape(1, 4, 1)
    >>> causal_conv(x, jnp.ones((2, 1, 1)), jnp.zeros(1), dilation=2)[0, :, 0].tolist()
    [0.0, 1.0, 2.0, 4.0]
    """
    taps, channels, features = kernel.shape
    steps = x.shape[1]
    before = ((0, 0), ((taps - 1) * dilation, 0), (0, 0))
    if channels > features:
        blocks = jnp.split(jnp.pad(product(x, _side_by_side(kernel)), before), taps, axis=-1)
        shifted = [block[:, k * dilation :][:, :steps] for k, block in enumerate(blocks)]
        return sum(shifted) + bias[None, None]
    padded = jnp.pad(x, before)
    return _one_product([padded[:, k * dilation :][:, :steps] for k in range(taps)], kernel, bias)


def backward_conv(
    x: Float[Array, "B N C"],
    kernel: Float[Array, "K C D"],
    bias: Float[Array, " D"],
    *,
    stride: int,
    outputs: int,
) -> Float[Array, "B M D"]:
    """The same convolution on a grid that counts backwards in time, at the points wanted.

    Grid point ``n`` lies ``n`` dilations before the last observed step, so the past of a point
    has larger indices: ``out[m] = bias + sum_k kernel[K - 1 - k] @ x[m * stride + k]``, zeros
    beyond the grid.

    Args:
        x: (B, N, C) newest grid point first.
        kernel: (K, C, D) taps, oldest first, as in `causal_conv`.
        bias: (D,).
        stride: distance between the points wanted, in grid points.
        outputs: M, how many points are wanted, the newest first.

    >>> x = jnp.arange(4.0)[::-1].reshape(1, 4, 1)
    >>> backward_conv(x, jnp.ones((2, 1, 1)), jnp.zeros(1), stride=2, outputs=2)[0, :, 0].tolist()
    [5.0, 1.0]
    """
    taps, channels, features = kernel.shape
    reach = (outputs - 1) * stride + taps
    missing = ((0, 0), (0, max(0, reach - x.shape[1])), (0, 0))
    if stride == 1 and channels > features:
        products = jnp.pad(product(x, _side_by_side(kernel[::-1])), missing)
        blocks = jnp.split(products, taps, axis=-1)
        return sum(block[:, k:][:, :outputs] for k, block in enumerate(blocks)) + bias[None, None]
    padded = jnp.pad(x, missing)
    last = (outputs - 1) * stride + 1
    views = [padded[:, taps - 1 - k :][:, :last:stride] for k in range(taps)]
    return _one_product(views, kernel, bias)


def _one_product(
    views: list[Float[Array, "B M C"]], kernel: Float[Array, "K C D"], bias: Float[Array, " D"]
) -> Float[Array, "B M D"]:
    """Multiply K views, one per tap, with the kernel in one go."""
    taps, channels, features = kernel.shape
    joined = jnp.concatenate(views, axis=-1)
    return product(joined, kernel.reshape(taps * channels, features)) + bias[None, None]


def _side_by_side(kernel: Float[Array, "K C D"]) -> Float[Array, "C KD"]:
    """A matrix that multiplies an input by all taps at once, a block of D columns for each."""
    taps, channels, features = kernel.shape
    return kernel.transpose(1, 0, 2).reshape(channels, taps * features)
