"""A forecaster answers laws: its family with what it predicts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian, Law
from sbp_jax.models.forecaster import Forecaster


class Linear(NamedTuple):
    """As plain as a network may be."""

    outputs: int

    def init(self, key, example):
        return jax.random.normal(key, (example.static.shape[1], self.outputs))

    def apply(self, params, batch):
        return batch.static @ params


def test_a_law_is_the_family_with_its_parameters():
    static = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    batch = Batch(np.zeros((3, 1, 1)), np.ones((3, 1), bool), static, np.zeros(3, np.float32))
    forecaster = Forecaster(Linear(2), Gaussian(center=5.0))
    params = forecaster.init(jax.random.key(0), batch)
    law = jax.jit(forecaster.law)(params, batch)
    assert isinstance(law, Law)
    assert law.shape == (3,)
    np.testing.assert_allclose(law.median, 5 + jnp.asarray(static) @ params[:, 0], rtol=1e-5)
