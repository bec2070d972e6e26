"""How a family's raw numbers come of a network's outputs: shared, slowed, started elsewhere."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Arrangement:
    """Raw number i is ``start[i] + pace[i] * output[source[i]]``.

    Numbers with one source are shared, such as the shape of several components; with a pace below 1
    they follow the input more slowly than others, such as the bins behind location and scale; the
    start is what a network says at first.

    Attributes:
        source: of each raw number, the output that it comes of.
        pace: its factor.
        start: what is added.

    Raises:
        ValueError: they differ in length, or an output serves no number.

    >>> shared = Arrangement(source=(0, 0, 1), pace=(0.5, 0.5, 1.0), start=(0.0, 0.0, 3.0))
    >>> shared(jnp.array([2.0, 1.0])).tolist()
    [1.0, 1.0, 4.0]
    """

    source: tuple[int, ...]
    pace: tuple[float, ...]
    start: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no arrangement."""
        if not len(self.source) == len(self.pace) == len(self.start):
            raise ValueError(
                "arrangement: expected as many of source, pace and start, got "
                f"{len(self.source)}, {len(self.pace)} and {len(self.start)}"
            )
        if sorted(set(self.source)) != list(range(self.outputs)):
            raise ValueError(f"source: expected every output from 0 on, got {self.source}")

    @property
    def outputs(self) -> int:
        """How many outputs of a network it reads."""
        return max(self.source, default=-1) + 1

    def __call__(self, outputs: Float[Array, "... outputs"]) -> Float[Array, "... numbers"]:
        """The raw numbers of outputs."""
        taken = outputs[..., np.array(self.source)]
        pace, start = (jnp.broadcast_to(jnp.array(x), taken.shape) for x in (self.pace, self.start))
        return start + pace * taken
