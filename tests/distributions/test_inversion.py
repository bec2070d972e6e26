"""The search for quantiles, on distributions whose inverse is known."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions.inversion import invert

LEVELS = np.array([1e-30, 1e-12, 1e-4, 0.1, 0.3, 0.5, 0.7, 0.99, 1 - 2.0**-20])


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def t2_log_cdf(y):
    """Student's t with 2 degrees of freedom, F = (1 + y / sqrt(2 + y^2)) / 2: tails 1 / y^2."""
    side = jnp.sqrt(2 + y * y)
    low = jnp.where(y < 0, y, -1.0)
    below = -jnp.log(jnp.where(y < 0, side, 1.0)) - jnp.log(jnp.where(y < 0, side, 2.0) - low)
    return jnp.where(y < 0, below, jnp.log1p(jnp.where(y < 0, 0.0, y / side)) - math.log(2))


def t2_quantile(q):
    small = np.minimum(q, 1 - q)
    return np.sign(q - 0.5) * (1 - 2 * small) / np.sqrt(2 * small * (1 - small))


def logistic(y, loc, scale):
    return jax.nn.log_sigmoid((y - loc) / scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (-300.0, 500.0), (5.0, 5.1), (-0.1, 1e5)])
def test_inverts_from_any_guess(dtype, low, high):
    q = LEVELS.astype(dtype)
    exact = q.astype(float)
    guess = jnp.full_like(q, low), jnp.full_like(q, high)
    search = jax.jit(invert, static_argnums=(0, 1))
    sign = jax.nn.log_sigmoid
    # Rounding of log F and of the guess, in units of the last place.
    error = 20 * np.finfo(dtype).eps
    found = search(sign, lambda y: sign(-y), q, 1 - q, *guess)
    rounding = error * max(1.0, abs(low + high) / 2)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.log(exact / (1 - exact)), rtol=error, atol=rounding)
    found = search(t2_log_cdf, lambda y: t2_log_cdf(-y), q, 1 - q, *guess)
    np.testing.assert_allclose(found, t2_quantile(exact), rtol=2 * error, atol=2 * rounding)


def test_reaches_the_largest_numbers():
    # F = 1 - (1 + y)^-0.1, y > 0: at complement 1e-30 the answer is 1e300.
    def log_sf(y):
        return -0.1 * jnp.log1p(jnp.maximum(y, 0.0))

    complement = jnp.array([1e-3, 1e-30])
    one = jnp.ones(2)
    found = invert(lambda y: jnp.log(-jnp.expm1(log_sf(y))), log_sf, one, complement, -one, one)
    np.testing.assert_allclose(found, [1e30, 1e300], rtol=1e-12)


def test_derivatives_are_implicit():
    q, one = jnp.array([0.1, 0.5, 0.9]), jnp.ones(3)

    def quantile(q, loc, scale):
        return invert(
            lambda y: logistic(y, loc, scale), lambda y: logistic(-y, -loc, scale),
            q, 1 - q, loc - scale * one, loc + scale * one,
        )  # fmt: skip

    def closed(q, loc, scale):
        return loc + scale * jnp.log(q / (1 - q))

    at = q, jnp.float64(1.5), jnp.float64(2.5)
    for derivative in (jax.jacfwd, jax.jacrev):
        got = jax.jit(derivative(quantile, (0, 1, 2)))(*at)
        for found, expected in zip(got, jax.jacfwd(closed, (0, 1, 2))(*at), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)
    second = jax.jit(jax.grad(lambda q: jax.grad(lambda q: quantile(q, *at[1:])[0])(q)[0]))(q)
    np.testing.assert_allclose(second[0], 2.5 * (1 / 0.9**2 - 1 / 0.1**2), rtol=1e-12)
    mapped = jax.jit(jax.vmap(jax.grad(lambda q, s: quantile(q * one, 0.0, s)[0], 1)))(q, q)
    np.testing.assert_allclose(mapped, np.log(q / (1 - q)), rtol=1e-13, atol=1e-15)


def test_answers_do_not_depend_on_neighbours():
    q = jnp.asarray(LEVELS)
    one = jnp.ones_like(q)
    together = invert(t2_log_cdf, lambda y: t2_log_cdf(-y), q, 1 - q, -one, one)
    one = one[:1]
    for k in (0, 4, 8):
        alone = invert(
            t2_log_cdf, lambda y: t2_log_cdf(-y), q[k : k + 1], 1 - q[k : k + 1], -one, one
        )
        np.testing.assert_array_equal(alone, together[k : k + 1])


def test_steep_step_between_flat_parts():
    # A plateau at 1/2 between two steep rises; the levels next to it lie on the rises.
    def log_cdf(y):
        far = jax.scipy.special.logsumexp(
            jnp.stack([jax.scipy.stats.norm.logcdf(y, loc, 1e-3) for loc in (-1e3, 1e3)]), axis=0
        )
        return far - math.log(2)

    q, one = jnp.array([0.25, 0.499, 0.501, 0.75]), 2e3 * jnp.ones(4)
    found = invert(log_cdf, lambda y: log_cdf(-y), q, 1 - q, -one, one)
    ends = scipy.stats.norm.ppf([0.5, 0.998, 0.002, 0.5], [-1e3, -1e3, 1e3, 1e3], 1e-3)
    np.testing.assert_allclose(found, ends, atol=1e-11)
