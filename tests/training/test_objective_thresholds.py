import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.training.objective import make_objective


@pytest.mark.usefixtures("quick_compilation")
def test_bins_learn_from_the_classification_alone_whatever_lies_beyond_the_thresholds():
    family = SplicedBinnedPareto(np.arange(-2.0, 4.0), tail_mass=0.1, splice="quantile")
    raw = jnp.linspace(-1.0, 1.0, family.num_outputs)
    objective = make_objective("base_plus_tail", family, 1.0)

    def loss(logits, y):
        return objective(family.constrain(raw.at[:5].set(logits)), y)

    observed = jnp.array([-9.0, 0.5, 9.0])  # in the lower tail, in a bin, in the upper tail
    found = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(raw[:5], observed)
    expected = jax.nn.softmax(raw[:5])[None] - jnp.eye(5)[jnp.array([0, 2, 4])]
    np.testing.assert_allclose(found, expected, atol=1e-6)
