"""Outcomes of a trained forecaster on placed examples, a slice at a time on all devices."""

from typing import Any

import jax
import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.evaluation.outcomes import Outcomes, family_outcomes
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Shards, undeal


def forecast_outcomes(
    forecaster: Forecaster, params: Any, shards: Shards, devices: Devices, *, rows_per_step: int
) -> Outcomes:
    """Outcomes of every example, in the order in which they were dealt.

    Args:
        forecaster: network and family.
        params: its parameters.
        shards: examples placed with shuffle=False; their targets are the observations.
        devices: where the shards live.
        rows_per_step: rows of each shard handled at once, which bounds memory.
    """

    def outcomes(params: Any, batch: Batch) -> Outcomes:
        return family_outcomes(forecaster.family, forecaster.predict(params, batch), batch.target)

    found = devices.predict(outcomes, rows_per_step)(params, shards)
    weight = np.asarray(shards.weight)
    return jax.tree.map(lambda leaf: undeal(np.asarray(leaf), weight), found)
