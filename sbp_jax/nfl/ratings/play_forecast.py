"""What scoring needs of a trained model: four numbers a play, and the cells of a few plays."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sbp_jax.batch import Arrayish, Batch
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Placed, restore


class PlayForecast(NamedTuple):
    """Forecasts at what happened, in cells of the outcome's grid.

    Attributes:
        pit_lower: (B,) F at the lower edge of the outcome's cell.
        pit_upper: (B,) F at its upper edge.
        log_score: (B,) minus the log probability of the cell, in nats.
        mean: (B,) mean of the forecast, in cells.
    """

    pit_lower: Float[Arrayish, " B"]
    pit_upper: Float[Arrayish, " B"]
    log_score: Float[Arrayish, " B"]
    mean: Float[Arrayish, " B"]


def forecast_plays(
    forecaster: Forecaster, params: Any, placed: Placed, devices: Devices, *, rows_per_step: int
) -> PlayForecast:
    """Forecasts of placed examples at their targets, in the order of the examples."""

    def forecast(params: Any, batch: Batch) -> PlayForecast:
        return _forecast(forecaster, params, batch)

    found = devices.predict(forecast, rows_per_step)(params, placed.shards)
    return PlayForecast(*(np.asarray(x, np.float64) for x in restore(found, placed)))


def forecast_batch(forecaster: Forecaster, params: Any, batch: Batch) -> PlayForecast:
    """The same of a batch on the host, all at once on the first device."""
    return PlayForecast(*(np.asarray(x) for x in _jitted(forecaster, params, batch)))


def _forecast(forecaster: Forecaster, params: Any, batch: Batch) -> PlayForecast:
    family, law = forecaster.family, forecaster.predict(params, batch)
    low, high = batch.target - 0.5, batch.target + 0.5
    return PlayForecast(
        family.cdf(law, low),
        family.cdf(law, high),
        -family.log_interval(law, low, high),
        family.mean(law),
    )


_jitted = jax.jit(_forecast, static_argnums=0)


@functools.partial(jax.jit, static_argnums=(0, 3))
def _cells(
    forecaster: Forecaster, params: Any, batch: Batch, cells: tuple[int, int]
) -> Float[Array, "B cells"]:
    law = forecaster.predict(params, batch)

    def at(cell: Array) -> Float[Array, " B"]:
        return jnp.exp(forecaster.family.log_interval(law, cell - 0.5, cell + 0.5))

    numbers = jnp.arange(cells[0], cells[1] + 1, dtype=jnp.float32)
    return jnp.moveaxis(jax.lax.map(at, numbers), 0, -1)


def cell_probabilities(
    forecaster: Forecaster, params: Any, batch: Batch, cells: tuple[int, int]
) -> Float[np.ndarray, "B cells"]:
    """Probability of every cell from the lowest to the highest, for a few plays."""
    return np.asarray(_cells(forecaster, params, batch, cells))
