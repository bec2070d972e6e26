"""Lambert's function against SciPy."""

import jax
import numpy as np
import pytest
import scipy.special

from sbp_jax.distributions.lambert_w import lambert_w


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_slopes(dtype):
    with jax.enable_x64(dtype == np.float64):
        x = np.concatenate([[1e-37], 10.0 ** np.linspace(-20, 37, 500)]).astype(dtype)
        want = scipy.special.lambertw(x.astype(np.float64)).real
        np.testing.assert_allclose(lambert_w(x), want, rtol=2 * np.finfo(dtype).eps)
        slope = jax.vmap(jax.grad(lambert_w))(x)
        np.testing.assert_allclose(
            slope, np.exp(-want) / (1 + want), rtol=1e2 * np.finfo(dtype).eps
        )


def test_ends():
    np.testing.assert_array_equal(lambert_w(np.array([0.0, np.inf])), [0, np.inf])
    assert np.all(np.isnan(lambert_w(np.array([-0.1, np.nan]))))
    assert float(jax.grad(lambert_w)(0.0)) == 1
    # W = x - x^2 + ..., so W'' = -2 at 0.
    assert float(jax.grad(jax.grad(lambert_w))(0.0)) == pytest.approx(-2)
