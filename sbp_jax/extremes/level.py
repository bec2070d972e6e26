"""When a change that lasts is taken for the new normal.

A value is off if it is an alarm on a side that is watched, or lies beyond every calibration value
on a side that is not. A count goes up by one with a value that is off, and down by one, to 0 at the
least, with any other. When it reaches the patience of the detector, the median of the last values
becomes the level of the series, around which the tails stay what they were. So

- a burst that is shorter than the patience changes no level;
- anomalies change none, however long they are repeated, as long as they are fewer than the ordinary
  values between them;
- a level that is left for good is so after as many values as the patience, and one that is come
  back to likewise.
"""

from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from sbp_jax.extremes.unit import Unit, move
from sbp_jax.extremes.window import Window, push

MOST_REMEMBERED: Final = 256  # values whose median is the new level


class Level(NamedTuple):
    """What is remembered in case the level changes, in standard units.

    Attributes:
        recent: the last values, the smaller number of `MOST_REMEMBERED` and the patience.
        unrest: how many more of them were off than were not.
        lowest: of the calibration values around their moving mean, seen from each side.
    """

    recent: Window
    unrest: Int[Array, "*batch"]
    lowest: Float[Array, "*batch side"]


def follow_level(
    level: Level,
    unit: Unit,
    window: Window,
    x: Float[Array, " series"],
    off: Bool[Array, " series"],
    patience: int,
) -> tuple[Level, Unit, Window]:
    """Take in a value; where patience ends, the unit moves and the window begins anew around it.

    Args:
        level: what is remembered.
        unit: in which x is given.
        window: of the moving mean.
        x: values; what is not finite is passed over.
        off: whether each is off.
        patience: how many more values must be off than not.
    """
    finite = jnp.isfinite(x)
    recent = push(level.recent, x, finite)
    unrest = jnp.maximum(level.unrest + jnp.where(finite, jnp.where(off, 1, -1), 0), 0)
    ended = unrest >= patience

    def begin(unit: Unit, window: Window) -> tuple[Unit, Window]:
        moved = move(unit, jnp.where(ended, jnp.median(recent.values, axis=1), 0.0))
        empty = jax.tree.map(jnp.zeros_like, window)
        clear = [jnp.expand_dims(ended, tuple(range(1, part.ndim))) for part in window]
        return moved, Window(*map(jnp.where, clear, empty, window))

    unit, window = jax.lax.cond(jnp.any(ended), begin, lambda *same: same, unit, window)
    return Level(recent, jnp.where(ended, 0, unrest), level.lowest), unit, window
