"""The training loop: epochs, validation, checkpoints, and a log; resumes where it stopped."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from tqdm import tqdm

from sbp_jax.batch import Batch
from sbp_jax.errors import TrainingError
from sbp_jax.training.checkpoint import Checkpoints, EpochMetrics
from sbp_jax.training.parallel import Devices, LossFn
from sbp_jax.training.shards import Shards, deal
from sbp_jax.training.state import Params, init_state, make_optimizer

SCORE = "validation_score"  # the metric that picks the best epoch; smaller is better

ScoreFn = Callable[[Params, Batch], Float[Array, " b"]]


@dataclass(frozen=True)
class TrainConfig:
    """How to train; everything that changes the numbers and nothing else.

    Attributes:
        epochs: passes over the training examples.
        batch_size: examples of one optimizer step, over all devices.
        learning_rate: peak of the schedule.
        weight_decay: decoupled, on kernels alone.
        warmup_steps: linear rise of the learning rate.
        seed: initial parameters, order of the examples, dropout.
        virtual_shards: device counts that divide it give the same run; divides batch_size.
    """

    epochs: int = 6
    batch_size: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 200
    seed: int = 0
    virtual_shards: int = 64

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.virtual_shards < 1 or self.batch_size % self.virtual_shards:
            raise ValueError(
                f"expected a batch_size divisible by virtual_shards={self.virtual_shards}, "
                f"got {self.batch_size}"
            )
        if self.epochs < 1:
            raise ValueError(f"expected at least one epoch, got {self.epochs}")

    @property
    def rows_per_step(self) -> int:
        """Rows that each virtual shard contributes to a step."""
        return self.batch_size // self.virtual_shards


class Fit(NamedTuple):
    """What training leaves behind.

    Attributes:
        params: of the best epoch.
        history: one dict of metrics per epoch.
        best_epoch: index into ``history``.
    """

    params: Params
    history: list[EpochMetrics]
    best_epoch: int


def place_examples(batch: Batch, config: TrainConfig, devices: Devices, *, shuffle: bool) -> Shards:
    """Deal examples to the virtual shards and put these into the devices' memories.

    Args:
        batch: NumPy arrays.
        config: gives the shards, the batch size and the seed.
        devices: where to.
        shuffle: deal in an order drawn from the seed; False keeps the order for `undeal`.
    """
    dealt = deal(
        batch,
        num_shards=config.virtual_shards,
        rows_per_step=config.rows_per_step,
        seed=config.seed if shuffle else None,
    )
    return devices.place(dealt)


def fit(
    *,
    init_fn: Callable[[jax.Array], Params],
    loss_fn: LossFn,
    score_fn: ScoreFn,
    train: Shards,
    valid: Shards,
    config: TrainConfig,
    devices: Devices,
    folder: Path,
    progress: bool = True,
) -> Fit:
    """Train to the end of the last epoch, from wherever ``folder`` says the run stands.

    Args:
        init_fn: key to fresh parameters.
        loss_fn: (params, batch, key) to the loss of each example.
        score_fn: (params, batch) to the validation score of each example; smaller is better.
        train: placed by `place_examples` with shuffle=True.
        valid: placed by `place_examples`.
        config: how to train.
        devices: what to run on.
        folder: holds ``checkpoints/`` and ``metrics.jsonl``.
        progress: show a bar where standard error is a terminal.

    Returns:
        The best epoch's parameters and the metrics of all epochs.

    Raises:
        TrainingError: the loss stopped being finite; the last good epoch stays saved.
        CheckpointError: the folder holds checkpoints of another architecture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    steps = int(train.weight.size) // config.batch_size
    optimizer = make_optimizer(
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup_steps,
        total_steps=config.epochs * steps,
    )
    params = init_fn(jax.random.key(config.seed))
    state = devices.replicate(init_state(params, optimizer, config.seed))
    run_epoch = devices.epoch(loss_fn, optimizer, config.rows_per_step)
    validate = make_validate(devices, score_fn, config.rows_per_step)

    with Checkpoints(folder / "checkpoints", SCORE) as checkpoints:
        history: list[EpochMetrics] = []
        if (latest := checkpoints.latest()) is not None:
            state, history = checkpoints.restore(latest, state)
        rewrite_log(folder / "metrics.jsonl", history)
        bar = tqdm(
            range(len(history), config.epochs),
            initial=len(history),
            total=config.epochs,
            desc=folder.name,
            unit="epoch",
            disable=None if progress else True,
        )
        for epoch in bar:
            start = time.perf_counter()
            state, losses = run_epoch(state, train)
            train_loss = mean_of_finite(np.asarray(losses), epoch)
            seconds = time.perf_counter() - start
            metrics: EpochMetrics = {
                "epoch": epoch,
                "step": int(state.step),
                "train_loss": train_loss,
                SCORE: validate(state.params, valid),
                "seconds": round(seconds, 3),
                "examples_per_second": round(steps * config.batch_size / seconds, 1),
            }
            history.append(metrics)
            checkpoints.save(epoch, state, history)
            rewrite_log(folder / "metrics.jsonl", history)
            bar.set_postfix(loss=train_loss, score=metrics[SCORE])
        checkpoints.wait()
        best = checkpoints.best()
        if best is None:
            raise TrainingError(f"{folder}: no epoch was saved")
        return Fit(checkpoints.restore_params(best, state.params), history, best)


def make_validate(
    devices: Devices, score_fn: ScoreFn, rows_per_step: int
) -> Callable[[Params, Shards], float]:
    """Compile the mean score over all real examples of placed shards."""
    scores = devices.predict(score_fn, rows_per_step)

    def validate(params: Params, shards: Shards) -> float:
        values = scores(params, shards)
        weight = shards.weight.reshape(values.shape)
        return float(jnp.sum(values * weight) / jnp.sum(weight))

    return validate


def mean_of_finite(losses: np.ndarray, epoch: int) -> float:
    """Mean of an epoch's losses.

    Raises:
        TrainingError: one of them is not finite; the message names the step.
    """
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        raise TrainingError(
            f"expected a finite loss, got {losses[bad[0]]} at step {bad[0]} of epoch {epoch}; "
            "try a lower learning rate, and look for extreme values in the features"
        )
    return float(losses.mean())


def rewrite_log(path: Path, history: list[EpochMetrics]) -> None:
    """Write the log of all epochs so far; atomic, so that a reader never sees half a line."""
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(metrics) + "\n" for metrics in history))
    partial.replace(path)
