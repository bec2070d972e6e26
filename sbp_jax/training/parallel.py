"""All of device parallelism: where the shards live, and one function mapped over the devices.

The per-device functions are plain SPMD over the axis `PLAYS`: each device scans its own shards
and sums over the axis. They run unchanged under `jax.pmap` and under `jax.shard_map` on a mesh.
Losses and gradients are summed over devices as numerator and denominator: a mean of per-device
means is not the mean when shards hold unequal numbers of real examples.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int

from sbp_jax.batch import Batch
from sbp_jax.errors import DeviceError
from sbp_jax.training.joined import find_seams
from sbp_jax.training.shards import Shards, draw_buckets, draw_rows, take_rows
from sbp_jax.training.state import Params, TrainState

PLAYS = "plays"  # the one mesh axis: examples are divided over it, parameters are not

LossFn = Callable[[Params, Batch, jax.Array], Float[Array, " b"]]
PredictFn = Callable[[Params, Batch], Any]
Backend = Literal["pmap", "shard_map"]


class EpochFn(Protocol):
    """A program of one epoch; also compiled without being run."""

    def __call__(
        self, state: TrainState, shards: tuple[Shards, ...], /
    ) -> tuple[TrainState, Float[Array, " steps"]]:
        """The state after the epoch and the loss of each step; the state given is used up."""

    def lower(self, state: Any, shards: Any, /) -> jax.stages.Lowered:
        """The program for arguments of these shapes."""


def device_epoch(
    loss_fn: LossFn,
    optimizer: optax.GradientTransformation,
    rows_per_step: int,
    state: TrainState,
    shards: tuple[Shards, ...],
    *,
    accumulate: int = 1,
    joined: bool = False,
    axis: str | None = PLAYS,
) -> tuple[TrainState, Float[Array, " steps"]]:
    """One epoch on one device's shards; the result is the same on every device.

    Args:
        loss_fn: (params, batch of b, key) to b losses.
        optimizer: its state is in ``state``.
        rows_per_step: rows that each shard contributes to a step.
        state: parameters and optimizer state, equal on all devices.
        shards: this device's shards of each length bucket.
        accumulate: parts that a mini-batch is computed in, one after the other, to save memory.
        joined: let the optimizer see all parameters as two vectors (`Joined`); it must treat every
            number alike, but for its decay.
        axis: of the devices to sum over; None where there is no other device.

    Returns:
        The state after the epoch and the loss of each step, averaged over the global batch.
    """
    key = jax.random.fold_in(state.key, state.step)
    orders = [
        draw_rows(bucket.index, bucket.weight.shape[1], key, rows_per_step) for bucket in shards
    ]
    visits = draw_buckets([len(order) for order in orders], state.step)
    seams = find_seams(state.params) if joined else None

    def gradient_in(bucket: int) -> Callable[[TrainState, Array], Summed]:
        def gradient(state: TrainState, place: Array) -> Summed:
            rows = orders[bucket][place]
            if seams is None:
                return summed_gradient(loss_fn, state, shards[bucket], rows, accumulate)
            state = state._replace(params=seams.split(state.params))
            summed = summed_gradient(loss_fn, state, shards[bucket], rows, accumulate)
            return summed._replace(grads=seams.join(summed.grads))

        return gradient

    def step(state: TrainState, visit: tuple[Array, Array]) -> tuple[TrainState, Float[Array, ""]]:
        branches = [gradient_in(bucket) for bucket in range(len(shards))]
        summed = jax.lax.switch(visit[0], branches, state, visit[1])
        grads, loss = mean_over(axis, summed)
        # Optax promotes its count of steps, also where a user forbids JAX to do so unasked.
        with jax.numpy_dtype_promotion("standard"):
            updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return TrainState(params, opt_state, state.step + 1, state.key), loss

    if seams is None:
        return jax.lax.scan(step, state, visits)
    state = state._replace(
        params=seams.join(state.params), opt_state=seams.join_within(state.opt_state)
    )
    state, losses = jax.lax.scan(step, state, visits)
    return state._replace(
        params=seams.split(state.params), opt_state=seams.split_within(state.opt_state)
    ), losses


class Summed(NamedTuple):
    """Sums over examples, from which a mean over all devices can be made."""

    loss: Float[Array, ""]
    grads: Params
    weight: Float[Array, ""]


def summed_gradient(
    loss_fn: LossFn, state: TrainState, shards: Shards, rows: Int[Array, "V b"], accumulate: int = 1
) -> Summed:
    """Sums over the chosen rows of one device's shards."""
    # Step and shard, not the device, choose the dropout mask: it must not know the device count.
    step_key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), 1)
    keys = jax.vmap(partial(jax.random.fold_in, step_key))(shards.index)

    def part(rows: Array, keys: Array) -> Summed:
        batch, weight = take_rows(shards, rows)

        def local_sum(params: Params) -> Float[Array, ""]:
            losses = jax.vmap(loss_fn, (None, 0, 0))(params, batch, keys)
            return jnp.sum(losses * weight)

        return Summed(*jax.value_and_grad(local_sum)(state.params), jnp.sum(weight))

    if accumulate == 1:
        return part(rows, keys)

    def add(total: Summed, i: Array) -> tuple[Summed, None]:
        size = rows.shape[1] // accumulate
        some = jax.lax.dynamic_slice_in_dim(rows, i * size, size, axis=1)
        return jax.tree.map(
            jnp.add, total, part(some, jax.vmap(jax.random.fold_in, (0, None))(keys, i))
        ), None

    nothing = Summed(jnp.zeros(()), jax.tree.map(jnp.zeros_like, state.params), jnp.zeros(()))
    return jax.lax.scan(add, nothing, jnp.arange(accumulate))[0]


