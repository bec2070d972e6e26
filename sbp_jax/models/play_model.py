"""Encoder of the series, joined with static facts, to the raw parameters of a distribution."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.models.anchors import Anchor, anchor_bin, anchored_logits
from sbp_jax.models.tcn import TCN, Readout


class PlayModel(nn.Module):
    """TCN state and static facts through a multilayer perceptron.

    Attributes:
        num_outputs: what the family asks for (``family.num_outputs``).
        num_bins: how many of the outputs, the first ones, are logits of bins; 0 if none are.
        first_edge: lower edge of the first bin, in the target's unit.
        bin_width: width of the bins, all equal; used by anchors alone.
        anchors: points on the target's axis that bins are also counted from.
        features: channels of the TCN.
        layers: blocks of the TCN; 0 leaves the series out.
        kernel_size: taps of each convolution.
        hidden: widths of the perceptron's layers.
        dropout: probability of dropping a unit of the state or of a hidden layer, in training.
        encoder_dropout: probability of dropping a channel within the TCN, in training; it acts
            after each of 2 L convolutions, so little goes a long way.
    """

    num_outputs: int
    num_bins: int = 0
    first_edge: float = 0.0
    bin_width: float = 1.0
    anchors: tuple[Anchor, ...] = ()
    features: int = 32
    layers: int = 5
    kernel_size: int = 3
    hidden: tuple[int, ...] = (128, 128)
    dropout: float = 0.2
    encoder_dropout: float = 0.0

    @nn.compact
    def __call__(
        self, batch: Batch, *, readout: Readout = "last", train: bool = False
    ) -> Float[Array, "B P"] | Float[Array, "B T P"]:
        """Raw outputs (B, num_outputs), or (B, T, num_outputs) with ``readout="all"``.

        ``batch.target`` is not read. Dropout draws from the random stream ``dropout``.
        """
        static = batch.static.astype(jnp.float32)
        if readout == "last":
            return self._head(self._joined(batch, static, readout, train), static, train)
        rows, steps = batch.mask.shape
        repeated = jnp.repeat(static, steps, axis=0)
        state = self._joined(batch, repeated.reshape(rows, steps, -1), readout, train)
        raw = self._head(state.reshape(rows * steps, -1), repeated, train)
        return raw.reshape(rows, steps, self.num_outputs)

    def _joined(
        self, batch: Batch, static: Float[Array, "... S"], readout: Readout, train: bool
    ) -> Float[Array, "... D"]:
        """What the head sees: the encoder's state beside the static facts."""
        if not self.layers:
            return static
        encoder = TCN(
            self.features, self.layers, self.kernel_size, self.encoder_dropout, name="tcn"
        )
        state = encoder(batch.sequence, batch.mask, readout=readout, train=train)
        state = nn.Dropout(self.dropout)(state, deterministic=not train)
        return jnp.concatenate([state, static], axis=-1)

    def _head(
        self, h: Float[Array, "B D"], static: Float[Array, "B S"], train: bool
    ) -> Float[Array, "B P"]:
        """Perceptron, then the outputs, bins counted from each anchor added to the logits."""
        for i, width in enumerate(self.hidden):
            h = nn.gelu(nn.Dense(width, name=f"hidden_{i}")(h))
            h = nn.Dropout(self.dropout)(h, deterministic=not train)
        # Small outputs at the start: the first prediction is the family's answer to zeros.
        small = nn.initializers.variance_scaling(0.01, "fan_in", "normal")
        raw = nn.Dense(self.num_outputs, kernel_init=small, name="raw")(h)
        if not self.num_bins:
            return raw
        logits = raw[:, : self.num_bins]
        for i, anchor in enumerate(self.anchors):
            relative = nn.Dense(anchor.width, kernel_init=small, name=f"anchor_{i}")(h)
            at = anchor_bin(static, anchor, self.first_edge, self.bin_width)
            logits = logits + anchored_logits(relative, anchor, at, self.num_bins)
        return jnp.concatenate([logits, raw[:, self.num_bins :]], axis=1)
