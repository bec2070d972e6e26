"""A forecast read at every frame of a play: how it changes from the snap to the throw."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.errors import ReportError
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.nfl.figures.cells import cell_forecast

_ROWS = 256  # plays read at once, which bounds the memory


def frame_pmfs(
    forecaster: Forecaster, params: Any, batch: Batch, row: int
) -> Float[NDArray, "T cells"]:
    """Probabilities of whole yards at each observed frame of one play.

    The network should have been trained on plays that were cut off anywhere
    (`sbp_jax.nfl.tracking.random_truncation`), else it knows throws alone.

    Args:
        forecaster: network and family.
        params: its parameters.
        batch: NumPy arrays of some plays.
        row: which of them.

    Returns:
        A row for each frame, cells as in `sbp_jax.nfl.figures.cells.CELLS`.
    """
    frames = int(batch.mask[row].sum())
    one = Batch(*(leaf[row : row + 1] for leaf in batch))

    @jax.jit
    def pmf(params: Any, one: Batch) -> Array:
        raw = forecaster.apply(params, one, readout="all")[0]
        return jnp.asarray(cell_forecast(forecaster.family, forecaster.family.constrain(raw)).pmf)

    return np.asarray(pmf(params, one))[:frames]


def most_changed(
    forecaster: Forecaster, params: Any, batch: Batch, eligible: Bool[NDArray, " B"]
) -> int:
    """The play whose forecast at the throw is farthest from that at the snap.

    The distance of two laws is the area between their distribution functions, in yards.

    Args:
        forecaster: network and family.
        params: its parameters.
        batch: NumPy arrays of some plays.
        eligible: which of them may be chosen.

    Raises:
        ReportError: none may.
    """
    if not eligible.any():
        raise ReportError("eligible: expected at least one play, got none")

    @jax.jit
    def distance(params: Any, part: Batch) -> Array:
        snap = part._replace(mask=part.mask & (jnp.arange(part.mask.shape[1]) < 1)[None])
        cdfs = [
            jnp.cumsum(cell_forecast(forecaster.family, forecaster.predict(params, each)).pmf, 1)
            for each in (snap, part)
        ]
        return jnp.sum(jnp.abs(cdfs[1] - cdfs[0]), axis=1)

    rows = len(batch.target)
    found = [
        np.asarray(distance(params, Batch(*(leaf[i : i + _ROWS] for leaf in batch))))
        for i in range(0, rows, _ROWS)
    ]
    return int(np.argmax(np.where(eligible, np.concatenate(found), -np.inf)))
