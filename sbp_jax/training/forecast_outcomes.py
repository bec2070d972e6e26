"""The verdict of a trained forecaster on placed examples, a slice at a time on all devices."""

from collections.abc import Collection
from typing import Any

from sbp_jax.batch import Batch
from sbp_jax.evaluation.verdict import Verdict, family_verdict
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Placed, restore


def forecast_outcomes(
    forecaster: Forecaster,
    params: Any,
    placed: Placed,
    devices: Devices,
    *,
    rows_per_step: int,
    fields: Collection[str] = Verdict._fields,
) -> Verdict:
    """The verdict on every example, in the order of the examples.

    Args:
        forecaster: network and family.
        params: its parameters.
        placed: examples; their targets are the observations.
        devices: where they are.
        rows_per_step: rows of each shard handled at once, which bounds memory.
        fields: what is asked for, as for `family_verdict`.
    """

    def verdict(params: Any, batch: Batch) -> Verdict:
        law = forecaster.predict(params, batch)
        return family_verdict(forecaster.family, law, batch.target, fields=fields)

    found = devices.predict(verdict, rows_per_step)(params, placed.shards)
    return restore(found, placed)
