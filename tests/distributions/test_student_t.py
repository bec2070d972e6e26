"""Student's t family against mpmath, SciPy and published closed forms."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions.student_t import StudentT
from tests.distributions.case import compiled

FAMILY = StudentT()
DFS = [1.0, 1.5, 2.0, 4.5, 30.0, 200.0]
POINTS = [0.0, 0.25, 1.0, 2.0, 2.25, 2.5, 4.0, 7.5, 30.0, 1e3, 1e6]
GRID = np.array([(z, df) for df in DFS for z in POINTS]).T
ERRORS = [(np.float32, 2e-5), (np.float64, 1e-11)]


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def exact_tail(z, df):
    """1 - F(z) for z >= 0: near the centre and far out by the series that converges there."""
    z, df = mpmath.mpf(z), mpmath.mpf(df)
    if z * z < df:
        peak = mpmath.gammaprod([(df + 1) / 2], [df / 2]) / mpmath.sqrt(mpmath.pi * df)
        return 0.5 - z * peak * mpmath.hyp2f1(0.5, (df + 1) / 2, 1.5, -z * z / df)
    return mpmath.betainc(df / 2, 0.5, 0, df / (df + z * z), regularized=True) / 2


@functools.cache
def exact_log_tails():
    with mpmath.workdps(60):
        values = [mpmath.log(exact_tail(z, df)) for z, df in GRID.T]
        slopes = [
            mpmath.diff(lambda df, z=z: mpmath.log(exact_tail(z, df)), df, h=mpmath.mpf(10) ** -20)
            for z, df in GRID.T
        ]
    return np.array(values, float), np.array(slopes, float)


def standard(df):
    return StudentT.Params(0 * df, 0 * df + 1, df)


def call(method, params, *arguments):
    return compiled(FAMILY, method)(params, *arguments)


@pytest.mark.parametrize(("dtype", "error"), ERRORS)
def test_tails_and_their_slopes_in_df(dtype, error):
    z, df = GRID.astype(dtype)
    value, slope = exact_log_tails()

    def total(df):
        log_sf = FAMILY.log_sf(standard(df), z)
        return jnp.sum(log_sf), log_sf

    (_, log_sf), gradient = jax.jit(jax.value_and_grad(total, has_aux=True))(df)
    assert log_sf.dtype == dtype
    np.testing.assert_allclose(log_sf, value, rtol=error, atol=error)
    np.testing.assert_allclose(gradient, slope, rtol=10 * error, atol=error / 100)
    mirrored = call("log_cdf", standard(df), -z)
    np.testing.assert_allclose(mirrored, log_sf, rtol=error / 20)
    np.testing.assert_allclose(call("cdf", standard(df), z), 1 - np.exp(value), rtol=error)


@pytest.mark.parametrize(("dtype", "error"), ERRORS)
def test_values_agree_with_scipy(dtype, error):
    loc, scale = 1.5, 2.5
    df = np.repeat(np.array([1.2, 3.0, 12.0, 150.0]), 6).astype(dtype)
    q = np.tile([1e-7, 0.01, 0.3, 0.6, 0.95, 0.9990234375], 4).astype(dtype)
    params = StudentT.Params(*(np.full_like(df, x) for x in (loc, scale)), df)
    exact = scipy.stats.t(df.astype(float), loc, scale)
    y = call("quantile", params, q)
    np.testing.assert_allclose(y, exact.ppf(q.astype(float)), rtol=5 * error)
    log_prob = call("log_prob", params, y)
    np.testing.assert_allclose(log_prob, exact.logpdf(y.astype(float)), rtol=error, atol=error)
    variance = np.asarray(FAMILY.variance(params), float)
    np.testing.assert_allclose(variance, exact.var(), rtol=error)
    np.testing.assert_array_equal(FAMILY.mean(params), np.full_like(df, loc))


def test_cauchy_is_df_1():
    z = np.array([0.0, 1e-3, 1.0, 3.0, 50.0, 1e9])
    np.testing.assert_allclose(
        call("sf", standard(np.ones(6)), z), np.arctan2(1.0, z) / np.pi, rtol=1e-13
    )


def test_df_2_in_closed_form():
    z = np.array([0.0, 1e-3, 1.0, 3.0, 50.0, 1e9])
    root = np.sqrt(2 + z**2)
    expected = 1 / (root * (root + z))
    np.testing.assert_allclose(call("sf", standard(np.full(6, 2.0)), z), expected, rtol=3e-13)


def test_large_df_is_normal():
    z = np.array([0.0, 0.5, 2.0, 5.0, 10.0])
    log_sf = call("log_sf", standard(np.full(5, 1e9)), z)
    # The first correction is (z^4 + ...) / (4 df).
    np.testing.assert_allclose(log_sf, scipy.stats.norm.logsf(z), rtol=0, atol=3e-6)


@pytest.mark.parametrize(("dtype", "error"), ERRORS)
def test_intervals_of_any_width_anywhere(dtype, error):
    cells = [
        (lo, lo + width)
        for lo in (-3.0, -0.5, 0.0, 1.0, 2.0, 6.0, 1e3, 2.0**20)
        for width in (2.0**-3, 0.75, 2.0, 64.0, 2.0**22)
    ]
    cells = np.array([(lo, hi, df) for lo, hi in cells for df in (1.5, 5.0, 100.0)])
    lo, hi, df = cells.T.astype(dtype)
    with mpmath.workdps(60):
        expected = []
        for a, b, nu in cells:
            near, far = exact_tail(abs(a), nu), exact_tail(abs(b), nu)
            near, far = (1 - near if a < 0 else near), (1 - far if b < 0 else far)
            expected.append(float(mpmath.log(near - far)))
    got = call("log_interval", standard(df), lo, hi)
    np.testing.assert_allclose(got, expected, rtol=error, atol=error)
    mirrored = call("log_interval", standard(df), -hi, -lo)
    np.testing.assert_allclose(mirrored, got, rtol=error / 100, atol=error / 100)
    empty = call("log_interval", standard(df[:3]), lo[:3], np.array([lo[0], lo[0] - 1, np.nan]))
    np.testing.assert_array_equal(empty, [-np.inf, -np.inf, np.nan])


def test_values_beyond_the_range_of_squares():
    # In float32, z^2 overflows from 2e19 on.
    params = standard(np.full(2, 3.0, np.float32))
    z = np.array([1e25, -1e25], np.float32)
    log_prob, slope = jax.jit(jax.value_and_grad(lambda p: jnp.sum(FAMILY.log_prob(p, z))))(params)
    np.testing.assert_allclose(log_prob, 2 * scipy.stats.t(3).logpdf(1e25), rtol=1e-6)
    assert all(np.all(np.isfinite(leaf)) for leaf in slope)
    np.testing.assert_allclose(
        call("log_sf", params, z), [scipy.stats.t(3).logsf(1e25), 0], rtol=1e-6
    )


def test_score_needs_a_mean():
    params = StudentT.Params(*np.array([[0.0, 0.0], [1.0, 1.0], [0.9, 1.1]]))
    assert np.isnan(FAMILY.crps(params, 0.5)[0])
    assert np.isfinite(FAMILY.crps(params, 0.5)[1])
    np.testing.assert_array_equal(FAMILY.mean(params), [np.nan, 0.0])
    np.testing.assert_array_equal(FAMILY.variance(params), [np.inf, np.inf])


def test_df_stays_in_its_range():
    family = StudentT(df_range=(2.5, 40))
    raw = np.zeros((5, 3), np.float32)
    raw[:, 2] = [-1e30, -5, 0, 5, 1e30]
    df = family.constrain(raw).df
    np.testing.assert_allclose(df[jnp.array([0, 2, 4])], [2.5, 5, 40], rtol=1e-6)
    assert np.all(np.diff(df) > 0)
    at_zero = StudentT(df_range=(9, 16)).constrain(np.zeros(3, np.float32)).df
    np.testing.assert_allclose(at_zero, 12, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [("center", np.inf), ("spread", 0.0), ("spread", np.nan)]
    + [("df_range", x) for x in [(1.0, 5.0), (5.0, 5.0), (3.0, np.inf), (np.nan, 3.0)]],
)
def test_misuse_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        StudentT(**{name: value})


def test_a_list_for_the_range_hashes_too():
    family = StudentT(df_range=[3.0, 30.0])
    assert family == StudentT(df_range=(3.0, 30.0))
    assert 3 < float(family.constrain(jnp.zeros(3)).df) < 30
