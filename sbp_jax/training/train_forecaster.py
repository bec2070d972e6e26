"""Fit a forecaster to placed examples by a named objective."""

from collections.abc import Callable
from pathlib import Path

import jax
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.loop import Fit, TrainConfig, fit
from sbp_jax.training.objective import ObjectiveName, make_objective
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Shards
from sbp_jax.training.state import Params

Augment = Callable[[jax.Array, Batch], Batch]
"""(key, batch) to a batch of other examples that are as true."""


def train_forecaster(
    forecaster: Forecaster,
    objective: ObjectiveName,
    *,
    train: Shards,
    valid: Shards,
    config: TrainConfig,
    devices: Devices,
    folder: Path,
    augment: Augment | None = None,
    progress: bool = True,
) -> Fit:
    """Minimise the objective; the epoch is picked by the log score of the target's cell.

    The log score of a cell compares epochs of any objective, and any two families.

    Args:
        forecaster: network and family.
        objective: what is minimised.
        train: examples placed by `place_examples` with shuffle=True.
        valid: examples placed by `place_examples`.
        config: how to train.
        devices: what to run on.
        folder: of the run.
        augment: changes the examples of every training step, by a key of its own; validation is
            done on those that are there.
        progress: show a bar where standard error is a terminal.
    """
    family = forecaster.family
    minimised = make_objective(objective, family)
    cell_log_score = make_objective("interval_nll", family)

    def loss_fn(params: Params, batch: Batch, key: jax.Array) -> Float[Array, " b"]:
        if augment is not None:
            key, augment_key = jax.random.split(key)
            batch = augment(augment_key, batch)
        raw = forecaster.apply_train(params, batch, key)
        return minimised(family.constrain(raw), batch.target)

    def score_fn(params: Params, batch: Batch) -> Float[Array, " b"]:
        return cell_log_score(forecaster.predict(params, batch), batch.target)

    def init_fn(key: jax.Array) -> Params:
        lead = train.weight.ndim  # axes of devices, shards and rows, before an example's own
        example = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape[lead:]), leaf.dtype), train.batch
        )
        return forecaster.init(key, example)

    return fit(
        init_fn=init_fn,
        loss_fn=loss_fn,
        score_fn=score_fn,
        train=train,
        valid=valid,
        config=config,
        devices=devices,
        folder=folder,
        progress=progress,
    )