def mean_over(axis: str | None, summed: Summed) -> tuple[Params, Float[Array, ""]]:
    """Gradient and value of the mean loss over the examples of all devices."""
    total = summed if axis is None else jax.lax.psum(summed, axis)
    return jax.tree.map(lambda g: g / total.weight, total.grads), total.loss / total.weight


def device_predict(
    predict_fn: PredictFn, rows_per_step: int, params: Params, shards: tuple[Shards, ...]
) -> tuple[Any, ...]:
    """Apply a function to all of one device's rows, ``rows_per_step`` of each shard at a time.

    Returns:
        For each length bucket what the function gives, its leading axis split into (V, n).
    """
    return tuple(_predict_bucket(predict_fn, rows_per_step, params, bucket) for bucket in shards)


def _predict_bucket(
    predict_fn: PredictFn, rows_per_step: int, params: Params, shards: Shards
) -> Any:
    num_shards, rows = shards.weight.shape

    def predict(start: Array) -> Any:
        def cut(leaf: Array) -> Array:
            part = jax.lax.dynamic_slice_in_dim(leaf, start, rows_per_step, axis=1)
            return jax.lax.collapse(part, 0, 2)  # -1 could not be told where a leaf is empty

        out = predict_fn(params, jax.tree.map(cut, shards.batch))
        return jax.tree.map(
            lambda leaf: leaf.reshape(num_shards, rows_per_step, *leaf.shape[1:]), out
        )

    out = jax.lax.map(predict, jnp.arange(0, rows, rows_per_step))
    return jax.tree.map(
        lambda leaf: leaf.swapaxes(0, 1).reshape(num_shards, rows, *leaf.shape[3:]), out
    )


def device_mean(
    score_fn: PredictFn,
    rows_per_step: int,
    params: Params,
    shards: tuple[Shards, ...],
    *,
    axis: str | None = PLAYS,
) -> Float[Array, ""]:
    """Mean of a score over the examples of all devices, fillers left out."""
    scores = device_predict(score_fn, rows_per_step, params, shards)
    total = jnp.zeros(2)
    for score, bucket in zip(scores, shards, strict=True):
        # A filler's score may be infinite, and infinity times zero is not zero.
        kept = jnp.where(bucket.weight > 0, score, 0.0)
        total += jnp.stack([jnp.sum(kept), jnp.sum(bucket.weight)])
    total = total if axis is None else jax.lax.psum(total, axis)
    return total[0] / total[1]


def choose_devices(count: int | None) -> list[jax.Device]:
    """The first devices, or all of them.

    Raises:
        DeviceError: there are not so many, or none was asked for.

    >>> len(choose_devices(1))
    1
    """
    there = jax.devices()
    if count is None:
        return there
    if not 1 <= count <= len(there):
        raise DeviceError(
            f"devices: expected 1 to {len(there)}, for so many {there[0].platform} devices are "
            f"there, got {count}"
        )
    return there[:count]


