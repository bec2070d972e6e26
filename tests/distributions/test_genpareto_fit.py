"""Fits of the generalized Pareto distribution against SciPy, formulas and known parameters."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.genpareto_fit import grimshaw

FIT = jax.jit(grimshaw)  # compiled once for each shape of sample
LENGTH = 60


def draw(shape, scale, size, seed=0):
    rng = np.random.default_rng(seed)
    return scipy.stats.genpareto.rvs(shape, scale=scale, size=size, random_state=rng)


def padded(x, dtype=np.float64):
    """The sample among NaN, and its mask."""
    where = np.zeros(LENGTH, bool)
    where[np.random.default_rng(len(x)).permutation(LENGTH)[: len(x)]] = True
    full = np.full(LENGTH, np.nan, dtype)
    full[where] = x
    return full, where


def likelihood(x, shape, scale):
    return np.mean(scipy.stats.genpareto.logpdf(x, shape, scale=scale))


def scipy_likelihood(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        starts = [scipy.stats.genpareto.fit(x, start, floc=0) for start in (-0.2, 0.1, 1.0)]
    return max((likelihood(x, a, b), a) for a, _, b in starts)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2, 0.8, 2.0, 4.0])
def test_likelihood_is_as_high_as_scipy_finds(shape):
    with jax.enable_x64(True):
        for size, seed in ((7, 0), (20, 1), (60, 2), (60, 3)):
            x = draw(shape, 3.0, size, seed)
            want, found = scipy_likelihood(x)
            fit = FIT(*padded(x))
            if found >= -0.5:
                assert likelihood(x, *map(float, fit)) >= want - 1e-6
            assert likelihood(x, *map(float, fit)) >= likelihood(x, 0.0, np.mean(x)) - 1e-12


def test_likelihood_is_stationary_in_float32_too():
    for shape in (-0.2, 0.3, 3.0):
        x = draw(shape, 3.0, 60, 5).astype(np.float32)
        with jax.enable_x64(True):
            exact = FIT(*padded(x))
        rough = FIT(*padded(x, np.float32))
        np.testing.assert_allclose(rough, exact, rtol=2e-3, atol=1e-4)
        best = likelihood(x, *map(float, exact))
        assert likelihood(x, *map(float, rough)) > best - 1e-6


def test_restricted_fit_lies_on_the_border_for_short_tails():
    with jax.enable_x64(True):
        x = draw(-0.9, 1.0, 60)
        fit = FIT(*padded(x))
        assert float(fit.shape) == -0.5
        scales = np.linspace(0.5, 3, 2001) * float(fit.scale)
        best = max(likelihood(x, -0.5, scale) for scale in scales)
        assert likelihood(x, *map(float, fit)) >= best - 1e-9


@pytest.mark.parametrize("shape", [-0.25, 0.0, 0.3])
def test_known_parameters_are_found_within_their_standard_error(shape):
    # Of the likelihood fit: (1 + xi) / sqrt(n) in the shape, sqrt(2 (1 + xi) / n) in log scale;
    # moments have up to about twice that. With 40 samples of 500 the mean is right to 1/6 of it.
    x = draw(shape, 2.5, (40, 500), 7)
    got = FIT(x.astype(np.float32))
    error = (1 + shape) / np.sqrt(500)
    assert abs(float(jnp.mean(got.shape)) - shape) < 0.7 * error
    assert float(jnp.std(got.shape)) < 2.2 * error
    error = np.sqrt(2 * (1 + shape) / 500)
    assert abs(float(jnp.mean(jnp.log(got.scale / 2.5)))) < 0.7 * error
    assert float(jnp.std(jnp.log(got.scale))) < 2.2 * error


def test_quantiles_of_the_law_give_its_parameters_back():
    with jax.enable_x64(True):
        level = (np.arange(2000) + 0.5) / 2000
        got = FIT(genpareto.ppf(level, 0.2, 3.0))
        np.testing.assert_allclose(got, (0.2, 3.0), rtol=0.03)


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(0, 100), min_size=0, max_size=LENGTH),
    exponent=st.integers(-9, 9),
    seed=st.integers(0, 100),
)
def test_fits_are_equivariant_and_see_no_padding(values, exponent, seed):
    with jax.enable_x64(True):
        x = np.round(np.array(values), 6)
        x, where = padded(x)
        scale = 10.0**exponent
        shape, size = map(float, FIT(x, where))
        assert np.isfinite(shape) or (np.isnan([shape, size]).all() and np.nanmin(x) == 0)
        assert not size <= 0
        other = np.where(where, x, np.inf)[::-1]
        np.testing.assert_allclose(FIT(other, where[::-1]), (shape, size), rtol=1e-9, atol=1e-12)
        scaled = FIT(scale * x, where)
        if np.nanmax(x, initial=0) > 0:
            np.testing.assert_allclose(scaled, (shape, scale * size), rtol=1e-5, atol=1e-7 * scale)


def test_special_samples():
    none = FIT(*padded([]))
    assert (float(none.shape), float(none.scale)) == (0, 1)
    for values in ([3.0], [3.0, 3.0], [3.0] * 17):
        got = FIT(*padded(values))
        assert float(got.shape) == 0
        assert float(got.scale) == pytest.approx(3)
    got = FIT(*padded([0.0, 0.0]))
    assert (float(got.shape), float(got.scale)) == (0, 1)
    for bad in (np.nan, np.inf):
        assert np.all(np.isnan(FIT(*padded([1.0, bad, 2.0]))))
    assert FIT(np.zeros((2, 0))).scale.shape == (2,)
    assert np.all(np.isnan(FIT(*padded([0.0] * 40 + [1.0, 2.0, 3.0]))))


def test_batches_and_masks_broadcast():
    x = draw(0.1, 1.0, (2, 3, LENGTH)).astype(np.float32)
    mask = np.arange(LENGTH) < 50
    together = FIT(x, mask)
    mapped = jax.vmap(jax.vmap(lambda s: FIT(s, mask)))(x)
    np.testing.assert_allclose(together, mapped, rtol=1e-4, atol=1e-5)
    alone = FIT(x[1, 2, :50])
    np.testing.assert_allclose([v[1, 2] for v in together], alone, rtol=1e-4, atol=1e-5)
    whole = FIT(np.arange(1, LENGTH + 1))
    assert whole.scale.dtype == np.float32
