"""What an epoch counts and draws, seen through losses that say it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sbp_jax.batch import Batch
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.state import init_state

pytestmark = pytest.mark.usefixtures("quick_compilation")


def losses_of(loss_fn, rows, *, batch_size, epochs=1):
    """Losses of the steps of some epochs, and the parameter w after plain gradient descent."""
    config = TrainConfig(batch_size=batch_size, virtual_shards=2)
    devices = Devices(jax.devices()[:1])
    target = np.arange(1, rows + 1, dtype=np.float32)
    batch = Batch(
        np.zeros((rows, 1, 1), np.float32),
        np.ones((rows, 1), bool),
        np.zeros((rows, 1), np.float32),
        target,
    )
    placed = place_examples(batch, config, devices, shuffle=True)
    optimizer = optax.sgd(1.0)
    state = devices.replicate(init_state({"w": jnp.float32(1.0)}, optimizer, seed=0))
    epoch = devices.epoch(loss_fn, optimizer, config.rows_per_step)
    found = []
    for _ in range(epochs):
        state, losses = epoch(state, placed.shards)
        found += np.asarray(losses).tolist()
    return found, float(state.params["w"])


def test_rows_that_fill_a_mini_batch_count_in_neither_loss_nor_gradient():
    """Five examples in a step of eight rows: the mean is that of the five."""
    losses, w = losses_of(lambda params, batch, _: params["w"] * batch.target, 5, batch_size=8)
    assert losses == pytest.approx([3.0])  # of 1, 2, 3, 4, 5
    assert w == pytest.approx(1.0 - 3.0)


def test_every_step_of_every_epoch_draws_anew():
    """Dropout and augmentation draw from the key that a step's loss is given."""

    def drawn(params, batch, key):
        return params["w"] * 0 + jax.random.uniform(key, batch.target.shape)

    losses, _ = losses_of(drawn, 16, batch_size=4, epochs=2)
    assert len(losses) == 8
    assert len({round(loss, 6) for loss in losses}) == 8