class Devices:
    """The devices that a program runs on and how its per-device functions are mapped over them.

    Several processes (`jax.distributed`) run the same program; each places the shards of its own
    devices. They need the backend ``"shard_map"``.

    Attributes:
        mesh: one axis named ``plays``.
        backend: ``"pmap"`` or ``"shard_map"``.

    Raises:
        DeviceError: pmap was asked for under several processes, or none of a process's devices.
    """

    def __init__(
        self, devices: Sequence[jax.Device] | None = None, backend: Backend = "shard_map"
    ) -> None:
        chosen = jax.devices() if devices is None else devices
        # A process's devices side by side, so that its shards are a range.
        chosen = sorted(chosen, key=lambda device: (device.process_index, device.id))
        if backend == "pmap" and jax.process_count() > 1:
            raise DeviceError(
                f"backend: expected shard_map under {jax.process_count()} processes, got pmap"
            )
        if jax.process_index() not in {device.process_index for device in chosen}:
            raise DeviceError(
                f"devices: expected some of each of {jax.process_count()} processes, got "
                f"{len(chosen)} and none of process {jax.process_index()}"
            )
        self.backend: Backend = backend
        self.mesh = Mesh(chosen, (PLAYS,), axis_types=(AxisType.Auto,))

    @property
    def count(self) -> int:
        """Number of devices."""
        return self.mesh.size

    @property
    def replicated(self) -> NamedSharding:
        """Where values are that every device holds.

        A state that is committed there from the start spares the second epoch a compilation.
        """
        return NamedSharding(self.mesh, P())

    def own_shards(self, num_shards: int) -> slice:
        """Which of the shards live on devices of this process, and so need its examples.

        Raises:
            DeviceError: the device count does not divide the number of shards.
        """
        if num_shards % self.count:
            raise DeviceError(
                f"expected a device count that divides the {num_shards} virtual shards, "
                f"got {self.count}"
            )
        each = num_shards // self.count
        own = [d.process_index == jax.process_index() for d in self.mesh.devices.flat]
        first = own.index(True)
        return slice(first * each, (first + sum(own)) * each)

    def place(self, shards: Shards) -> Shards:
        """Divide shards evenly over the devices' memories, once.

        Args:
            shards: those that `own_shards` says are this process's.
        """
        if self.backend == "pmap":
            count = self.count
            shards = jax.tree.map(
                lambda leaf: leaf.reshape(count, leaf.shape[0] // count, *leaf.shape[1:]), shards
            )
        sharding = NamedSharding(self.mesh, P(PLAYS))
        own = len(self.mesh.local_devices)

        def whole(leaf: Any) -> Array:
            # Said outright: JAX cannot infer it where fewer of some process's devices are used.
            shape = (leaf.shape[0] // own * self.count, *leaf.shape[1:])
            return jax.make_array_from_process_local_data(sharding, np.asarray(leaf), shape)

        return jax.tree.map(whole, shards)

    def replicate(self, tree: Any) -> Any:
        """Give every device the same values, which are on this process's devices or the host."""
        return jax.device_put(tree, self.replicated)

    def epoch(
        self,
        loss_fn: LossFn,
        optimizer: optax.GradientTransformation,
        rows_per_step: int,
        accumulate: int = 1,
        *,
        joined: bool = False,
    ) -> EpochFn:
        """Compile `device_epoch` for all devices: ``(state, shards) -> (state, losses)``.

        The state's memory is used for the new one: do not touch the old one again.
        """
        body = partial(
            device_epoch, loss_fn, optimizer, rows_per_step, accumulate=accumulate, joined=joined
        )
        return self.map_over_plays(body, sharded_out=False, donate=True)

    def mean(
        self, score_fn: PredictFn, rows_per_step: int
    ) -> Callable[[Params, tuple[Shards, ...]], Float[Array, ""]]:
        """Compile `device_mean` for all devices: ``(params, shards) -> mean``."""
        body = partial(device_mean, score_fn, rows_per_step)
        return self.map_over_plays(body, sharded_out=False)

    def predict(
        self, predict_fn: PredictFn, rows_per_step: int
    ) -> Callable[[Params, tuple[Shards, ...]], tuple[Any, ...]]:
        """Compile `device_predict` for all devices: leaves (V, n, ...) for each bucket."""
        body = partial(device_predict, predict_fn, rows_per_step)
        mapped = self.map_over_plays(body, sharded_out=True)
        if self.backend == "shard_map":
            return mapped

        def unfold(params: Params, shards: tuple[Shards, ...]) -> tuple[Any, ...]:
            out = mapped(params, shards)
            return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), out)

        return unfold

    def map_over_plays(
        self, body: Callable[..., Any], *, sharded_out: bool, donate: bool = False
    ) -> Any:
        """Map a per-device function of (replicated, sharded) arguments over the devices.

        Args:
            body: may sum over the axis `PLAYS`.
            sharded_out: results belong to the device's shards; otherwise they are equal on all
                devices and come back once.
            donate: the first argument's memory may be used for the results.
        """
        donated = (0,) if donate else ()
        if self.backend == "pmap":
            return jax.pmap(
                body,
                axis_name=PLAYS,
                in_axes=(None, 0),
                out_axes=0 if sharded_out else None,
                devices=list(self.mesh.devices.flat),
                donate_argnums=donated,
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
        return jax.jit(mapped, donate_argnums=donated)
