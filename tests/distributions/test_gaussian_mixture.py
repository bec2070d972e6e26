"""Mixtures of normals against SciPy, and against the normal family."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats

from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.gaussian_mixture import GaussianMixture
from tests.distributions.case import compiled

FAMILY = GaussianMixture()
LOGITS = np.array([0.5, -1.0, 0.25])
LOCS, SCALES = np.array([-2.0, 1.0, 6.0]), np.array([1.0, 0.25, 3.0])
LOG_WEIGHTS = LOGITS - scipy.special.logsumexp(LOGITS)
POINTS = np.array([-1e6, -40.0, -7.0, -2.0, 0.5, 1.0, 1.5, 6.0, 20.0, 300.0, 1e6])
ERRORS = [(np.float32, 2e-5), (np.float64, 1e-11)]


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def params(dtype=np.float64):
    return GaussianMixture.Params(*(x.astype(dtype) for x in (LOGITS, LOCS, SCALES)))


def call(method, params, *arguments, family=FAMILY):
    return compiled(family, method)(params, *arguments)


def exact(method, y):
    parts = getattr(scipy.stats.norm(LOCS, SCALES), method)(np.asarray(y, float)[..., None])
    return scipy.special.logsumexp(LOG_WEIGHTS + parts, axis=-1)


@pytest.mark.parametrize(("dtype", "error"), ERRORS)
def test_values_and_far_tails(dtype, error):
    y = POINTS.astype(dtype)
    for method, scipys in [("log_prob", "logpdf"), ("log_cdf", "logcdf"), ("log_sf", "logsf")]:
        got = call(method, params(dtype), y)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, exact(scipys, y), rtol=error, atol=error)
    # The log of what is close to 1, to relative accuracy.
    high = call("log_cdf", params(dtype), dtype(30.0))
    np.testing.assert_allclose(high, -np.exp(exact("logsf", 30.0)), rtol=5 * error)


@pytest.mark.parametrize(("dtype", "error"), ERRORS)
def test_quantiles_against_root_finding(dtype, error):
    q = np.array([1e-12, 1e-3, 0.2, 0.45, 0.5, 0.7, 0.999], dtype)
    got = call("quantile", params(dtype), q)
    expected = [
        scipy.optimize.brentq(
            lambda y, level=level: exact("logcdf", y) - np.log(level), -60, 60, xtol=1e-14
        )
        for level in q.astype(float)
    ]
    np.testing.assert_allclose(got, expected, rtol=error, atol=error)


def test_one_component_is_the_normal():
    family, normal = GaussianMixture(components=1, center=2.0, spread=3.0), Gaussian(2.0, 3.0)
    mixture = GaussianMixture.Params(*(np.array([x]) for x in (0.7, 1.5, 2.5)))
    single = Gaussian.Params(np.float64(1.5), np.float64(2.5))
    y = np.array([-100.0, -3.0, 1.5, 4.0, 90.0])
    for method in ("log_prob", "log_cdf", "sf", "crps"):
        got = call(method, mixture, y, family=family)
        expected = call(method, single, y, family=normal)
        np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg=method)
    got = call("log_interval", mixture, y, y + 1e-3, family=family)
    np.testing.assert_allclose(
        got, call("log_interval", single, y, y + 1e-3, family=normal), rtol=1e-12
    )
    q = np.array([0.0, 1e-12, 0.3, 0.5, 0.9, 1.0])
    got = call("quantile", mixture, q, family=family)
    np.testing.assert_allclose(got, normal.quantile(single, q), rtol=1e-12)
    zeros = family.constrain(np.zeros(3, np.float32))
    assert [float(x[0]) for x in zeros] == [0.0, 2.0, 3.0]


def test_components_a_million_scales_apart():
    apart = GaussianMixture.Params(np.zeros(2), np.array([-1e6, 1e6]), np.ones(2))
    q = np.array([1e-9, 0.25, 0.75, 1 - 1e-9])
    expected = scipy.stats.norm.ppf([2e-9, 0.5, 0.5, 1 - 2e-9], [-1e6, -1e6, 1e6, 1e6])
    np.testing.assert_allclose(call("quantile", apart, q), expected, rtol=1e-13)
    # Any point of the gap is a median; the slopes there are harmless.
    median, slope = jax.jit(jax.value_and_grad(FAMILY.median))(apart)
    assert -1e6 < median < 1e6
    assert all(np.all(np.isfinite(leaf)) for leaf in slope)


def test_narrow_cells_far_out():
    lo, width = np.array([-60.0, 40.0, 200.0]), 2.0**-12
    got = call("log_interval", params(), lo, lo + width)
    # The density at the middle times the width; curvature adds slope^2 width^2 / 24.
    slope = (lo - 6) / 9  # of the broad component, which is all there is
    expected = exact("logpdf", lo + width / 2) + np.log(width) + (slope * width) ** 2 / 24
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7)


def test_score_with_equal_components_is_that_of_one():
    twice = GaussianMixture.Params(np.array([0.3, -1.0]), np.full(2, 1.5), np.full(2, 2.5))
    single = Gaussian.Params(np.float64(1.5), np.float64(2.5))
    y = np.array([-50.0, 0.0, 1.5, 4.0, 1e4])
    np.testing.assert_allclose(
        call("crps", twice, y), call("crps", single, y, family=Gaussian()), rtol=1e-12
    )


@pytest.mark.parametrize("components", [1, 2, 5, 40])
def test_zeros_spread_the_components(components):
    family = GaussianMixture(components, center=7.0, spread=10.0)
    start = family.constrain(np.zeros((2, family.num_outputs), np.float32))
    assert np.all(np.diff(start.locs) > 0)
    assert np.all(start.scales > 1)
    np.testing.assert_allclose(family.mean(start), 7, rtol=1e-5)
    np.testing.assert_allclose(family.variance(start), 100, rtol=1e-5)


def test_order_of_raw_numbers_and_floor_of_scales():
    raw = np.array([1.0, 2.0, 0.5, -0.5, -1e30, 0.0], np.float32)
    family = GaussianMixture(components=2, spread=10.0)
    start, moved = family.constrain(np.zeros(6, np.float32)), family.constrain(raw)
    np.testing.assert_array_equal(moved.logits, [1.0, 2.0])
    np.testing.assert_allclose(moved.locs - start.locs, [5.0, -5.0], rtol=1e-5)
    np.testing.assert_allclose(moved.scales / start.scales, [0.01, 1.0], rtol=1e-5)


def test_batches_of_different_rank_broadcast():
    mixed = GaussianMixture.Params(LOGITS, np.stack([LOCS, LOCS + 1]), SCALES)
    y = POINTS[2:9, None]
    value = call("log_cdf", mixed, y)
    assert value.shape == (7, 2)
    np.testing.assert_allclose(value[:, 0], exact("logcdf", POINTS[2:9]), rtol=1e-11, atol=1e-15)
    assert FAMILY.mean(mixed).shape == (2,)
    draws = jax.eval_shape(lambda key: FAMILY.sample(key, mixed, (5,)), jax.random.key(0))
    assert draws.shape == (5, 2)
    quantiles = jax.eval_shape(FAMILY.quantile, mixed, jnp.full((3, 1), 0.4))
    assert quantiles.shape == (3, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("components", 0), ("components", -2), ("center", np.nan), ("spread", -1.0)],
)
def test_misuse_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        GaussianMixture(**{name: value})
