"""Intervals that reach to infinity: their probability, and its gradient, are those of a far end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Gaussian, GaussianMixture, HybridPareto, StudentT

pytestmark = pytest.mark.usefixtures("quick_compilation")
FAMILIES = (Gaussian(), GaussianMixture(2), HybridPareto(2), StudentT())
Y = np.array([-1.7, 0.2, 2.8], np.float32)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: type(family).__name__)
def test_values_and_gradients_are_those_of_a_far_end(family):
    raw = np.random.default_rng(0).normal(size=(3, family.num_outputs)).astype(np.float32)

    @jax.jit
    def answer(raw, far):
        def total(raw):
            ends = jnp.full_like(Y, far)
            lo, hi = jnp.stack([ends, Y, ends]), jnp.stack([Y, -ends, -ends])
            return family.log_interval(family.constrain(raw), lo, hi).sum()

        return jax.value_and_grad(total)(raw)

    for infinite, finite in zip(answer(raw, -np.inf), answer(raw, -1e7), strict=True):
        np.testing.assert_allclose(infinite, finite, rtol=1e-3, atol=1e-5)
