"""All of device parallelism: where the shards live, and one function mapped over the devices.

The per-device functions are plain SPMD over the axis `PLAYS`: each device scans its own shards
and sums over the axis. They run unchanged under `jax.pmap` and under `jax.shard_map` on a mesh.
Losses and gradients are summed over devices as numerator and denominator: a mean of per-device
means is not the mean when shards hold unequal numbers of real examples.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.training.shards import Shards, draw_rows, take_rows
from sbp_jax.training.state import Params, TrainState

PLAYS = "plays"  # the one mesh axis: examples are divided over it, parameters are not

LossFn = Callable[[Params, Batch, jax.Array], Float[Array, " b"]]
PredictFn = Callable[[Params, Batch], Any]
Backend = Literal["pmap", "shard_map"]


def device_epoch(
    loss_fn: LossFn,
    optimizer: optax.GradientTransformation,
    rows_per_step: int,
    state: TrainState,
    shards: Shards,
) -> tuple[TrainState, Float[Array, " steps"]]:
    """One epoch on one device's shards; the result is the same on every device.

    Args:
        loss_fn: (params, batch of b, key) to b losses.
        optimizer: its state is in ``state``.
        rows_per_step: rows that each shard contributes to a step.
        state: parameters and optimizer state, equal on all devices.
        shards: this device's shards.

    Returns:
        The state after the epoch and the loss of each step, averaged over the global batch.
    """
    order = draw_rows(shards, jax.random.fold_in(state.key, state.step), rows_per_step)

    def step(state: TrainState, rows: Array) -> tuple[TrainState, Float[Array, ""]]:
        grads, loss = global_gradient(loss_fn, state, shards, rows)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return TrainState(params, opt_state, state.step + 1, state.key), loss

    return jax.lax.scan(step, state, order)


def global_gradient(
    loss_fn: LossFn, state: TrainState, shards: Shards, rows: Array
) -> tuple[Params, Float[Array, ""]]:
    """Gradient and value of the mean loss over the rows of all devices' shards."""
    batch, weight = take_rows(shards, rows)
    # Step and shard, not the device, choose the dropout mask: it must not know the device count.
    step_key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), 1)
    keys = jax.vmap(partial(jax.random.fold_in, step_key))(shards.index)

    def local_sum(params: Params) -> Float[Array, ""]:
        losses = jax.vmap(loss_fn, (None, 0, 0))(params, batch, keys)
        return jnp.sum(losses * weight)

    total, grads = jax.value_and_grad(local_sum)(state.params)
    total, grads, count = jax.lax.psum((total, grads, jnp.sum(weight)), PLAYS)
    return jax.tree.map(lambda g: g / count, grads), total / count


def device_predict(
    predict_fn: PredictFn, rows_per_step: int, params: Params, shards: Shards
) -> Any:
    """Apply a function to all of one device's rows, ``rows_per_step`` of each shard at a time."""
    num_shards, rows = shards.weight.shape

    def predict(start: Array) -> Any:
        def cut(leaf: Array) -> Array:
            part = jax.lax.dynamic_slice_in_dim(leaf, start, rows_per_step, axis=1)
            return part.reshape(-1, *leaf.shape[2:])

        out = predict_fn(params, jax.tree.map(cut, shards.batch))
        return jax.tree.map(lambda leaf: leaf.reshape(num_shards, -1, *leaf.shape[1:]), out)

    out = jax.lax.map(predict, jnp.arange(0, rows, rows_per_step))
    return jax.tree.map(
        lambda leaf: leaf.swapaxes(0, 1).reshape(num_shards, rows, *leaf.shape[3:]), out
    )


class Devices:
    """The devices that a program runs on and how its per-device functions are mapped over them.

    Attributes:
        mesh: one axis named ``plays``.
        backend: ``"pmap"`` or ``"shard_map"``.
    """

    def __init__(
        self, devices: Sequence[jax.Device] | None = None, backend: Backend = "shard_map"
    ) -> None:
        chosen = list(jax.devices() if devices is None else devices)
        self.backend: Backend = backend
        self.mesh = Mesh(chosen, (PLAYS,), axis_types=(AxisType.Auto,))

    @property
    def count(self) -> int:
        """Number of devices."""
        return self.mesh.size

    def place(self, shards: Shards) -> Shards:
        """Divide the shards evenly over the devices' memories, once.

        Raises:
            ValueError: the device count does not divide the number of shards.
        """
        num_shards = shards.weight.shape[0]
        if num_shards % self.count:
            raise ValueError(
                f"expected a device count that divides the {num_shards} shards, got {self.count}"
            )
        if self.backend == "pmap":
            fold = (self.count, num_shards // self.count)
            shards = jax.tree.map(lambda leaf: leaf.reshape(*fold, *leaf.shape[1:]), shards)
        return jax.device_put(shards, NamedSharding(self.mesh, P(PLAYS)))

    def replicate(self, tree: Any) -> Any:
        """Give every device the same values.

        Committed from the start: the first call of an epoch must not differ from the second.
        """
        return jax.device_put(tree, NamedSharding(self.mesh, P()))

    def epoch(
        self,
        loss_fn: LossFn,
        optimizer: optax.GradientTransformation,
        rows_per_step: int,
    ) -> Callable[[TrainState, Shards], tuple[TrainState, Float[Array, " steps"]]]:
        """Compile `device_epoch` for all devices: ``(state, shards) -> (state, losses)``."""
        body = partial(device_epoch, loss_fn, optimizer, rows_per_step)
        return self.map_over_plays(body, sharded_out=False)

    def predict(self, predict_fn: PredictFn, rows_per_step: int) -> Callable[[Params, Shards], Any]:
        """Compile `device_predict` for all devices: ``(params, shards) -> leaves (V, n, ...)``."""
        body = partial(device_predict, predict_fn, rows_per_step)
        mapped = self.map_over_plays(body, sharded_out=True)
        if self.backend == "shard_map":
            return mapped

        def unfold(params: Params, shards: Shards) -> Any:
            out = mapped(params, shards)
            return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), out)

        return unfold

    def map_over_plays(self, body: Callable[..., Any], *, sharded_out: bool) -> Any:
        """Map a per-device function of (replicated, sharded) arguments over the devices.

        Args:
            body: may sum over the axis `PLAYS`.
            sharded_out: results belong to the device's shards; otherwise they are equal on all
                devices and come back once.
        """
        if self.backend == "pmap":
            return jax.pmap(
                body,
                axis_name=PLAYS,
                in_axes=(None, 0),
                out_axes=0 if sharded_out else None,
                devices=list(self.mesh.devices.flat),
            )
        # Without replication checks: the body sums gradients itself, and under the checks
        # gradients of replicated parameters would already arrive summed, hence too large.
        mapped = jax.shard_map(
            body,
            mesh=self.mesh,
            in_specs=(P(), P(PLAYS)),
            out_specs=P(PLAYS) if sharded_out else P(),
            check_vma=False,
        )
        return jax.jit(mapped)
