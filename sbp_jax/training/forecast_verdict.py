"""The verdict of a trained forecaster on placed examples, a slice at a time on all devices."""

from collections.abc import Collection
from typing import Any

from sbp_jax.batch import Batch
from sbp_jax.evaluation.verdict import Verdict, family_verdict
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.own_mesh import without_mesh
from sbp_jax.training.placing import Placed, in_order


@without_mesh()
def forecast_verdict(
    forecaster: Forecaster,
    params: Any,
    placed: Placed,
    cell: float | None = None,
    *,
    fields: Collection[str] = Verdict._fields,
) -> Verdict:
    """The verdict on every example, in the order of the examples.

    Args:
        forecaster: network and family.
        params: its parameters.
        placed: examples; their targets are the observations.
        cell: that an observation stands for, as for `family_verdict`.
        fields: what is asked for, as for `family_verdict`.
    """

    def verdict(params: Any, batch: Batch) -> Verdict:
        law = forecaster.predict(params, batch)
        return family_verdict(forecaster.family, law, batch.target, cell, fields=fields)

    # As many rows at once as in training, which bounds memory.
    predict = placed.devices.predict(verdict, placed.config.rows_per_step)
    return in_order(predict(params, placed.shards), placed)
