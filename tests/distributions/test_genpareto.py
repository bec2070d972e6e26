"""The generalized Pareto distribution against SciPy and mpmath."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.elementary import expm1_ratio, log1mexp, log1p_ratio, log_dot, log_sum

SHAPES = np.array([0.0, 1e-8, -1e-8, 1e-6, -1e-6, 1e-4, -1e-4, 1e-3, -1e-3, 0.3, -0.3, 0.9])
EXCESSES = np.array([0.0, 1e-6, 0.01, 0.5, 2.0, 6.0, 40.0, 1e3, 1e6])
Z, SHAPE = (x.ravel() for x in np.meshgrid(EXCESSES, SHAPES))
SCALE = 2.0
# The bounds that the project states: relative errors of 1e-5 in float32 and 1e-12 in float64.
PRECISIONS = [(np.float32, 1e-5), (np.float64, 1e-12)]
mpmath.mp.dps = 50


def exact_logsf(z, shape, scale):
    z, shape, scale = (mpmath.mpf(x) for x in (z, shape, scale))
    if shape == 0:
        return -z / scale
    inside = 1 + shape * z / scale
    return -mpmath.log(inside) / shape if inside > 0 else -mpmath.inf


def exact_logpdf(z, shape, scale):
    logsf = exact_logsf(z, shape, scale)
    if logsf == -mpmath.inf:
        return logsf
    return (1 + mpmath.mpf(shape)) * logsf - mpmath.log(mpmath.mpf(scale))


def derivative(function, arguments, index):
    """Derivative by central difference at 50 digits: error 1e-24, and smooth through shape 0."""
    step = mpmath.mpf(10) ** -12

    def shifted(sign):
        moved = [mpmath.mpf(x) for x in arguments]
        moved[index] += sign * step
        return moved

    def raw(z, shape, scale):
        # As above, without the conversion to float that would lose the step.
        inside = 1 + shape * z / scale
        logsf = -mpmath.log(inside) / shape if shape else -z / scale
        return logsf if function is exact_logsf else (1 + shape) * logsf - mpmath.log(scale)

    return (raw(*shifted(1)) - raw(*shifted(-1))) / (2 * step)


@pytest.mark.parametrize(("dtype", "error"), PRECISIONS)
@pytest.mark.parametrize(
    ("function", "exact"),
    [(genpareto.logsf, exact_logsf), (genpareto.logpdf, exact_logpdf)],
    ids=["logsf", "logpdf"],
)
def test_values_and_gradients_through_shape_zero(function, exact, dtype, error):
    with jax.enable_x64(dtype == np.float64):
        z, shape, scale = (jnp.asarray(x, dtype) for x in (Z, SHAPE, np.full_like(Z, SCALE)))
        rows = list(zip(*(np.asarray(x, np.float64) for x in (z, shape, scale)), strict=True))
        want = np.array([float(exact(*row)) for row in rows])
        np.testing.assert_allclose(function(z, shape, scale), want, rtol=error, atol=error)
        inside = np.isfinite(want)

        def total(*a):
            value = function(*a)
            return jnp.sum(jnp.where(jnp.isfinite(value), value, 0.0))

        slopes = jax.grad(total, (0, 1, 2))(z, shape, scale)
        for index, slope in enumerate(slopes):
            assert np.all(np.asarray(slope)[~inside] == 0)
            for row, got in zip(
                np.array(rows)[inside & (Z > 0)], slope[inside & (Z > 0)], strict=True
            ):
                assert float(got) == pytest.approx(
                    float(derivative(exact, row, index)), rel=3 * error, abs=3 * error
                ), (index, row)


@pytest.mark.parametrize("name", ["logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"])
def test_functions_agree_with_scipy(name):
    with jax.enable_x64(True):
        z, shape = np.append(Z, [-1.0, np.nan, np.inf, -np.inf]), np.append(SHAPE, [0.1] * 4)
        want = getattr(scipy.stats.genpareto, name)(z, shape, scale=SCALE)
        got = getattr(genpareto, name)(z, shape, SCALE)
        # SciPy itself loses digits where the shape is near 0 (1e-9 at 1e-8) and in logcdf.
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-300)


@pytest.mark.parametrize("name", ["ppf", "isf"])
def test_inverses_agree_with_scipy(name):
    with jax.enable_x64(True):
        q = np.array([0.0, 1e-12, 1e-3, 0.5, 0.9, 1 - 1e-6, 1.0, -0.1, 1.1, np.nan])
        q, shape = np.meshgrid(q, SHAPES)
        want = getattr(scipy.stats.genpareto, name)(q, shape, scale=SCALE)
        got = getattr(genpareto, name)(q, shape, SCALE)
        np.testing.assert_allclose(got, want, rtol=1e-7)


@pytest.mark.parametrize(("dtype", "error"), PRECISIONS)
def test_inverse_survival_function_inverts(dtype, error):
    with jax.enable_x64(dtype == np.float64):
        log_q = -np.array([1e-6, 1e-3, 0.7, 3.0, 20.0, 60.0], dtype)[:, None]
        z = genpareto.inverse_logsf(log_q, SHAPES.astype(dtype), dtype(SCALE))
        again = genpareto.logsf(z, SHAPES.astype(dtype), dtype(SCALE))
        # A tail of shape -0.3 ends where exp(0.3 * 60) rounds away: its last digits are lost.
        fair = np.asarray(SHAPES * -log_q) > -5
        np.testing.assert_allclose(
            np.asarray(again)[fair], np.broadcast_to(log_q, z.shape)[fair], rtol=30 * error
        )


def test_interval_far_out_keeps_its_digits():
    # log(S(z) - S(z + w)) at 50 digits; the difference of float64 survival functions is 0 here.
    with jax.enable_x64(True):
        for shape in (0.0, 1e-8, 0.3, 0.9, -1e-7):
            for z, width in ((1e6, 1.0), (1e3, 1e-3), (0.0, 1e-9)):
                near = exact_logsf(z, shape, SCALE)
                far = exact_logsf(mpmath.mpf(z) + mpmath.mpf(width), shape, SCALE)
                want = near + mpmath.log(-mpmath.expm1(far - near))
                got = genpareto.loginterval(z, width, shape, SCALE)
                assert float(got) == pytest.approx(float(want), rel=1e-13)
        assert float(genpareto.loginterval(3.0, 0.0, 0.1, 1.0)) == -np.inf
        assert float(genpareto.loginterval(20.0, 1.0, -0.1, 1.0)) == -np.inf
        assert float(genpareto.loginterval(0.0, np.inf, 0.1, 1.0)) == 0


def test_moments_agree_with_scipy():
    with jax.enable_x64(True):
        shape = np.array([-0.4, 0.0, 1e-8, 0.2, 0.45, 0.5, 0.9, 1.0, 1.5])
        mean, variance = scipy.stats.genpareto.stats(shape, scale=SCALE)
        np.testing.assert_allclose(genpareto.mean(shape, SCALE), mean, rtol=1e-12)
        got = genpareto.variance(shape, SCALE)
        np.testing.assert_allclose(got[shape < 0.5], variance[shape < 0.5], rtol=1e-10)
        assert np.all(np.isinf(got[shape >= 0.5]))
        square = genpareto.second_moment(shape[:5], SCALE)
        np.testing.assert_allclose(square, variance[:5] + mean[:5] ** 2, rtol=1e-10)


@pytest.mark.parametrize("shape", [-0.4, 0.0, 1e-9, 0.3, 1.0, 1.6])
@pytest.mark.parametrize("z", [-1.5, 0.0, 1.0, 4.9, 30.0])
def test_crps_and_integrated_sf_are_integrals(z, shape):
    # Also where the mean is infinite (shape >= 1), though the score is not.
    end = SCALE / -shape if shape < 0 else np.inf
    sf = lambda t: scipy.stats.genpareto.sf(t, shape, scale=SCALE)  # noqa: E731
    tail = scipy.integrate.quad(lambda t: sf(t) ** 2, max(z, 0), end, epsabs=1e-12)[0]
    body = scipy.integrate.quad(lambda t: (1 - sf(t)) ** 2, 0, z, epsabs=1e-12)[0] if z > 0 else -z
    part = scipy.integrate.quad(sf, 0, z, epsabs=1e-12)[0] if z > 0 else 0
    with jax.enable_x64(True):
        want = tail + body if z < end else z - 2 * part + SCALE / (2 - shape)
        assert float(genpareto.crps(z, shape, SCALE)) == pytest.approx(want, rel=1e-7)
        assert float(genpareto.integrated_sf(z, shape, SCALE)) == pytest.approx(part, rel=1e-7)


@pytest.mark.parametrize(
    ("z", "shape", "want"),
    [
        # R package scoringRules, tests/testthat/test_crps_gpd.R.
        (0.3, 0.0, 0.281636441),
        (0.3, 0.7, 0.546254141),
        (0.3, -0.7, 0.157583485),
        # Python package scoringrules, tests/test_crps.py.
        (0.3, 0.9, 0.6849332),
        (-0.3, 0.9, 1.209091),
        (-0.3, -0.9, 0.6448276),
    ],
)
def test_crps_agrees_with_published_values(z, shape, want):
    assert float(genpareto.crps(z, shape, 1.0)) == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 3e-6), (np.float64, 1e-14)])
def test_elementary_functions(dtype, error):
    with jax.enable_x64(dtype == np.float64):
        u = np.array(
            [-0.99, -0.5, -0.2, -0.1999, -1e-3, -1e-9, 1e-9, 0.01, 0.1999, 0.2, 3, 1e8], dtype
        )
        for function, exact in [
            (log1p_ratio, lambda u: mpmath.log1p(u) / u),
            (expm1_ratio, lambda u: mpmath.expm1(u) / u),
        ]:
            inputs = u if function is log1p_ratio else u[:-1]
            want = [float(exact(mpmath.mpf(float(x)))) for x in inputs]
            np.testing.assert_allclose(function(jnp.asarray(inputs)), want, rtol=error)
            slope = jax.vmap(jax.grad(function))(jnp.asarray(inputs))
            want = [float(mpmath.diff(exact, mpmath.mpf(float(x)))) for x in inputs]
            np.testing.assert_allclose(slope, want, rtol=10 * error)
            assert float(function(jnp.zeros(()))) == 1
            assert float(jax.grad(function)(jnp.zeros((), dtype))) == pytest.approx(
                -0.5 if function is log1p_ratio else 0.5
            )
        x = np.array([1e-30, 1e-8, 0.3, 0.69, 0.7, 5, 80, np.inf], dtype)
        want = [float(mpmath.log(-mpmath.expm1(-mpmath.mpf(float(v))))) for v in x]
        np.testing.assert_allclose(log1mexp(jnp.asarray(x)), want, rtol=error, atol=1e-35)
        assert float(log1mexp(jnp.zeros(()))) == -np.inf
        assert float(jax.grad(log1mexp)(jnp.zeros(()))) == 0


def test_sums_in_log_space_of_nothing():
    logits = jnp.array([5.0, -800.0, -801.0])
    assert float(log_dot(logits, jnp.array([0.0, 1.0, 0.0]))) == -800
    assert float(log_dot(logits, jnp.zeros(3))) == -np.inf
    assert np.all(jax.grad(log_dot)(logits, jnp.zeros(3)) == 0)
    nothing = jnp.asarray(-jnp.inf)
    assert float(log_sum(nothing, nothing)) == -np.inf
    assert float(jax.grad(log_sum)(nothing, nothing)) == 0
    assert float(log_sum(nothing, jnp.asarray(2.0))) == 2
