"""A finished or running run, read back from its folder alone."""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.errors import CheckpointError, RunFolderError
from sbp_jax.models.forecaster import Forecaster, forecaster_from
from sbp_jax.runs.run_folder import read_config
from sbp_jax.training.checkpoint import Checkpoints, EpochMetrics
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.parallel import Devices
from sbp_jax.training.state import Params


class TrainedForecaster(NamedTuple):
    """A trained forecaster.

    Attributes:
        forecaster: network and family.
        params: of the best epoch so far.
        epoch: that epoch.
    """

    forecaster: Forecaster
    params: Params
    epoch: int


class RestoredFit(NamedTuple):
    """What one training came to.

    Attributes:
        params: of the best epoch so far.
        epoch: that epoch.
        history: metrics of all epochs so far.
    """

    params: Params
    epoch: int
    history: list[EpochMetrics]


def restore_forecaster(folder: Path) -> TrainedForecaster:
    """Rebuild the forecaster that a run folder describes, with its best parameters.

    Raises:
        RunFolderError: no run there, or a config without a model.
        CheckpointError: no epoch was saved, or the checkpoint is of another architecture.
    """
    config = read_config(folder)
    try:
        forecaster = forecaster_from(config)
        columns = len(config["sequence_names"]), len(config["static_names"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(
            f"{folder}: expected a run with a model in its config.json, got {error!r}"
        ) from error
    found = restore_fit(folder, forecaster, static=columns[1], sequence=columns[0])
    return TrainedForecaster(forecaster, found.params, found.epoch)


def restore_fit(folder: Path, forecaster: Forecaster, *, static: int, sequence: int) -> RestoredFit:
    """The best parameters of a forecaster that a folder was trained in.

    Args:
        folder: with checkpoints in it.
        forecaster: that was trained there.
        static: how many static columns there are.
        sequence: how many columns a step has.

    Raises:
        CheckpointError: no epoch was saved, or the checkpoint is of another architecture.
    """
    saved = folder / "checkpoints"
    if not saved.is_dir():
        raise CheckpointError(f"{saved}: expected checkpoints, got no such folder")
    example = Batch(
        jnp.zeros((1, 1, sequence)), jnp.ones((1, 1), bool), jnp.zeros((1, static)), jnp.zeros(1)
    )
    # Shapes alone, since drawing parameters compiles many small programs.
    fresh = jax.eval_shape(forecaster.init, jax.random.key(0), example)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), fresh)
    like = Devices(jax.devices()[:1]).replicate(zeros)
    with Checkpoints(saved, VALIDATION_SCORE, read_only=True) as checkpoints:
        best = checkpoints.best()
        if best is None:
            raise CheckpointError(f"{saved}: expected a saved epoch, got none")
        params = checkpoints.restore_params(best, like)
        return RestoredFit(params, best, checkpoints.history())
