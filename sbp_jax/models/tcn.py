"""Masked, causal, dilated temporal convolutional network (Bai, Kolter, Koltun 2018).

Residual blocks of two weight-normalised convolutions; block ``i`` has dilation ``2**i``, so the
network sees ``1 + 2 (K - 1) (2**L - 1)`` steps. Nothing mixes steps but the convolutions: weight
normalisation acts on kernels and dropout drops whole channels.

Read at the last observed step only, most of a dense evaluation is never looked at. Counting
backwards from that step, block ``i`` is needed at every ``2**i``-th step alone, so each block
halves the grid (`_read_last`): about 3 T grid points instead of 2 L T, with the same result.

Legend: B examples, T steps, C channels, K taps, L blocks.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from sbp_jax.batch import check_padding_last
from sbp_jax.errors import BatchError
from sbp_jax.models.causal_conv import backward_conv, causal_conv
from sbp_jax.models.dropout import channel_drops
from sbp_jax.models.product import product
from sbp_jax.runs.ranges import Count, Share, refuse_out_of_range

Readout = Literal["last", "all"]
Precision = Literal["float32", "bfloat16"]
"""Of arithmetic. Parameters, outputs and losses are float32 either way."""


def receptive_field(kernel_size: int, layers: int) -> int:
    """Steps that the state at one step depends on, that step included.

    >>> receptive_field(kernel_size=3, layers=5)
    125
    """
    return 1 + 2 * (kernel_size - 1) * (2**layers - 1)


Drop = Callable[[Array], Array]


class Kernel(NamedTuple):
    """A convolution's parameters, with which it is `conv(x, *kernel)`."""

    kernel: Float[Array, "K C D"]
    bias: Float[Array, " D"]


class WeightNormKernel(nn.Module):
    """A convolution's kernel as direction times length (Salimans, Kingma 2016), and its bias."""

    taps: int
    features: int

    @nn.compact
    def __call__(
        self, channels: int
    ) -> tuple[Float[Array, "K C D"], Float[Array, " D"], Float[Array, " D"]]:
        """Direction, length and bias for that many channels; lengths start at those drawn."""
        shape = (self.taps, channels, self.features)
        direction = self.param("direction", nn.initializers.he_normal(in_axis=(0, 1)), shape)
        length = self.param("length", lambda _: _norm(direction))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return direction, length, bias


def _norm(direction: Float[Array, "*layers K C D"]) -> Float[Array, "*layers D"]:
    return jnp.sqrt(jnp.sum(direction**2, axis=(-3, -2)) + 1e-12)


def normalised(
    layers: Sequence[tuple[Float[Array, "K C D"], Float[Array, " D"], Float[Array, " D"]]],
    precision: Precision,
) -> list[Kernel]:
    """Kernels of (direction, length, bias) each; those of one shape by the same few operations.

    >>> direction = 2 * jnp.ones((1, 4, 1))
    >>> normalised([(direction, 6 * jnp.ones(1), jnp.zeros(1))], "float32")[0].kernel[0, :, 0]
    Array([3., 3., 3., 3.], dtype=float32)
    """
    kernels: dict[int, Kernel] = {}
    for shape in {direction.shape: None for direction, _, _ in layers}:
        alike = [i for i, layer in enumerate(layers) if layer[0].shape == shape]
        direction, length = (jnp.stack([layers[i][part] for i in alike]) for part in (0, 1))
        scaled = direction * (length / _norm(direction))[:, None, None]
        for i, kernel in zip(alike, scaled, strict=True):
            kernels[i] = Kernel(kernel.astype(precision), layers[i][2].astype(precision))
    return [kernels[i] for i in range(len(layers))]


class ResidualBlock(nn.Module):
    """Two causal convolutions beside a shortcut, in the dense and in the backward reading."""

    features: int
    kernel_size: int
    dilation: int
    precision: Precision = "float32"

    def setup(self) -> None:
        """Parameters are shared by both readings."""
        self.first = WeightNormKernel(self.kernel_size, self.features)
        self.second = WeightNormKernel(self.kernel_size, self.features)
        self.shortcut = nn.Dense(
            self.features,
            use_bias=False,
            dtype=self.precision,
            dot_general=lambda x, kernel, *_, **__: product(x, kernel),
        )

    def layers(self, channels: int) -> list[tuple[Array, Array, Array]]:
        """What `normalised` makes the two kernels of, for an input of that many channels."""
        return [self.first(channels), self.second(self.features)]

    def _skip(self, x: Float[Array, "B N C"]) -> Float[Array, "B N D"]:
        return x if x.shape[-1] == self.features else self.shortcut(x)

    def dense(
        self, x: Float[Array, "B T C"], first: Kernel, second: Kernel, drops: Sequence[Drop]
    ) -> Float[Array, "B T D"]:
        """Every step, oldest first."""
        h = nn.relu(causal_conv(x, *first, self.dilation))
        h = nn.relu(causal_conv(drops[0](h), *second, self.dilation))
        return self._skip(x) + drops[1](h)

    def backward(
        self,
        x: Float[Array, "B N C"],
        observed: Bool[Array, "B N"],
        first: Kernel,
        second: Kernel,
        *,
        drops: Sequence[Drop],
        outputs: int,
    ) -> Float[Array, "B M D"]:
        """Every second point of a grid that counts backwards, the newest first.

        Points before the first step are zeros to the second convolution too, as they are in the
        dense reading, hence ``observed``.
        """
        points = 2 * (outputs - 1) + self.kernel_size
        h = nn.relu(backward_conv(x, *first, stride=1, outputs=min(points, x.shape[1])))
        h = jnp.where(observed[:, : h.shape[1], None], h, 0)
        h = nn.relu(backward_conv(drops[0](h), *second, stride=2, outputs=outputs))
        return self._skip(x[:, ::2][:, :outputs]) + drops[1](h)


