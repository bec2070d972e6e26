"""Train several networks on the same examples, and ask each about the same plays."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sbp_jax.evaluation.verdict import Verdict
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.runs.hosts import is_first
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.forecast_outcomes import forecast_outcomes
from sbp_jax.training.forecaster_loss import Augment
from sbp_jax.training.loop import Fit
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.program import rehearse
from sbp_jax.training.shards import Placed
from sbp_jax.training.train_forecaster import forecaster_program, train_forecaster


@dataclass(frozen=True)
class Head:
    """One of the networks that are trained.

    Attributes:
        forecaster: network and family.
        objective: what is minimised.
        augment: changes the examples of every training step; None leaves them as they are.
    """

    forecaster: Forecaster
    objective: ObjectiveName
    augment: Augment | None = None


def train_heads(
    heads: Mapping[str, Head],
    placed: Mapping[str, Placed],
    *,
    config: TrainConfig,
    devices: Devices,
    folders: Mapping[str, Path],
    operations: Operations | None = None,
) -> tuple[dict[str, Fit], dict[str, Verdict]]:
    """Train each head, from wherever its folder says it stands, and ask it about the test plays.

    Args:
        heads: by the name to print.
        placed: examples ``train``, ``valid`` and ``test``, from `place_examples`.
        config: how to train all of them.
        devices: what to run on.
        folders: of each head's run.
        operations: how to run them.

    Returns:
        By name: the fits, and the outcomes on ``test`` in the order of its plays.

    Raises:
        TrainingError: a loss stopped being finite.
        CheckpointError: a folder holds checkpoints of another architecture.
    """
    fits, outcomes = {}, {}
    for name, head in heads.items():
        if is_first():
            print(f"{name}: training to epoch {config.epochs}", flush=True)
        fits[name] = train_forecaster(
            head.forecaster,
            head.objective,
            train=placed["train"],
            valid=placed["valid"],
            config=config,
            devices=devices,
            folder=folders[name],
            augment=head.augment,
            operations=operations,
        )
        outcomes[name] = forecast_outcomes(
            head.forecaster,
            fits[name].params,
            placed["test"],
            devices,
            rows_per_step=config.rows_per_step,
        )
    return fits, outcomes


def rehearse_heads(
    heads: Mapping[str, Head], train: Placed, *, config: TrainConfig, devices: Devices
) -> str:
    """What training each head would take, without training it; see `rehearse`."""
    found = []
    for name, head in heads.items():
        program = forecaster_program(
            head.forecaster,
            head.objective,
            train=train,
            config=config,
            devices=devices,
            augment=head.augment,
        )
        found.append(f"{name}: {rehearse(program, train)}")
    return "\n\n".join(found)
