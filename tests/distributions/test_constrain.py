"""From raw network outputs to parameters, for every family."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16])
def test_constrain_is_total(case, dtype):
    random = np.random.default_rng(0).normal(size=(4, case.family.num_outputs)).clip(-3, 3)

    @jax.jit
    def at_a_quantile(raw):
        params = case.family.constrain(raw)
        return params, case.family.log_prob(params, case.family.quantile(params, 0.3))

    for scale in (0.0, 1.0, 1e3, 1e30):
        params, log_prob = at_a_quantile(jnp.asarray(scale * random, dtype))
        leaves = jax.tree.leaves(params)
        assert all(leaf.shape[0] == 4 for leaf in leaves)
        assert all(leaf.dtype == np.float32 for leaf in leaves)
        assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
        assert np.all(np.isfinite(log_prob))


def test_raw_of_wrong_length_is_refused(case):
    n = case.family.num_outputs
    message = rf"raw: expected last dimension {n}, got shape \(2, {n + 1}\)"
    with pytest.raises(ValueError, match=message):
        case.family.constrain(jnp.zeros((2, n + 1)))


def test_raw_zeros_are_sensible(case):
    # The middle half is neither a point nor unbounded; between the edges where there are some.
    params = case.family.constrain(jnp.zeros(case.family.num_outputs))
    low, high = case.family.quantile(params, np.array([0.25, 0.75]))
    edges = getattr(case.family, "edges", (-100.0, 100.0))
    assert edges[0] < low < high - 0.1 < high < edges[-1]
