"""The moving mean beside NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np

from sbp_jax.extremes.window import Window, push, window_mean


def means(x, enters, depth):
    """Mean before each value, of windows that start full of 0."""
    series = len(x)
    none = jnp.zeros(series, jnp.float32)
    start = Window(jnp.zeros((series, depth), jnp.float32), none.astype(jnp.int32), none, none)

    def step(window, value):
        return push(window, *value), window_mean(window)

    _, means = jax.lax.scan(step, start, (jnp.asarray(x.T), jnp.asarray(enters.T)))
    return np.asarray(means).T


def test_means_of_the_values_that_enter():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 200)).astype(np.float32)
    enters = rng.uniform(size=x.shape) < 0.8
    x[~enters & (x > 1)] = np.nan
    got = means(x, enters, depth=7)
    for row in range(3):
        for time in range(200):
            entered = x[row, :time][enters[row, :time]]
            want = np.mean(np.append(np.zeros(7), entered)[-7:])
            np.testing.assert_allclose(got[row, time], want, atol=1e-6)


def test_rounding_errors_of_large_values_leave_with_them():
    x = np.append(1e6 * np.random.default_rng(1).normal(size=500), 1e-3 * np.ones(40))
    got = means(x[None].astype(np.float32), np.ones((1, 540), bool), depth=16)
    np.testing.assert_allclose(got[0, -1], 1e-3, rtol=1e-5)
