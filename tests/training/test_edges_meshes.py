"""Training within a mesh that a user has set, which is none of its business."""

import jax
import numpy as np
import pytest

import sbp_jax
from sbp_jax.distributions import Gaussian
from sbp_jax.training.own_mesh import without_mesh


@pytest.fixture
def mesh():
    if jax.device_count() < 2:
        pytest.skip("needs 2 devices, simulated ones will do")
    return jax.make_mesh((2,), ("b",))


def test_a_mesh_is_left_and_comes_back(mesh):
    with jax.set_mesh(mesh):
        with without_mesh():
            assert jax.sharding.get_abstract_mesh().empty
        assert jax.sharding.get_abstract_mesh().axis_names == ("b",)


@pytest.mark.slow
def test_a_model_is_fitted_and_asked_within_a_mesh(mesh):
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)

    def answers():
        law = sbp_jax.fit(x, x[:, 0], epochs=1, members=2, family=Gaussian())(x)
        return law.median, law.crps(x[:, 0]), law[3:5].params

    with jax.set_mesh(mesh):
        found = answers()
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(answers()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
