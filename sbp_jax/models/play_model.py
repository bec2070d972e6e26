"""Encoder of the series, joined with static facts, to the raw parameters of a distribution."""

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from sbp_jax.batch import Batch
from sbp_jax.models.anchors import Anchor, anchor_bin, anchored_logits
from sbp_jax.models.arrangement import Arrangement
from sbp_jax.models.ceiling import Ceiling, merge_above
from sbp_jax.models.dropout import Dropout
from sbp_jax.models.knot_anchors import KnotAnchor, anchor_points, interpolated_logits
from sbp_jax.models.tcn import TCN, Precision, Readout, at_least_one_step
from sbp_jax.runs.ranges import Count, Finite, Positive, Share, Whole, refuse_out_of_range


class PlayModel(nn.Module):
    """TCN state and static facts through a multilayer perceptron.

    Attributes:
        num_outputs: what the family asks for (``family.num_outputs``).
        num_bins: how many of the outputs, the first ones, are logits of bins; 0 if none are.
        first_edge: lower edge of the first bin, in the target's unit.
        bin_width: width of the bins, all equal; used by anchors and the ceiling alone.
        anchors: points on the target's axis that bins are also counted from; an anchor's column
            counts the static facts and after them the `step_columns`.
        free_logits: give every bin a logit of its own, which anchors add to; False leaves the
            bins to the anchors.
        ceiling: what the target cannot exceed, if that is known.
        arrangement: pace and start of the raw numbers, where none is a logit of a bin; None for
            the outputs as they are.
        step_columns: columns of the series that the perceptron sees as they stand at the step
            that is read, beside the encoder's state and the static facts; zeros where no step
            was observed.
        features: channels of the TCN.
        layers: blocks of the TCN; 0 leaves the series out, but for the `step_columns`.
        kernel_size: taps of each convolution.
        hidden: widths of the perceptron's layers.
        residual: a hidden layer as wide as the one before adds to it, instead of replacing it.
        dropout: probability of dropping a unit of the state or of a hidden layer, in training.
        encoder_dropout: probability of dropping a channel within the TCN, in training; it acts
            after each of 2 L convolutions, so little goes a long way.
        precision: of the encoder's and the hidden layers' arithmetic; outputs are float32.

    Ranges are those of `NetworkConfig`; numbers of outputs and bins, and columns, are >= 0.

    Raises:
        SettingError: a size out of its range.
    """

    varied: ClassVar[Mapping[str, tuple[float, float]]] = {
        "dropout": (0.0, 1.0),
        "encoder_dropout": (0.0, 1.0),
    }
    """Numbers that members of a population may differ in, and their half-open ranges."""

    num_outputs: Whole
    num_bins: Whole = 0
    first_edge: Finite = 0.0
    bin_width: Positive = 1.0
    anchors: tuple[Anchor | KnotAnchor, ...] = ()
    free_logits: bool = True
    ceiling: Ceiling | None = None
    arrangement: Arrangement | None = None
    step_columns: tuple[Whole, ...] = ()
    features: Count = 32
    layers: Whole = 5
    kernel_size: Count = 3
    hidden: tuple[Count, ...] = (128, 128)
    residual: bool = False
    dropout: Share = 0.2
    encoder_dropout: Share = 0.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse what makes no network."""
        super().__post_init__()
        refuse_out_of_range(self)

    @nn.compact
    def __call__(
        self, batch: Batch, *, readout: Readout = "last", train: bool = False
    ) -> Float[Array, "B P"] | Float[Array, "B T P"]:
        """Raw outputs (B, num_outputs), or (B, T, num_outputs) with ``readout="all"``.

        ``batch.target`` is not read. Dropout draws from the random stream ``dropout``. Sequences of
        length 0 are read as those without any observed step.
        """
        length = batch.mask.shape[1]
        sequence, mask = at_least_one_step(batch.sequence, batch.mask)
        batch = batch._replace(sequence=sequence, mask=mask)
        facts = self._facts(batch, readout)
        h = self._joined(batch, facts, readout, train)
        if readout == "last":
            return self._head(h, facts, train)
        rows, steps = batch.mask.shape
        raw = self._head(h.reshape(rows * steps, -1), facts.reshape(rows * steps, -1), train)
        raw = raw.reshape(rows, steps, self.num_outputs)
        return raw if length else raw[:, :0]

    def _facts(self, batch: Batch, readout: Readout) -> Float[Array, "... F"]:
        """Static facts, and the step columns at the last observed step or at every step."""
        static = batch.static.astype(jnp.float32)
        if readout == "all":
            static = jnp.repeat(static[:, None], batch.mask.shape[1], axis=1)
        if not self.step_columns:
            return static
        columns = batch.sequence[..., np.array(self.step_columns)].astype(jnp.float32)
        columns = jnp.where(batch.mask[..., None], columns, 0)
        now = columns if readout == "all" else at_last_step(columns, batch.mask)
        return jnp.concatenate([static, now], axis=-1)

    def _joined(
        self, batch: Batch, facts: Float[Array, "... F"], readout: Readout, train: bool
    ) -> Float[Array, "... D"]:
        """What the head sees: the encoder's state beside the facts."""
        if not self.layers:
            return facts
        encoder = TCN(
            self.features,
            self.layers,
            self.kernel_size,
            self.encoder_dropout,
            self.precision,
            name="tcn",
        )
        state = encoder(batch.sequence, batch.mask, readout=readout, train=train)
        state = Dropout(self.dropout)(state, deterministic=not train)
        return jnp.concatenate([state, facts], axis=-1)

    def _head(
        self, h: Float[Array, "B D"], facts: Float[Array, "B F"], train: bool
    ) -> Float[Array, "B P"]:
        """Perceptron, then the outputs, bins counted from each anchor added to the logits."""
        for i, width in enumerate(self.hidden):
            new = nn.gelu(nn.Dense(width, dtype=self.precision, name=f"hidden_{i}")(h))
            new = Dropout(self.dropout)(new, deterministic=not train)
            h = h + new if self.residual and i and width == h.shape[-1] else new
        h = h.astype(jnp.float32)
        # Small outputs at the start: the first prediction is the family's answer to zeros.
        small = nn.initializers.variance_scaling(0.01, "fan_in", "normal")
        own_logits = self.num_bins if self.free_logits else 0
        outputs = self.num_outputs - self.num_bins + own_logits
        raw = jnp.zeros((h.shape[0], 0))
        if outputs:
            raw = nn.Dense(outputs, kernel_init=small, name="raw")(h)
        if not self.num_bins:
            return raw if self.arrangement is None else self.arrangement(raw)
        logits = raw[:, :own_logits] if own_logits else jnp.zeros((h.shape[0], self.num_bins))
        for i, anchor in enumerate(self.anchors):
            relative = nn.Dense(anchor_width(anchor), kernel_init=small, name=f"anchor_{i}")(h)
            logits = logits + self._anchored(relative, anchor, facts)
        if self.ceiling is not None:
            highest = facts[:, self.ceiling.column] * self.ceiling.scale
            logits = merge_above(logits, highest, self.first_edge, self.bin_width)
        return jnp.concatenate([logits, raw[:, own_logits:]], axis=1)

    def _anchored(
        self,
        relative: Float[Array, "B R"],
        anchor: Anchor | KnotAnchor,
        facts: Float[Array, "B F"],
    ) -> Float[Array, "B N"]:
        """Logits of the bins from the network's outputs for an anchor."""
        if isinstance(anchor, Anchor):
            at = anchor_bin(facts, anchor, self.first_edge, self.bin_width)
            return anchored_logits(relative, anchor, at, self.num_bins)
        points = anchor_points(facts, anchor)
        if anchor.shift_scale:
            points = points + anchor.shift_scale * relative[:, -1]
        centers = self.first_edge + self.bin_width * (jnp.arange(self.num_bins) + 0.5)
        knots = anchor.knots
        return interpolated_logits(relative[:, : len(knots)], knots, points, centers)


def anchor_width(anchor: Anchor | KnotAnchor) -> int:
    """How many numbers the network emits for an anchor; a shift is the last of them."""
    if isinstance(anchor, Anchor):
        return anchor.width
    return len(anchor.knots) + bool(anchor.shift_scale)


def at_last_step(x: Float[Array, "B T C"], mask: Bool[Array, "B T"]) -> Float[Array, "B C"]:
    """Value at each row's last observed step; that of the first step where none is.

    >>> x = jnp.array([[[1.0], [2.0], [9.0]]])
    >>> at_last_step(x, jnp.array([[True, True, False]]))
    Array([[2.]], dtype=float32)
    """
    last = jnp.maximum(jnp.sum(mask, axis=1, dtype=jnp.int32) - 1, 0)
    return jnp.take_along_axis(x, last[:, None, None], axis=1)[:, 0]
