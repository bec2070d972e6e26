"""Causal convolutions as shifted slices and one matrix product.

A library convolution inside ``lax.scan`` is about thirty times slower on CPU (its kernel gradient
takes a path without threads), so both readings of the network are written as a concatenation of
K shifted views and a single product, which is also a good shape for a GPU.

Legend: B examples, T steps, N grid points, C channels in, D channels out, K taps.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


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
    taps, _, _ = kernel.shape
    steps = x.shape[1]
    padded = jnp.pad(x, ((0, 0), ((taps - 1) * dilation, 0), (0, 0)))
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
    taps, _, _ = kernel.shape
    reach = (outputs - 1) * stride + taps
    padded = jnp.pad(x, ((0, 0), (0, max(0, reach - x.shape[1])), (0, 0)))
    last = (outputs - 1) * stride + 1
    views = [padded[:, taps - 1 - k :][:, :last:stride] for k in range(taps)]
    return _one_product(views, kernel, bias)


def _one_product(
    views: list[Float[Array, "B M C"]], kernel: Float[Array, "K C D"], bias: Float[Array, " D"]
) -> Float[Array, "B M D"]:
    """Multiply K views, one per tap, with the kernel in one go."""
    taps, channels, outputs = kernel.shape
    return (
        jnp.concatenate(views, axis=-1) @ kernel.reshape(taps * channels, outputs)
        + bias[None, None]
    )
