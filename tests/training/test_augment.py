"""Augmentation reaches the training examples, by fresh keys, and no others."""

import jax
import jax.numpy as jnp
import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.loop import fit
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head


def test_examples_are_changed_in_training_alone(tmp_path, quick_compilation):
    rng = np.random.default_rng(0)
    rows = 256
    static = rng.normal(size=(rows, 1)).astype(np.float32)
    batch = Batch(
        np.zeros((rows, 1, 1), np.float32), np.ones((rows, 1), bool), static, 20 * static[:, 0]
    )
    forecaster = make_forecaster(
        NetworkConfig(layers=0, hidden=(8,), dropout=0), Gaussian(0.0, 10.0)
    )
    config = TrainConfig(
        epochs=3, batch_size=64, learning_rate=1e-2, warmup_steps=1, virtual_shards=8
    )
    devices = Devices()
    placed = [place_examples(batch, config, devices, shuffle=shuffle) for shuffle in (True, False)]

    def train(name, augment=None):
        head = Head(forecaster, "density_nll", augment)
        return fit(head, *placed, folder=tmp_path / name, progress=False).history

    def hide(key, batch):
        return batch._replace(static=jnp.zeros_like(batch.static))

    def flip(key, batch):
        sign = jax.random.rademacher(key, (batch.static.shape[0], 1), jnp.float32)
        return batch._replace(static=batch.static * sign, target=batch.target * sign[:, 0])

    plain, hidden, flipped = train("plain"), train("hidden", hide), train("flipped", flip)
    # Without the fact nothing can be told; a reflection keeps the relation that is learnt.
    assert hidden[-1]["train_loss"] > plain[-1]["train_loss"] + 0.05
    assert flipped[-1]["train_loss"] != plain[-1]["train_loss"]
    assert abs(flipped[-1]["train_loss"] - plain[-1]["train_loss"]) < 0.05
