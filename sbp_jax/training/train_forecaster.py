"""Fit a forecaster to placed examples by a named objective."""

from pathlib import Path

import jax

from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.forecaster_loss import Augment, forecaster_criteria
from sbp_jax.training.loop import Fit, fit
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.program import Program, make_program
from sbp_jax.training.shards import Placed
from sbp_jax.training.state import Params


def train_forecaster(
    forecaster: Forecaster,
    objective: ObjectiveName,
    *,
    train: Placed,
    valid: Placed,
    config: TrainConfig,
    devices: Devices,
    folder: Path,
    augment: Augment | None = None,
    operations: Operations | None = None,
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
        operations: how to run it.
        progress: say what is about to run, and show a bar where standard error is a terminal.
    """
    program = forecaster_program(
        forecaster, objective, train=train, config=config, devices=devices, augment=augment
    )
    return fit(program, train, valid, folder=folder, operations=operations, progress=progress)


def forecaster_program(
    forecaster: Forecaster,
    objective: ObjectiveName,
    *,
    train: Placed,
    config: TrainConfig,
    devices: Devices,
    augment: Augment | None = None,
) -> Program:
    """The program that `train_forecaster` runs, with the same arguments.

    Losses are computed in the precision of the config, scores in float32.
    """
    low = forecaster.computing_in(config.precision)
    loss = forecaster_criteria(low, objective, augment).loss
    score = forecaster_criteria(forecaster, objective).score

    def init_fn(key: jax.Array) -> Params:
        shards = train.shards[0]
        lead = shards.weight.ndim  # axes of devices, shards and rows, before an example's own
        example = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape[lead:]), leaf.dtype), shards.batch
        )
        return forecaster.init(key, example)

    return make_program(
        init_fn=init_fn, loss_fn=loss, score_fn=score, train=train, config=config, devices=devices
    )
