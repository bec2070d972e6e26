"""Inputs near one and a target in standard units: what a network is trained on, in any unit.

A fit depends on the target's unit through its location and scale alone, so that a target times c
has the same fit.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.errors import InputError


class Scaling(NamedTuple):
    """Locations and scales of the training part; a constant column has scale 1.

    Attributes:
        static_loc: (S,) mean of each column.
        static_scale: (S,) standard deviation.
        step_loc: (C,) likewise, over observed steps.
        step_scale: (C,) likewise.
        loc: median of the target.
        scale: its standard deviation.
    """

    static_loc: Float[NDArray, " S"]
    static_scale: Float[NDArray, " S"]
    step_loc: Float[NDArray, " C"]
    step_scale: Float[NDArray, " C"]
    loc: float
    scale: float

    @classmethod
    def of(cls, batch: Batch, y: Float[NDArray, " B"]) -> "Scaling":
        """That of a training part.

        Raises:
            InputError: the target is constant.
        """
        scale = float(y.std())
        if not scale > 1e-9 * max(1e-300, float(np.abs(y).max())):
            raise InputError(f"y: expected at least two different values, got {y[0]} throughout")
        steps = batch.sequence[batch.mask].astype(np.float64)
        if not len(steps):
            steps = np.zeros((1, batch.sequence.shape[2]))
        static = batch.static.astype(np.float64)
        return cls(
            static.mean(axis=0),
            _spread(static),
            steps.mean(axis=0),
            _spread(steps),
            float(np.median(y)),
            scale,
        )

    def inputs(self, batch: Batch) -> Batch:
        """The batch as a network is given it, without its target."""
        static = (batch.static - self.static_loc) / self.static_scale
        steps = (batch.sequence - self.step_loc) / self.step_scale
        steps = np.where(batch.mask[..., None], steps, 0.0)
        return batch._replace(static=static.astype(np.float32), sequence=steps.astype(np.float32))

    def standardise(self, y: Float[NDArray, " B"]) -> Float[NDArray, " B"]:
        """The target in standard units."""
        return ((y - self.loc) / self.scale).astype(np.float32)


def _spread(values: Float[NDArray, "B k"]) -> Float[NDArray, " k"]:
    spread = values.std(axis=0)
    return np.where(spread > 1e-9 * (1 + np.abs(values.mean(axis=0))), spread, 1.0)
