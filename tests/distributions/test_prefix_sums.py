import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions.bins import prefix_sums


@pytest.mark.parametrize("count", [1, 128, 129, 300])  # from 129 on, in blocks
def test_sums_are_the_running_ones_in_one_block_and_in_many(count):
    probs = np.random.default_rng(0).dirichlet(np.ones(count), size=2)
    found = prefix_sums(jnp.asarray(probs, jnp.float32))
    np.testing.assert_allclose(found, np.cumsum(probs, axis=-1), atol=1e-6)
