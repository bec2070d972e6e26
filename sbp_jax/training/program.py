"""What a run computes, compiled but not yet started: its first state, an epoch, a validation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.parallel import Devices, EpochFn, LossFn, Summed, summed_gradient
from sbp_jax.training.shards import Placed, Shards
from sbp_jax.training.start_report import StepCost, estimate, start_line, step_cost
from sbp_jax.training.state import Params, TrainState, init_state, make_optimizer

ScoreFn = Callable[[Params, Batch], Float[Array, " b"]]


@dataclass(frozen=True)
class Program:
    """A run that is ready to start.

    Attributes:
        config: how it trains.
        devices: what it runs on.
        loss_fn: (params, batch, key) to the loss of each example.
        init: to the first state.
        epoch: (state, shards) to (state, loss of each step); the state given is used up.
        validate: (params, shards) to the mean score.
    """

    config: TrainConfig
    devices: Devices
    loss_fn: LossFn
    init: Callable[[], TrainState]
    epoch: EpochFn
    validate: Callable[[Params, tuple[Shards, ...]], Float[Array, ""]]


def make_program(
    *,
    init_fn: Callable[[jax.Array], Params],
    loss_fn: LossFn,
    score_fn: ScoreFn,
    train: Placed,
    config: TrainConfig,
    devices: Devices,
) -> Program:
    """Prepare a run.

    Args:
        init_fn: key to fresh parameters.
        loss_fn: (params, batch, key) to the loss of each example.
        score_fn: (params, batch) to the validation score of each example; smaller is better.
        train: examples, placed by `place_examples` with shuffle=True; their number decides the
            learning rate's schedule.
        config: how to train.
        devices: what to run on.
    """
    optimizer = make_optimizer(
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup_steps,
        total_steps=config.epochs * steps_per_epoch(train, config),
    )

    def init() -> TrainState:
        params = init_fn(jax.random.key(config.seed))
        return init_state(params, optimizer, config.seed)

    return Program(
        config,
        devices,
        loss_fn,
        jax.jit(init, out_shardings=devices.replicated),
        devices.epoch(loss_fn, optimizer, config.rows_per_step, config.accumulate),
        devices.mean(score_fn, config.rows_per_step),
    )


def steps_per_epoch(train: Placed, config: TrainConfig) -> int:
    """Optimizer steps of one epoch."""
    return sum(rows.size for rows in train.rows) // config.batch_size


def rehearse(program: Program, train: Placed) -> str:
    """Compile an epoch without running it, and tell what it takes on each device.

    Returns:
        The line that the run would start with, and below it memory and arithmetic.
    """
    state = program.init()
    compiled = program.epoch.lower(state, train.shards).compile()
    rows = program.config.rows_per_step
    costs = [
        (_cost_of_step(program, state, shards), shards.weight.shape[-1] // rows)
        for shards in train.shards
    ]
    line = start_line(state.params, train, program.config, program.devices)
    return line + "\n" + estimate(compiled, costs)


def _cost_of_step(program: Program, state: TrainState, shards: Shards) -> StepCost:
    """What XLA counts in the gradient of one mini-batch of a bucket, on one device."""
    own = program.devices.count

    def gradient(state: TrainState, shards: Shards) -> Summed:
        shape = (shards.index.shape[0], program.config.rows_per_step)
        return summed_gradient(program.loss_fn, state, shards, jnp.zeros(shape, jnp.int32))

    def on_one_device(leaf: Any) -> jax.ShapeDtypeStruct:
        shape = leaf.shape[1:] if program.devices.backend == "pmap" else leaf.shape
        if program.devices.backend == "shard_map":
            shape = (leaf.shape[0] // own, *leaf.shape[1:])
        return jax.ShapeDtypeStruct(shape, leaf.dtype)

    abstract_state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), state)
    return step_cost(jax.jit(gradient).lower(abstract_state, jax.tree.map(on_one_device, shards)))
