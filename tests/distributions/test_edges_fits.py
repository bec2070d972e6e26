"""Fits to samples with zeros, and to heavy ones, beside a plain profile of the likelihood."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from sbp_jax.distributions.genpareto_fit import Fit, grimshaw
from sbp_jax.errors import DetectorError
from sbp_jax.extremes import Spot, calibrate
from sbp_jax.extremes.tail_fit import search

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
FIT = jax.jit(grimshaw)
NUMBER = 100


def likeliest(x):
    """Highest turning point of the profile in float64 by SciPy, or NaN."""

    def profile(logarithm):
        theta = np.expm1(logarithm) / np.max(x)
        shape = np.mean(np.log1p(theta * x))
        return -(np.log(shape / theta) + shape + 1), shape, shape / theta

    grid = np.linspace(-15.9876, 200, 4001)
    height = np.array([profile(at)[0] for at in grid])
    turns = 1 + np.flatnonzero((height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:]))
    if not len(turns):
        return np.nan, np.nan
    at = turns[np.argmax(height[turns])]
    found = scipy.optimize.minimize_scalar(
        lambda place: -profile(place)[0],
        bounds=(grid[at - 1], grid[at + 1]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return profile(found.x)[1:]


def with_zeros(number, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([np.zeros(number), rng.exponential(size=NUMBER - number)])


def heavy(shape, seed=0):
    u = np.random.default_rng(seed).uniform(size=NUMBER)
    return (u**-shape - 1) / shape


def counts(seed=0):
    return np.random.default_rng(seed).geometric(0.25, NUMBER) - 1.0


SAMPLES = {
    **{f"{number} zeros": with_zeros(number) for number in (1, 5, 20, 30, 60)},
    "counts": counts(),
    **{f"shape {shape}": heavy(shape) for shape in (3, 5, 8, 12)},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_fits_are_the_likeliest_or_none_in_either_precision(name):
    x = SAMPLES[name]
    want = likeliest(x)
    rough = FIT(x.astype(np.float32))
    assert rough.shape.dtype == np.float32
    with jax.enable_x64(True):
        exact = FIT(x)
    np.testing.assert_allclose(exact, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rough, want, rtol=1e-3, atol=1e-4)


def test_the_issues_sample():
    got = FIT(with_zeros(20).astype(np.float32))
    np.testing.assert_allclose(got, (0.4956, 0.5066), atol=1e-4)


def test_beyond_the_reach_of_float32_there_is_none_and_float64_finds_it():
    x = np.minimum(heavy(16), 3e38)
    assert np.all(np.isnan(FIT(x.astype(np.float32))))
    with jax.enable_x64(True):
        np.testing.assert_allclose(FIT(x), likeliest(x), rtol=1e-5)


@pytest.mark.parametrize("how_many", [5, NUMBER])
def test_excesses_that_float32_takes_for_0_are_no_zeros(how_many):
    x = np.random.default_rng(0).exponential(size=NUMBER)
    x[:how_many] *= 1e-39
    assert np.all(np.isnan(FIT(x.astype(np.float32))))
    with jax.enable_x64(True):
        np.testing.assert_allclose(FIT(x), likeliest(x), rtol=1e-4)


@pytest.mark.parametrize("shape", [3, 8, 12])
def test_detectors_search_as_far(shape):
    x = heavy(shape).astype(np.float32)
    np.testing.assert_allclose(jax.jit(search)(jnp.asarray(x)), FIT(x), rtol=2e-3)


def test_detectors_refuse_a_tail_that_has_no_fit(monkeypatch):
    lost = np.full(1, np.nan)
    monkeypatch.setattr(calibrate, "_fit_all", lambda *_: Fit(lost, lost))
    with pytest.raises(DetectorError, match=r"the series: expected .* be fitted, got 20 "):
        Spot().fit(np.arange(1000.0))


def test_scipy_agrees_where_its_own_search_gets_there():
    x = heavy(3)
    shape, _, scale = scipy.stats.genpareto.fit(x, 3.0, floc=0)
    np.testing.assert_allclose(FIT(x.astype(np.float32)), (shape, scale), rtol=2e-3)
