"""Ends of bins, by arithmetic or looked up, against the table of edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions.bin_grid import ends, once

GRIDS = {
    "exact": np.arange(-15.5, 100),
    "exact, of halves": np.arange(7) / 2 - 1,
    "rounded": np.linspace(0, 1, 11),
    "rounded far out": 2.0**24 + 2 * np.arange(5) * np.array([1, 1, 1, 1, 1.5]),
    "uneven": np.array([-3.0, 0.1, 0.2, 7.0]),
}


@pytest.mark.parametrize("name", GRIDS)
def test_ends_are_the_edges_bit_for_bit(name):
    edges = tuple(GRIDS[name].tolist())
    table = np.asarray(edges, np.float32)
    index = jnp.arange(len(edges) - 1)
    left, right = jax.jit(ends, static_argnums=0)(edges, index, jnp.zeros(index.shape))
    np.testing.assert_array_equal(left, table[:-1])
    np.testing.assert_array_equal(right, table[1:])


@pytest.mark.parametrize("x", [np.arange(-3, 300), np.array([0.1, -1e30, np.inf], np.float32)])
def test_once_is_the_number_itself(x):
    found = jax.jit(once)(x, jnp.zeros(x.shape))
    assert found.dtype == jnp.asarray(x).dtype
    np.testing.assert_array_equal(found, x)
