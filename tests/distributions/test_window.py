"""The mean density in a window about y, against the density itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Mixture, Moved, SplicedBinnedPareto

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

EDGES = (-4.0, -1.0, -0.25, 0.25, 1.0, 4.0)
MIXTURE = Mixture(Moved(SplicedBinnedPareto(EDGES, 0.1, shape_range=(0.0, 0.5))), 2)
WIDTH = 0.625  # of the middle bin and the one before it, on average


@pytest.fixture(scope="module")
def params():
    raw = np.random.default_rng(0).normal(size=MIXTURE.num_outputs).astype(np.float32)
    return MIXTURE.constrain(jnp.asarray(raw))


@jax.jit
def log_window(params, y):
    return MIXTURE.log_window(params, y)


def test_it_is_the_mean_density_over_each_components_own_window(params):
    y = np.linspace(-8, 8, 33)
    steps = (np.arange(4000) + 0.5) / 4000 - 0.5
    weights = np.asarray(jax.nn.softmax(params.logits))
    expected = 0.0
    for i, weight in enumerate(weights):
        base = jax.tree.map(lambda leaf, i=i: leaf[i], params.base)
        window = y[:, None] + WIDTH * float(base.scale) * steps
        density = np.exp(np.asarray(MIXTURE.base.log_prob(base, window), np.float64))
        expected += weight * density.mean(axis=1)
    np.testing.assert_allclose(np.exp(log_window(params, y)), expected, rtol=2e-3)


@pytest.mark.parametrize("y", [1e5, -1e7, 1e10, -1e30, 1e38])
def test_far_out_it_is_the_density(params, y):
    """Where rounding would leave nothing of the window: its loss was infinite, and no fit ended."""
    value, gradient = jax.value_and_grad(log_window)(params, y)
    np.testing.assert_allclose(value, MIXTURE.log_prob(params, y), rtol=1e-4)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
