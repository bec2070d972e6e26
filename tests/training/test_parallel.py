"""SPMD epochs: the same gradients and losses on any number of devices, under either mapping."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.objective import make_objective
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.parallel import PLAYS, Devices, mean_over, summed_gradient
from sbp_jax.training.placing import in_order, place_examples
from sbp_jax.training.shards import deal, deal_rows
from sbp_jax.training.state import init_state

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation")

SHARDS, ROWS = 8, 4
FORECASTER = make_forecaster(
    # Quick to compile; networks and families are tested by themselves.
    NetworkConfig(features=4, layers=1, hidden=(8,), encoder_dropout=0.1),
    Gaussian(5.0, 8.0),
)
OBJECTIVE = make_objective("density_nll", FORECASTER.family)


def examples(rows=1000, steps=9, seed=0):
    rng = np.random.default_rng(seed)
    return Batch(
        rng.normal(size=(rows, steps, 3)).astype(np.float16),
        np.arange(steps)[None] < rng.integers(0, steps + 1, rows)[:, None],
        rng.normal(size=(rows, 4)).astype(np.float32),
        rng.integers(-3, 28, rows).astype(np.float32),
    )


def loss_fn(params, batch, key):
    return OBJECTIVE(
        FORECASTER.family.constrain(FORECASTER.apply_train(params, batch, key)), batch.target
    )


def some_devices(count):
    if jax.device_count() < count:
        pytest.skip(f"needs {count} devices; XLA_FLAGS was set to fewer before the tests began")
    return jax.devices()[:count]


def start(optimizer, seed=3):
    return init_state(FORECASTER.init(jax.random.key(seed), examples(2)), optimizer, seed)


def settings(**changes):
    return TrainConfig(batch_size=SHARDS * ROWS, virtual_shards=SHARDS, **changes)


def place(batch, devices, *, shuffle=True, **changes):
    return place_examples(batch, settings(**changes), devices, shuffle=shuffle)


def run(count, backend, *, epochs=1, optimizer=None, loss=loss_fn, **changes):
    devices = Devices(some_devices(count), backend)
    optimizer = optimizer or make_optimizer(
        OptimizerConfig(learning_rate=1e-3, weight_decay=1e-2, warmup_steps=5), total_steps=100
    )
    placed = place(examples(), devices, **changes)
    state = devices.replicate(start(optimizer))
    epoch = devices.epoch(loss, optimizer, ROWS, settings(**changes).accumulate)
    losses = []
    for _ in range(epochs):
        state, steps = epoch(state, placed.shards)
        losses.append(np.asarray(steps))
    return state, np.concatenate(losses)


@functools.cache
def gradient_on(count, backend, *, loss=loss_fn, accumulate=1):
    """Gradient of the first global batch as each mapping computes it."""
    devices = Devices(some_devices(count), backend)
    (shards,) = place(examples(), devices).shards
    state = devices.replicate(start(optax.sgd(1.0)))

    def body(state, shards):
        rows = jnp.broadcast_to(jnp.arange(ROWS)[None], (shards.index.shape[0], ROWS))
        return mean_over(PLAYS, summed_gradient(loss, state, shards, rows, accumulate))

    return jax.device_get(devices.map_over_plays(body, sharded_out=False)(state, shards))


def assert_close_in_norm(found, expected, tolerance):
    error = jax.tree.map(lambda a, b: a - b, found, expected)
    assert float(optax.tree.norm(error)) < tolerance * float(optax.tree.norm(expected))


@pytest.mark.parametrize(
    ("count", "backend"),
    [
        (2, "shard_map"),
        (8, "pmap"),
        pytest.param(2, "pmap", marks=pytest.mark.slow),
        pytest.param(8, "shard_map", marks=pytest.mark.slow),
    ],
)
def test_gradients_do_not_depend_on_the_device_count(count, backend):
    expected, expected_loss = gradient_on(1, "shard_map")
    found, loss = gradient_on(count, backend)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    assert_close_in_norm(found, expected, 1e-5)


def plain_loss(params, batch, key):
    """Without dropout."""
    return OBJECTIVE(FORECASTER.predict(params, batch), batch.target)


def test_accumulated_gradients_are_those_of_the_whole_mini_batch():
    expected, expected_loss = gradient_on(1, "shard_map", loss=plain_loss)
    found, loss = gradient_on(1, "shard_map", loss=plain_loss, accumulate=ROWS)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    assert_close_in_norm(found, expected, 1e-5)


def test_parts_of_a_mini_batch_drop_different_units():
    """A part whose rows are those of another must not get its dropout too."""
    devices = Devices(some_devices(1))
    (shards,) = place(examples(), devices).shards
    state = devices.replicate(start(optax.sgd(1.0)))
    same = jnp.zeros((SHARDS, 2), jnp.int32)  # both parts hold the same row

    def losses(params, batch, key):
        return jax.random.uniform(key, batch.target.shape) + 0 * jnp.sum(params["raw"]["bias"])

    halves = summed_gradient(losses, state, shards, same, 2).loss
    one = summed_gradient(losses, state, shards, same[:, :1], 1).loss
    assert abs(float(halves) - 2 * float(one)) > 1e-3


def test_low_precision_gradients_are_near_and_stay_float32():
    expected, expected_loss = gradient_on(1, "shard_map", loss=plain_loss)
    low = FORECASTER.computing_in("bfloat16")

    def low_loss(params, batch, key):
        return OBJECTIVE(low.predict(params, batch), batch.target)

    found, loss = gradient_on(1, "shard_map", loss=low_loss)
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {np.dtype("float32")}
    # bfloat16 has 8 bits: near, but not the float32 program again.
    assert 1e-7 < abs(loss - expected_loss) / expected_loss < 2e-2
    assert_close_in_norm(found, expected, 0.1)


@pytest.mark.slow
def test_gradient_is_that_of_the_weighted_mean_over_the_global_batch():
    """Against plain autodiff over all rows at once, fillers left out, without any mapping."""
    batch = examples(61)  # shards of unequal size
    rows = deal_rows(np.arange(61), num_shards=SHARDS, rows_per_step=ROWS, seed=None)
    dealt = deal(batch, rows)
    devices = Devices(some_devices(1))
    plain = make_forecaster(
        NetworkConfig(features=4, layers=1, hidden=(8,), dropout=0.0), FORECASTER.family
    )

    def plain_loss(params, batch, key):
        return OBJECTIVE(plain.predict(params, batch), batch.target)

    state = devices.replicate(start(optax.sgd(1.0)))

    def body(state, shards):
        rows = jnp.broadcast_to(jnp.arange(ROWS, 2 * ROWS)[None], (SHARDS, ROWS))
        return mean_over(PLAYS, summed_gradient(plain_loss, state, shards, rows))

    found, loss = devices.map_over_plays(body, sharded_out=False)(state, devices.place(dealt))
    # Dealing in order puts row r of the batch at place r // SHARDS of shard r mod SHARDS.
    chosen = [r for r in range(61) if ROWS <= r // SHARDS < 2 * ROWS]
    part = Batch(*(leaf[np.array(chosen)] for leaf in batch))
    expected_loss, expected = jax.value_and_grad(
        lambda params: jnp.mean(plain_loss(params, part, None))
    )(jax.device_get(state.params))
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    chex.assert_trees_all_close(jax.device_get(found), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("backend", ["pmap", pytest.param("shard_map", marks=pytest.mark.slow)])
def test_first_twenty_losses_do_not_depend_on_the_device_count(backend):
    _, one = run(1, "shard_map", length_buckets=2)
    _, eight = run(8, backend, length_buckets=2)
    assert len(one) >= 20
    np.testing.assert_allclose(eight[:20], one[:20], rtol=1e-4)


def test_an_epoch_lowers_the_loss():
    state, losses = run(1, "shard_map", epochs=4)
    per_epoch = len(losses) // 4
    assert losses[-per_epoch:].mean() < losses[:per_epoch].mean()
    assert int(state.step) == len(losses) == 4 * 1024 // (SHARDS * ROWS)


@pytest.mark.parametrize("buckets", [1, 3])
def test_an_epoch_visits_every_example_once(buckets):
    """A loss that is 1 on one example only must be seen exactly once in an epoch."""
    batch = examples(50)
    marked = batch._replace(target=np.arange(50, dtype=np.float32))
    devices = Devices(some_devices(1))
    placed = place(marked, devices, length_buckets=buckets)

    def indicator(params, batch, key):
        return jnp.where(batch.target == 17, 1.0, 0.0) + 0 * jnp.sum(params["raw"]["bias"])

    epoch = devices.epoch(indicator, optax.sgd(0.0), ROWS)
    _, seen = epoch(devices.replicate(start(optax.sgd(0.0))), placed.shards)
    assert np.count_nonzero(np.asarray(seen)) == 1


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
def test_an_epoch_is_compiled_once_and_touches_no_host_memory(backend):
    traces = []

    def counted(params, batch, key):
        traces.append(batch.sequence.shape)
        return loss_fn(params, batch, key)

    devices = Devices(some_devices(2), backend)
    optimizer = optax.sgd(0.01)
    shards = place(examples(), devices, length_buckets=2).shards
    state = devices.replicate(start(optimizer))
    epoch = devices.epoch(counted, optimizer, ROWS)
    state, _ = epoch(state, shards)
    assert len(set(traces)) == 2  # one for each length
    seen = len(traces)
    given = state
    with jax.transfer_guard("disallow"):
        for _ in range(2):
            state, losses = epoch(state, shards)
        jax.block_until_ready(losses)
    assert len(traces) == seen
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(given.params))  # donated


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("rows", [1, 57, 256])
def test_predictions_come_back_in_order(count, backend, rows):
    batch = examples(rows)._replace(target=np.arange(rows, dtype=np.float32))
    devices = Devices(some_devices(count), backend)
    placed = place(batch, devices, shuffle=False, length_buckets=2)

    def twice(params, batch):
        return params * batch.target, batch.static

    doubled, static = in_order(devices.predict(twice, ROWS)(jnp.float32(2), placed.shards), placed)
    np.testing.assert_array_equal(doubled, 2 * batch.target)
    np.testing.assert_array_equal(static, batch.static)


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
def test_a_mean_leaves_fillers_out_even_where_they_are_infinite(backend):
    batch = examples(57)
    devices = Devices(some_devices(4), backend)
    placed = place(batch, devices, length_buckets=2)
    filler = [
        shards._replace(
            batch=shards.batch._replace(
                target=jnp.where(shards.weight > 0, shards.batch.target, jnp.inf)
            )
        )
        for shards in placed.shards
    ]
    mean = devices.mean(lambda params, batch: params * batch.target, ROWS)
    found = mean(jnp.float32(3), tuple(filler))
    np.testing.assert_allclose(found, 3 * batch.target.mean(), rtol=1e-5)
