"""The network evaluated for the last frame alone, beside every frame of which the last is taken.

Both have the perceptron at the last frame only, as a PyTorch user would write it, and both differ
in nothing but the encoder's reading.
"""

import time
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.models.play_model import PlayModel
from sbp_jax.models.tcn import TCN, Readout
from sbp_jax.training.objective import make_objective
from sbp_jax.training.state import Params
from scripts.benchmarks.plays import COLUMNS, STATICS
from scripts.benchmarks.run import BATCH, FAMILY, NETWORK, OBJECTIVE

READOUT_FRAMES: Final = 48


def draw_batch(frames: int) -> Batch:
    """Plays that all have that many frames, of noise: their values cost nothing."""
    rng = np.random.default_rng(0)
    return Batch(
        jnp.asarray(rng.standard_normal((BATCH, frames, COLUMNS), np.float32), jnp.float16),
        jnp.ones((BATCH, frames), bool),
        jnp.asarray(rng.standard_normal((BATCH, STATICS), np.float32)),
        jnp.asarray(rng.integers(-5, 40, BATCH).astype(np.float32)),
    )


class Network(NamedTuple):
    """Encoder and perceptron, kept apart so that only the encoder's reading differs."""

    encoder: TCN
    head: PlayModel

    def init(self, key: jax.Array, batch: Batch) -> Params:
        """Fresh parameters of both."""
        state = jnp.zeros((len(batch.target), self.encoder.features))
        return {
            "encoder": self.encoder.init(key, batch.sequence, batch.mask),
            "head": self.head.init(key, self._joined(state, batch)),
        }

    def loss(self, params: Params, batch: Batch, *, readout: Readout) -> Float[Array, ""]:
        """Mean over a batch in which every play fills all frames, with dropout."""
        keys = {"dropout": jax.random.key(1)}
        read: Any = self.encoder.apply(
            params["encoder"], batch.sequence, batch.mask, readout=readout, train=True, rngs=keys
        )
        joined = self._joined(read if readout == "last" else read[:, -1], batch)
        raw: Any = self.head.apply(params["head"], joined, train=True, rngs=keys)
        return jnp.mean(make_objective(OBJECTIVE, FAMILY, 1.0)(FAMILY.constrain(raw), batch.target))

    @staticmethod
    def _joined(state: Float[Array, "B D"], batch: Batch) -> Batch:
        return batch._replace(static=jnp.concatenate([state, batch.static], axis=1))


def readout_milliseconds(repeats: int = 15) -> dict[Readout, float]:
    """Median milliseconds of the gradient for a batch, the readings in turns."""
    network = Network(
        TCN(NETWORK.features, NETWORK.layers, dropout=NETWORK.encoder_dropout),
        PlayModel(FAMILY.num_outputs, layers=0, hidden=NETWORK.hidden),
    )
    batch = draw_batch(READOUT_FRAMES)
    params = network.init(jax.random.key(0), batch)
    seconds: dict[Readout, list[float]] = {"all": [], "last": []}
    gradients = {
        readout: jax.jit(jax.grad(partial(network.loss, readout=readout))) for readout in seconds
    }
    for _ in range(1 + repeats):  # the first compiles
        for readout, gradient in gradients.items():
            start = time.perf_counter()
            jax.block_until_ready(gradient(params, batch))
            seconds[readout].append(time.perf_counter() - start)
    return {readout: 1e3 * float(np.median(times[1:])) for readout, times in seconds.items()}
