"""What a run computes, compiled but not yet started: its first state, an epoch, a validation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.runs.ranges import Positive, refuse_out_of_range
from sbp_jax.training.forecaster_loss import Augment, forecaster_criteria
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.optimizer import make_optimizer
from sbp_jax.training.own_mesh import without_mesh
from sbp_jax.training.parallel import EpochFn, LossFn, Summed, summed_gradient
from sbp_jax.training.placing import Placed
from sbp_jax.training.shards import Shards
from sbp_jax.training.start_report import StepCost, estimate, start_line, step_cost
from sbp_jax.training.state import Params, TrainState, init_state


@dataclass(frozen=True)
class Head:
    """A network, what its outputs mean, and what it is trained by.

    Attributes:
        forecaster: network and family.
        objective: what is minimised. Whatever it is, the epoch is picked by the log score, which
            compares epochs of any objective, and any two families.
        augment: changes the examples of every training step, by a key of its own; None leaves
            them as they are. Validation is done on those that are there.
        optimizer: None for `make_optimizer` of the training's config. Another one is not told apart
            from its like when a run is resumed: a transformation has no description.
        cell: width of the cell that a target stands for, in its unit, such as 1 for whole numbers;
            None if it is continuous. > 0.

    Raises:
        SettingError: no such objective, or a cell of no width.
    """

    forecaster: Forecaster
    objective: ObjectiveName
    augment: Augment | None = None
    optimizer: optax.GradientTransformation | None = None
    cell: Positive | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing can be trained by."""
        refuse_out_of_range(self)


@dataclass(frozen=True)
class Program:
    """A run that is ready to start.

    Attributes:
        train: the examples that it was made for.
        loss_fn: (params, batch, key) to the loss of each example.
        init: to the first state.
        epoch: (state, shards) to (state, loss of each step); the state given is used up.
        validate: (params, shards) to the mean score.
    """

    train: Placed
    loss_fn: LossFn
    init: Callable[[], TrainState]
    epoch: EpochFn
    validate: Callable[[Params, tuple[Shards, ...]], Float[Array, ""]]


def make_program(head: Head, train: Placed) -> Program:
    """Prepare a run; losses are computed in the precision of the config, scores in float32.

    Args:
        head: what is trained.
        train: examples, placed by `place_examples` with shuffle=True; their number decides the
            schedule of the learning rate.
    """
    config, devices = train.config, train.devices
    low = head.forecaster.computing_in(config.precision)
    loss = forecaster_criteria(low, head.objective, head.augment, cell=head.cell).loss
    score = forecaster_criteria(head.forecaster, head.objective, cell=head.cell).score
    optimizer = head.optimizer or make_optimizer(config, config.epochs * train.steps)

    def init() -> TrainState:
        key = jax.random.key(config.seed)
        params = head.forecaster.init(key, example_of(train))
        return init_state(params, optimizer, config.seed)

    return Program(
        train,
        loss,
        jax.jit(init, out_shardings=devices.replicated),
        devices.epoch(
            loss,
            optimizer,
            config.rows_per_step,
            config.accumulate,
            joined=head.optimizer is None,
        ),
        devices.mean(score, config.rows_per_step),
    )


def example_of(placed: Placed) -> Batch:
    """Shapes and types of one placed example."""
    shards = placed.shards[0]
    lead = shards.weight.ndim  # axes of devices, shards and rows, before an example's own
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape[lead:]), leaf.dtype), shards.batch
    )


@without_mesh()
def rehearse(program: Program) -> str:
    """Compile an epoch without running it, and tell what it takes on each device.

    Returns:
        The line that the run would start with, and below it memory and arithmetic.
    """
    train, state = program.train, program.init()
    compiled = program.epoch.lower(state, train.shards).compile()
    rows = train.config.rows_per_step
    costs = [
        (_cost_of_step(program, state, shards), shards.weight.shape[-1] // rows)
        for shards in train.shards
    ]
    line = start_line(state.params, train)
    return line + "\n" + estimate(compiled, costs)


def _cost_of_step(program: Program, state: TrainState, shards: Shards) -> StepCost:
    """What XLA counts in the gradient of one mini-batch of a bucket, on one device."""
    config, devices = program.train.config, program.train.devices

    def gradient(state: TrainState, shards: Shards) -> Summed:
        shape = (shards.index.shape[0], config.rows_per_step)
        return summed_gradient(program.loss_fn, state, shards, jnp.zeros(shape, jnp.int32))

    def on_one_device(leaf: Any) -> jax.ShapeDtypeStruct:
        shape = leaf.shape[1:] if devices.backend == "pmap" else leaf.shape
        if devices.backend == "shard_map":
            shape = (leaf.shape[0] // devices.count, *leaf.shape[1:])
        return jax.ShapeDtypeStruct(shape, leaf.dtype)

    abstract_state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), state)
    return step_cost(jax.jit(gradient).lower(abstract_state, jax.tree.map(on_one_device, shards)))
