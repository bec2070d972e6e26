"""SPMD epochs: the same gradients and losses on any number of devices, under either mapping."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.objective import make_objective
from sbp_jax.training.parallel import PLAYS, Devices, global_gradient
from sbp_jax.training.shards import deal, undeal
from sbp_jax.training.state import init_state, make_optimizer

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation")

SHARDS, ROWS = 8, 4
FORECASTER = make_forecaster(
    NetworkConfig(features=6, layers=2, hidden=(16,), encoder_dropout=0.1),
    SplicedBinnedPareto(np.arange(-5.5, 30), 0.01, "edge"),
)
OBJECTIVE = make_objective("base_plus_tail", FORECASTER.family)


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


def run(count, backend, *, epochs=1, optimizer=None):
    devices = Devices(some_devices(count), backend)
    optimizer = optimizer or make_optimizer(
        learning_rate=1e-3, weight_decay=1e-2, warmup_steps=5, total_steps=100
    )
    shards = devices.place(deal(examples(), num_shards=SHARDS, rows_per_step=ROWS, seed=1))
    state = devices.replicate(start(optimizer))
    epoch = devices.epoch(loss_fn, optimizer, ROWS)
    losses = []
    for _ in range(epochs):
        state, steps = epoch(state, shards)
        losses.append(np.asarray(steps))
    return state, np.concatenate(losses)


def gradient_on(count, backend):
    """Gradient of the first global batch as each mapping computes it."""
    devices = Devices(some_devices(count), backend)
    shards = devices.place(deal(examples(), num_shards=SHARDS, rows_per_step=ROWS, seed=1))
    state = devices.replicate(start(optax.sgd(1.0)))

    def body(state, shards):
        rows = jnp.broadcast_to(jnp.arange(ROWS)[None], (shards.index.shape[0], ROWS))
        return global_gradient(loss_fn, state, shards, rows)

    return devices.map_over_plays(body, sharded_out=False)(state, shards)


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
@pytest.mark.parametrize("count", [2, 8])
def test_gradients_do_not_depend_on_the_device_count(count, backend):
    expected, expected_loss = gradient_on(1, "shard_map")
    found, loss = gradient_on(count, backend)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    scale = float(optax.tree.norm(jax.device_get(expected)))
    error = jax.tree.map(lambda a, b: a - b, jax.device_get(found), jax.device_get(expected))
    assert float(optax.tree.norm(error)) < 1e-5 * scale


@pytest.mark.slow
def test_gradient_is_that_of_the_weighted_mean_over_the_global_batch():
    """Against plain autodiff over all rows at once, fillers left out, without any mapping."""
    batch = examples(61)  # shards of unequal size
    dealt = deal(batch, num_shards=SHARDS, rows_per_step=ROWS, seed=None)
    devices = Devices(some_devices(1))
    plain = make_forecaster(
        NetworkConfig(features=6, layers=2, hidden=(16,), dropout=0.0), FORECASTER.family
    )

    def plain_loss(params, batch, key):
        return OBJECTIVE(plain.predict(params, batch), batch.target)

    state = devices.replicate(start(optax.sgd(1.0)))

    def body(state, shards):
        rows = jnp.broadcast_to(jnp.arange(ROWS, 2 * ROWS)[None], (SHARDS, ROWS))
        return global_gradient(plain_loss, state, shards, rows)

    found, loss = devices.map_over_plays(body, sharded_out=False)(state, devices.place(dealt))
    # Dealing in order puts row r of the batch at place r // SHARDS of shard r mod SHARDS.
    chosen = [r for r in range(61) if ROWS <= r // SHARDS < 2 * ROWS]
    part = Batch(*(leaf[np.array(chosen)] for leaf in batch))
    expected_loss, expected = jax.value_and_grad(
        lambda params: jnp.mean(plain_loss(params, part, None))
    )(jax.device_get(state.params))
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    chex.assert_trees_all_close(jax.device_get(found), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
def test_first_twenty_losses_do_not_depend_on_the_device_count(backend):
    _, one = run(1, backend)
    _, eight = run(8, backend)
    assert len(one) >= 20
    np.testing.assert_allclose(eight[:20], one[:20], rtol=1e-4)


def test_an_epoch_lowers_the_loss_and_visits_every_example_once():
    state, losses = run(1, "shard_map", epochs=4)
    per_epoch = len(losses) // 4
    assert losses[-per_epoch:].mean() < losses[:per_epoch].mean()
    assert int(state.step) == len(losses) == 4 * 1024 // (SHARDS * ROWS)

    # A loss that is 1 on one example only must be seen exactly once in an epoch.
    batch = examples(50)
    marked = batch._replace(target=np.arange(50, dtype=np.float32))
    devices = Devices(some_devices(1))
    shards = devices.place(deal(marked, num_shards=SHARDS, rows_per_step=ROWS, seed=1))

    def indicator(params, batch, key):
        return jnp.where(batch.target == 17, 1.0, 0.0) + 0 * jnp.sum(params["raw"]["bias"])

    epoch = devices.epoch(indicator, optax.sgd(0.0), ROWS)
    _, seen = epoch(devices.replicate(start(optax.sgd(0.0))), shards)
    assert np.count_nonzero(np.asarray(seen)) == 1


def test_epochs_compile_once():
    chex.clear_trace_counter()
    devices = Devices(some_devices(2))
    optimizer = optax.sgd(0.01)

    @chex.assert_max_traces(n=1)
    def counted(params, batch, key):
        return loss_fn(params, batch, key)

    shards = devices.place(deal(examples(), num_shards=SHARDS, rows_per_step=ROWS, seed=1))
    state = devices.replicate(start(optimizer))
    epoch = devices.epoch(counted, optimizer, ROWS)
    for _ in range(3):
        state, _ = epoch(state, shards)


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("rows", [1, 57, 256])
def test_predictions_come_back_in_order(count, backend, rows):
    batch = examples(rows)._replace(target=np.arange(rows, dtype=np.float32))
    devices = Devices(some_devices(count), backend)
    shards = devices.place(deal(batch, num_shards=SHARDS, rows_per_step=ROWS, seed=None))

    def twice(params, batch):
        return params * batch.target, batch.static

    doubled, static = devices.predict(twice, ROWS)(jnp.float32(2), shards)
    weight = np.asarray(shards.weight)
    np.testing.assert_array_equal(undeal(np.asarray(doubled), weight), 2 * batch.target)
    np.testing.assert_array_equal(undeal(np.asarray(static), weight), batch.static)


def test_device_count_must_divide_the_shards():
    devices = Devices(some_devices(3))
    with pytest.raises(ValueError, match="divides the 8 shards, got 3"):
        devices.place(deal(examples(), num_shards=SHARDS, rows_per_step=ROWS, seed=1))


def test_axis_name_is_the_contract():
    assert PLAYS == "plays"
    assert Devices(some_devices(1)).mesh.axis_names == ("plays",)
