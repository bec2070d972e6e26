"""The training loop: epochs, validation, checkpoints, and a log; resumes where it stopped."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from tqdm import tqdm

from sbp_jax.errors import TrainingError, TrainingInterrupted
from sbp_jax.runs.preemption import StopRequest
from sbp_jax.runs.run_folder import hold_run
from sbp_jax.training.checkpoint import (
    Checkpoints,
    EpochMetrics,
    check_space,
    needed_space,
)
from sbp_jax.training.explosion import (
    describe_bad_step,
    first_bad_step,
    forget_failed_step,
    write_failed_step,
)
from sbp_jax.training.metrics_log import MetricsLog
from sbp_jax.training.operations import Operations, profiled
from sbp_jax.training.own_mesh import without_mesh
from sbp_jax.training.placing import Placed, check_placed_alike, examples_of_step
from sbp_jax.training.program import Head, Program, make_program
from sbp_jax.training.start_report import start_line
from sbp_jax.training.state import Params, TrainState, count_params

VALIDATION_SCORE = "validation_score"  # the metric that picks the best epoch; smaller is better


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


@without_mesh()
def fit(
    head: Head,
    train: Placed,
    valid: Placed,
    *,
    folder: Path,
    operations: Operations | None = None,
    progress: bool = True,
) -> Fit:
    """Train to the end of the last epoch, from wherever ``folder`` says the run stands.

    SIGTERM ends the run after the epoch in flight, which is saved. Several processes call this
    alike and share the folder.

    Args:
        head: what is trained.
        train: examples placed by `place_examples` with shuffle=True.
        valid: placed by `place_examples`.
        folder: holds ``checkpoints/`` and ``metrics.jsonl``.
        operations: how to run it.
        progress: say what is about to run, and show a bar where standard error is a terminal.

    Returns:
        The best epoch's parameters and the metrics of all epochs.

    Raises:
        ValueError: the examples were placed for another config, or on other devices.
        TrainingError: the loss stopped being finite, or exploded; the last good epoch stays
            saved, and ``failed_step.json`` names the examples of the step.
        TrainingInterrupted: SIGTERM; the same call goes on from there.
        CheckpointError: the folder holds checkpoints of another run, or there is no room.
        RunFolderError: another process trains in this folder.
    """
    operations = operations or Operations()
    check_placed_alike(train, valid)
    saved = folder / "checkpoints"
    program, config = make_program(head, train), train.config
    state = program.init()
    check_space(saved, needed_space(state, operations.keep_best))
    shown = progress and jax.process_index() == 0
    if shown:
        print(start_line(state.params, train), flush=True)
    with (
        hold_run(folder),
        StopRequest() as stop,
        Checkpoints(
            saved,
            VALIDATION_SCORE,
            keep_best=operations.keep_best,
            about=_about(train, state.params),
        ) as checkpoints,
        MetricsLog(folder, tensorboard=operations.tensorboard) as log,
    ):
        history: list[EpochMetrics] = []
        if (latest := checkpoints.latest()) is not None:
            state, history = checkpoints.restore(latest, state)
        log.rewrite(history)
        forget_failed_step(folder)
        epochs = tqdm(
            range(len(history), config.epochs),
            initial=len(history),
            total=config.epochs,
            desc=folder.name,
            unit="epoch",
            disable=None if shown else True,
        )
        profiled_epoch = min(len(history) + 1, config.epochs - 1)
        for epoch in epochs:
            with profiled(folder, active=operations.profile and epoch == profiled_epoch):
                state, metrics = _train_epoch(program, state, history, folder)
            metrics[VALIDATION_SCORE] = float(program.validate(state.params, valid.shards))
            history.append(metrics)
            checkpoints.save(epoch, state, history)
            log.add(metrics)
            epochs.set_postfix(loss=metrics["train_loss"], score=metrics[VALIDATION_SCORE])
            if stop.requested() and epoch + 1 < config.epochs:
                checkpoints.wait()
                raise TrainingInterrupted(
                    f"{folder}: stopped by SIGTERM after epoch {epoch}, which is saved; the same "
                    "command goes on from there"
                )
        checkpoints.wait()
        best = checkpoints.best()
        if best is None:
            raise TrainingError(f"{folder}: no epoch was saved")
        return Fit(checkpoints.restore_params(best, state.params), history, best)


def _train_epoch(
    program: Program,
    state: TrainState,
    history: list[EpochMetrics],
    folder: Path,
) -> tuple[TrainState, EpochMetrics]:
    """One epoch, and its metrics but for the score."""
    start = time.perf_counter()
    train = program.train
    state, losses = program.epoch(state, train.shards)
    found = np.asarray(losses)
    seconds = time.perf_counter() - start
    _stop_at_bad_step(found, train, history, folder)
    rows = len(found) * train.config.batch_size
    return state, {
        "epoch": len(history),
        "step": (len(history) + 1) * len(found),
        "train_loss": float(found.mean()),
        "seconds": round(seconds, 3),
        "examples_per_second": round(rows / seconds, 1),
    }


def _stop_at_bad_step(
    losses: Float[NDArray, " steps"],
    train: Placed,
    history: list[EpochMetrics],
    folder: Path,
) -> None:
    """Raise for a loss that nothing should go on from, and leave its examples' names."""
    previous = history[-1]["train_loss"] if history else None
    bad = first_bad_step(losses, previous_mean=previous, explosion=train.config.explosion)
    if bad is None:
        return
    epoch = len(history)
    key = jax.random.key(train.config.seed)
    examples = examples_of_step(train, key, epoch * len(losses), bad.step)
    ids = None if train.ids is None else [train.ids[i] for i in examples]
    write_failed_step(folder, bad, epoch, examples, ids)
    raise TrainingError(describe_bad_step(bad, epoch))


def _about(train: Placed, params: Params) -> dict[str, Any]:
    """What a checkpoint only makes sense with; parameters are float32 in any precision."""
    settings = asdict(train.config)
    del settings["precision"]
    return {
        "train": settings,
        "examples": train.examples,
        "steps_per_epoch": train.steps,
        "parameters": count_params(params),
    }