class TCN(nn.Module):
    """Causal encoder of masked sequences.

    Attributes:
        features: channels C of every block, >= 1.
        layers: number of blocks L, >= 1.
        kernel_size: taps K of each convolution, >= 1.
        dropout: probability that a channel of an example is dropped, in training; in [0, 1).
        precision: of arithmetic.

    Raises:
        SettingError: a size out of its range.
    """

    features: Count = 32
    layers: Count = 5
    kernel_size: Count = 3
    dropout: Share = 0.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse what makes no network."""
        super().__post_init__()
        refuse_out_of_range(self)

    def setup(self) -> None:
        """One block per power of two."""
        self.blocks = [
            ResidualBlock(self.features, self.kernel_size, 2**i, self.precision)
            for i in range(self.layers)
        ]

    def __call__(
        self,
        sequence: Float[Array, "B T C"],
        mask: Bool[Array, "B T"],
        *,
        readout: Readout = "last",
        train: bool = False,
    ) -> Float[Array, "B D"] | Float[Array, "B T D"]:
        """State at the last observed step, or at every step.

        Args:
            sequence: (B, T, C) features, observed steps first.
            mask: (B, T) True where observed.
            readout: ``"last"`` gives (B, D) and computes only what that needs; ``"all"`` gives
                (B, T, D), zero on padding.
            train: apply dropout, from the random stream ``dropout``.

        Returns:
            The state, float32. An example without any observed step has the zero state, as has one
            whose T is 0.

        Raises:
            BatchError: an observed step follows padding, where that is not traced, or a step has no
                features.
        """
        check_padding_last(mask)
        if not sequence.shape[2]:
            raise BatchError(f"sequence: expected features in a step, got shape {sequence.shape}")
        steps = sequence.shape[1]
        sequence, mask = at_least_one_step(sequence, mask)
        x = jnp.where(mask[..., None], sequence, 0).astype(self.precision)
        if readout == "last":
            return self._read_last(x, mask, train).astype(jnp.float32)
        for block, first, second, drops in self._parts(x, train):
            x = block.dense(x, first, second, drops)
        x = jnp.where(mask[..., None], x, 0).astype(jnp.float32)
        return x if steps else x[:, :0]

    def _read_last(
        self, x: Float[Array, "B T C"], mask: Bool[Array, "B T"], train: bool
    ) -> Float[Array, "B D"]:
        """Halve the grid block by block until only the last observed step is left."""
        x, observed = newest_first(x, mask)
        parts = self._parts(x, train)
        sizes = self._grid_sizes(x.shape[1])
        for (block, first, second, drops), outputs in zip(parts, sizes, strict=True):
            x = block.backward(x, observed, first, second, drops=drops, outputs=outputs)
            observed = observed[:, ::2][:, :outputs]
            x = jnp.where(observed[..., None], x, 0)
        return x[:, 0]

    def _parts(
        self, x: Float[Array, "B T C"], train: bool
    ) -> list[tuple[ResidualBlock, Kernel, Kernel, list[Drop]]]:
        """Every block with its two kernels and dropouts, made together: a few large operations."""
        rows, _, channels = x.shape
        layers = [
            layer
            for i, block in enumerate(self.blocks)
            for layer in block.layers(self.features if i else channels)
        ]
        kernels = normalised(layers, self.precision)
        drawn = train and (isinstance(self.dropout, jax.core.Tracer) or self.dropout > 0)
        key = self.make_rng("dropout") if drawn else None
        drops = channel_drops(key, self.dropout, len(kernels), rows, self.features)
        return [
            (block, kernels[2 * i], kernels[2 * i + 1], drops[2 * i : 2 * i + 2])
            for i, block in enumerate(self.blocks)
        ]

    def _grid_sizes(self, steps: int) -> list[int]:
        """Points that each block must emit for the next one, the last block emitting one."""
        wanted = [1]
        for _ in range(self.layers - 1):
            wanted.append(2 * (wanted[-1] - 1) + 2 * (self.kernel_size - 1) + 1)
        available = [-(-steps // 2 ** (i + 1)) for i in range(self.layers)]
        return [min(pair) for pair in zip(reversed(wanted), available, strict=True)]


def at_least_one_step(
    sequence: Float[Array, "B T C"], mask: Bool[Array, "B T"]
) -> tuple[Float[Array, "B S C"], Bool[Array, "B S"]]:
    """Sequences of length 0 as ones of a step that was not observed; others as they are.

    >>> at_least_one_step(jnp.zeros((2, 0, 3)), jnp.zeros((2, 0), bool))[1].tolist()
    [[False], [False]]
    """
    if sequence.shape[1]:
        return sequence, mask
    return jnp.pad(sequence, ((0, 0), (0, 1), (0, 0))), jnp.pad(mask, ((0, 0), (0, 1)))


def newest_first(
    x: Float[Array, "B T C"], mask: Bool[Array, "B T"]
) -> tuple[Float[Array, "B T C"], Bool[Array, "B T"]]:
    """Reverse each row's observed steps, so that index 0 is its last observed step.

    >>> x = jnp.array([[[1.0], [2.0], [9.0]]])
    >>> newest_first(x, jnp.array([[True, True, False]]))[0][0, :, 0].tolist()
    [2.0, 1.0, 0.0]
    """
    length = jnp.sum(mask, axis=1, dtype=jnp.int32)
    index = length[:, None] - 1 - jnp.arange(x.shape[1])[None]
    observed = index >= 0
    reversed_x = jax.vmap(lambda row, at: row[at])(x, jnp.maximum(index, 0))
    return jnp.where(observed[..., None], reversed_x, 0), observed
