"""Logits that are a smooth function of the distance from a point, which may itself be learnt.

An `Anchor` has one parameter for every bin around a point that lies on whole bins. Where the
point lies anywhere, or examples are few, this is better: relative logits are given at a few knots
and straight in between, so that the peak lies where the point lies, and there is little to learn.
The point may move away from its column by an output of the network: a receiver who runs on is
reached further down the field than where he is now.

Legend: B examples, N bins, R knots.
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.errors import SettingError
from sbp_jax.runs.ranges import Finite, Whole, refuse_out_of_range


@dataclass(frozen=True)
class KnotAnchor:
    """A point on the target's axis, and distances from it at which logits are learnt.

    Attributes:
        column: index of the fact that marks the point, >= 0: static columns, then the model's
            ``step_columns``. None is the point 0.
        scale: the column times this is in the target's unit; finite.
        knots: finite, increasing distances from the point, in the target's unit; beyond the end
            knots the end logits hold on. Two at least.
        shift_scale: how far the point moves, in the target's unit, by one unit of the output
            that the network then has for it; 0 keeps the point where the column says. Finite.

    Raises:
        SettingError: a number out of its range, or knots that do not increase.
    """

    column: Whole | None
    scale: Finite
    knots: tuple[Finite, ...]
    shift_scale: Finite = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no anchor."""
        refuse_out_of_range(self)
        if len(self.knots) < 2 or any(
            a >= b for a, b in zip(self.knots, self.knots[1:], strict=False)
        ):
            raise SettingError(f"knots: expected at least two, increasing, got {self.knots}")


def anchor_points(facts: Float[Array, "B F"], anchor: KnotAnchor) -> Float[Array, " B"]:
    """Where each example's point lies before any shift, in the target's unit."""
    if anchor.column is None:
        return jnp.zeros(facts.shape[0], facts.dtype)
    return facts[:, anchor.column] * anchor.scale


def interpolated_logits(
    relative: Float[Array, "B R"],
    knots: tuple[float, ...],
    points: Float[Array, " B"],
    centers: Float[Array, " N"],
) -> Float[Array, "B N"]:
    """Logits of the bins: straight lines between the knots, at each bin's distance from the point.

    Args:
        relative: (B, R) logits at the knots.
        knots: R distances, increasing.
        points: (B,) in the target's unit; derivatives with respect to them exist but at knots.
        centers: (N,) of the bins.

    >>> interpolated_logits(
    ...     jnp.array([[0.0, 2.0, 1.0]]), (-1.0, 0.0, 1.0), jnp.array([2.5]), jnp.arange(5.0)
    ... )
    Array([[0. , 0. , 1. , 1.5, 1. ]], dtype=float32)
    """
    at = jnp.array(knots, relative.dtype)
    distance = jnp.clip(centers[None] - points[:, None], at[0], at[-1])
    left = jnp.sum(distance[..., None] >= at[None, None, 1:-1], axis=-1)
    part = (distance - at[left]) / (at[left + 1] - at[left])
    # Of both ends of a stretch at once, so that the derivative is one scatter.
    ends = jnp.stack([relative[:, :-1], relative[:, 1:]], axis=-1)
    low, high = jnp.moveaxis(jnp.take_along_axis(ends, left[..., None], axis=1), -1, 0)
    return low * (1 - part) + high * part
