"""The product of the convolutions beside the operator, and derivatives of a network both ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.product import product

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.parametrize("derivative", [jax.grad, jax.jacfwd, jax.hessian])
def test_derivatives_are_those_of_the_operator(derivative):
    draw = np.random.default_rng(0).normal
    x, kernel = draw(size=(2, 3, 4)).astype(np.float32), draw(size=(4, 5)).astype(np.float32)

    def total(multiply):
        return lambda kernel, x: jnp.sum(jnp.sin(multiply(x, kernel)))

    for argument in (0, 1):
        found, expected = (
            jax.jit(derivative(total(each), argument))(kernel, x) for each in (product, jnp.matmul)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_network_has_forward_derivatives():
    forecaster = make_forecaster(NetworkConfig(features=2, layers=2, hidden=(3,)), Gaussian())
    batch = Batch(
        np.ones((2, 5, 3), np.float32), np.ones((2, 5), bool), np.ones((2, 1), np.float32), None
    )
    params = forecaster.init(jax.random.key(0), batch._replace(target=np.ones(2, np.float32)))

    def loss(scale):
        moved = jax.tree.map(lambda leaf: scale * leaf, params)
        return jnp.sum(forecaster.predict(moved, batch).loc ** 2)

    forward, reverse = jax.jit(jax.jacfwd(loss))(1.0), jax.jit(jax.grad(loss))(1.0)
    np.testing.assert_allclose(forward, reverse, rtol=1e-5)
    assert np.isfinite(jax.jit(jax.hessian(loss))(1.0))


def test_kernels_of_mapped_shards_have_one_product():
    """Sums over shards come of the product itself: no gradient of each shard is written out."""
    x = jnp.ones((16, 8, 3))

    def loss(kernel):
        return jnp.sum(jax.vmap(product, (0, None))(x, kernel) ** 2)

    program = jax.jit(jax.grad(loss)).lower(jnp.ones((3, 2))).compile().as_text()
    assert "f32[16,3,2]" not in program
    assert "f32[16,2,3]" not in program
