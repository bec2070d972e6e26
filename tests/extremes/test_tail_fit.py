"""Fits of tails against SciPy's optimisers, Grimshaw's uncensored fit, and each other."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from sbp_jax.distributions.genpareto_fit import Fit, grimshaw
from sbp_jax.extremes.tail_fit import follow, search
from tests.extremes.draws import pareto

CAPACITY = 64
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
cold, warm = jax.jit(search), jax.jit(follow)
SHAPES = [-0.8, -0.3, 0.0, 0.3, 1.0, 3.0]


def loss(parameters, y, c):
    """Negative log likelihood, written as the law has it."""
    shape, scale = parameters[0], np.exp(parameters[1])
    inside = 1 + shape * max(np.max(y), np.max(c, initial=0)) / scale
    if shape < -0.5 or inside <= 0:
        return np.inf
    known = len(y) * np.log(scale) + (1 / shape + 1) * np.sum(np.log1p(shape * y / scale))
    return known + np.sum(np.log1p(shape * c / scale)) / shape


def optimum(y, c):
    """Lowest loss of SciPy from several starts, and where it is."""
    options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 2000}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [
            scipy.optimize.minimize(
                loss, [start, np.log(np.mean(y))], (y, c), "Nelder-Mead", options=options
            )
            for start in (-0.2, 0.5, 2.0)
        ]
    best = min(found, key=lambda result: result.fun)
    return best.fun, best.x


def vector(y, c=()):
    return jnp.asarray(np.append(np.append(y, np.negative(c)), np.zeros(CAPACITY))[:CAPACITY])


def censored(shape, size, seed):
    """A sample cut at its 90 % quantile, and the bounds in place of what was cut off."""
    x = pareto(shape, size, seed)
    bound = np.quantile(x, 0.9)
    return x[x <= bound], np.full(np.sum(x > bound), bound)


@pytest.mark.parametrize("shape", SHAPES)
def test_censored_fit_is_as_likely_as_scipy_finds(shape):
    for size, seed in ((15, 1), (60, 2)):
        y, c = censored(shape, size, seed)
        best, (best_shape, best_log_scale) = optimum(y, c)
        fit = cold(vector(y, c).astype(np.float32))
        assert loss((float(fit.shape), np.log(float(fit.scale))), y, c) < best + 1e-4
        if size == 60:
            assert float(fit.shape) == pytest.approx(best_shape, abs=2e-3)
            assert float(fit.scale) == pytest.approx(np.exp(best_log_scale), rel=2e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_bounds_it_is_grimshaws_fit(shape):
    y = vector(pareto(shape, 60, 3)).astype(np.float32)
    want = jax.jit(grimshaw)(y, y > 0)
    np.testing.assert_allclose(cold(y), want, rtol=1e-3, atol=3e-4)


def test_bounds_undo_what_cutting_a_sample_does_to_its_shape():
    x = pareto(0.3, 20_000, 4)
    bound = np.quantile(x, 0.95)
    cut = np.where(x > bound, -bound, x).astype(np.float32)
    # The standard error of the shape is about 1.3 / sqrt(20,000) = 0.009.
    assert float(cold(jnp.asarray(cut)).shape) == pytest.approx(0.3, abs=0.04)
    assert float(cold(jnp.asarray(np.where(cut < 0, 0, cut))).shape) < 0.1


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3, 1.0])
def test_one_more_peak_leads_newton_to_the_same_fit(shape):
    y, c = censored(shape, 60, 5)
    fit = cold(vector(y[:-1], c).astype(np.float32))
    peaks = vector(y, c).astype(np.float32)
    got, settled = warm(peaks, fit)
    assert bool(settled)
    np.testing.assert_allclose(got, cold(peaks), rtol=1e-3, atol=3e-4)


def test_newton_says_when_it_does_not_settle():
    y = vector(pareto(-0.9, 60, 6)).astype(np.float32)  # its best shape is below -1/2
    _, settled = warm(y, Fit(jnp.float32(-0.3), jnp.float32(0.7)))
    assert not bool(settled)
    assert float(cold(y).shape) == -0.5


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e9])
def test_scale_of_the_peaks_is_that_of_the_fit(scale):
    y, c = censored(0.2, 60, 7)
    peaks = vector(y, c).astype(np.float32)
    want = cold(peaks)
    got = cold(peaks * np.float32(scale))
    np.testing.assert_allclose(got.shape, want.shape, atol=1e-4)
    np.testing.assert_allclose(got.scale, want.scale * scale, rtol=1e-4)
