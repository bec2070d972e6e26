"""Logits that move with the example: bins counted from a point known beforehand.

A catch tends to gain about the air yards, and a play ends at the goal line at the latest. A network
with one logit per yard must learn each of these hundred peaks apart. An anchored logit belongs to
a distance from the anchor instead, ``logit[i] += relative[i - anchor_bin]``, so that one parameter
serves every play.

Legend: B examples, F facts, N bins, R relative bins.
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from sbp_jax.runs.ranges import Finite, Whole, refuse_out_of_range


@dataclass(frozen=True)
class Anchor:
    """A column that marks a point on the target's axis.

    Attributes:
        column: index of the column in ``Batch.static``, >= 0; what counts on from there are the
            model's ``step_columns``.
        scale: the column times this is in the target's unit; finite.
        below: relative bins kept below the anchor, >= 0; lower bins share the lowest one's logit.
        above: likewise above.

    Raises:
        SettingError: a number out of its range.
    """

    column: Whole
    scale: Finite
    below: Whole
    above: Whole

    def __post_init__(self) -> None:
        """Refuse what is no anchor."""
        refuse_out_of_range(self)

    @property
    def width(self) -> int:
        """How many relative logits the network must emit."""
        return self.below + self.above + 1


def anchor_bin(
    facts: Float[Array, "B F"], anchor: Anchor, first_edge: float, bin_width: float
) -> Int[Array, " B"]:
    """Index of the bin that holds each example's anchor; it may lie outside 0..N-1.

    >>> air_yards = jnp.array([[1.2]])  # in tens of yards
    >>> anchor_bin(air_yards, Anchor(0, 10.0, 5, 5), first_edge=-0.5, bin_width=1.0).tolist()
    [12]
    """
    # Half a per cent of a bin keeps an anchor that was scaled down and up again from falling
    # below the edge it lies on.
    position = (facts[:, anchor.column] * anchor.scale - first_edge) / bin_width
    return jnp.floor(position + 0.005).astype(jnp.int32)


def anchored_logits(
    relative: Float[Array, "B R"], anchor: Anchor, at: Int[Array, " B"], num_bins: int
) -> Float[Array, "B N"]:
    """Lay relative logits onto the bins of each example.

    Args:
        relative: (B, R) logits for the distances ``-below .. above`` from the anchor.
        anchor: says how far the relative logits reach.
        at: (B,) bin of the anchor.
        num_bins: N.

    >>> anchored_logits(jnp.array([[1.0, 2.0, 3.0]]), Anchor(0, 1.0, 1, 1), jnp.array([2]), 5)
    Array([[1., 1., 2., 3., 3.]], dtype=float32)
    """
    distance = jnp.arange(num_bins)[None] - at[:, None]
    index = jnp.clip(distance, -anchor.below, anchor.above) + anchor.below
    return jnp.take_along_axis(relative, index, axis=1)
