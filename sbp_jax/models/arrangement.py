"""How a family's raw numbers come of a network's outputs: slowed, and started elsewhere."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.errors import SettingError
from sbp_jax.runs.ranges import Finite, refuse_out_of_range


@dataclass(frozen=True)
class Arrangement:
    """Raw number i is ``start[i] + pace[i] * output[i]``.

    With a pace below 1 a number follows the input more slowly than others, such as the bins behind
    location and scale; the start is what a network says at first.

    Attributes:
        pace: of each raw number, the factor of its output; finite.
        start: what is added; finite.

    Raises:
        SettingError: a number out of its range, or pace and start differ in length.

    >>> Arrangement(pace=(0.5, 1.0), start=(0.0, 3.0))(jnp.array([2.0, 1.0])).tolist()
    [1.0, 4.0]
    """

    pace: tuple[Finite, ...]
    start: tuple[Finite, ...]

    def __post_init__(self) -> None:
        """Refuse what is no arrangement."""
        refuse_out_of_range(self)
        if len(self.pace) != len(self.start):
            raise SettingError(
                f"arrangement: expected as many of pace and start, got {len(self.pace)} "
                f"and {len(self.start)}"
            )

    def __call__(self, outputs: Float[Array, "... numbers"]) -> Float[Array, "... numbers"]:
        """The raw numbers of outputs."""
        pace, start = (
            jnp.broadcast_to(jnp.array(x), outputs.shape) for x in (self.pace, self.start)
        )
        return start + pace * outputs
