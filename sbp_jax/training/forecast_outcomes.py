"""Outcomes of a trained forecaster on placed examples, a slice at a time on all devices."""

from typing import Any

from sbp_jax.batch import Batch
from sbp_jax.evaluation.outcomes import Outcomes, family_outcomes
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Placed, restore


def forecast_outcomes(
    forecaster: Forecaster, params: Any, placed: Placed, devices: Devices, *, rows_per_step: int
) -> Outcomes:
    """Outcomes of every example, in the order of the examples.

    Args:
        forecaster: network and family.
        params: its parameters.
        placed: examples; their targets are the observations.
        devices: where they are.
        rows_per_step: rows of each shard handled at once, which bounds memory.
    """

    def outcomes(params: Any, batch: Batch) -> Outcomes:
        return family_outcomes(forecaster.family, forecaster.predict(params, batch), batch.target)

    found = devices.predict(outcomes, rows_per_step)(params, placed.shards)
    return restore(found, placed)
