"""A highest value that the target cannot pass: what would lie beyond it counts for it.

No play gains more than the yards to the end zone, and every play that would have gained more
scores there. Taking this as known, the network need not learn for every field position anew how
much probability piles up at the goal line.

Legend: B examples, F facts, N bins.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.runs.ranges import Finite, Whole, refuse_out_of_range

IMPOSSIBLE = -40.0
"""Logit, relative to the rest, of a bin above the ceiling: finite, so that tails stay defined."""


@dataclass(frozen=True)
class Ceiling:
    """A column that holds each example's highest value.

    Attributes:
        column: index of the fact, >= 0: static columns, then the model's ``step_columns``.
        scale: the column times this is in the target's unit; finite.

    Raises:
        SettingError: a number out of its range.
    """

    column: Whole
    scale: Finite

    def __post_init__(self) -> None:
        """Refuse what is no ceiling."""
        refuse_out_of_range(self)


def merge_above(
    logits: Float[Array, "B N"], highest: Float[Array, " B"], first_edge: float, bin_width: float
) -> Float[Array, "B N"]:
    """Give the bin that holds the highest value all that the bins above it have.

    Args:
        logits: (B, N) of the bins.
        highest: (B,) in the target's unit; below all bins it counts as in the first, above all
            in the last.
        first_edge: lower edge of the first bin.
        bin_width: of all bins.

    >>> merged = merge_above(jnp.zeros((1, 4)), jnp.array([1.0]), first_edge=-0.5, bin_width=1.0)
    >>> jax.nn.softmax(merged).round(4).tolist()
    [[0.25, 0.75, 0.0, 0.0]]
    """
    count = logits.shape[1]
    # As for anchors: half a per cent of a bin for what scaling down and up again may lose.
    position = jnp.floor((highest - first_edge) / bin_width + 0.005)
    at = jnp.clip(position, 0, count - 1)[:, None]
    bins = jnp.arange(count)[None]
    total = jax.nn.logsumexp(logits, axis=1, keepdims=True)
    above = jax.nn.logsumexp(
        jnp.where(bins >= at, logits, total + IMPOSSIBLE), axis=1, keepdims=True
    )
    return jnp.where(bins < at, logits, jnp.where(bins == at, above, total + IMPOSSIBLE))
