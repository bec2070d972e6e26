"""The generalized Pareto distribution against SciPy and mpmath."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.elementary import (
    expm1_ratio,
    log1mexp,
    log1p_ratio,
    log_dot,
    log_sum,
    multiply_add,
)

SHAPES = np.array([0.0, 1e-8, -1e-8, 1e-6, -1e-6, 1e-4, -1e-4, 1e-3, -1e-3, 0.3, -0.3, 0.9])
EXCESSES = np.array([0.0, 1e-6, 0.01, 0.5, 2.0, 6.0, 40.0, 1e3, 1e6])
Z, SHAPE = (x.ravel() for x in np.meshgrid(EXCESSES, SHAPES))
SCALE = 2.0
# The bounds that the project states: relative errors of 1e-5 in float32 and 1e-12 in float64.
PRECISIONS = [(np.float32, 1e-5), (np.float64, 1e-12)]
mpmath.mp.dps = 50


@functools.cache
def compiled(name):
    return jax.jit(getattr(genpareto, name))


def masked_sum(values):
    return jnp.sum(jnp.where(jnp.isfinite(values), values, 0.0))


@functools.cache
def values_and_slopes(function):
    """The function's values, and its slopes in every argument, compiled together."""

    def total(arguments):
        values = function(*arguments)
        return masked_sum(values), values

    both = jax.jit(jax.grad(total, has_aux=True))
    return lambda *arguments: both(arguments)[::-1]


def score(z, shape, scale, mass, start, stop):
    return genpareto.crps(z, shape, scale, mass, start=start, stop=stop)


def score_beyond(z, shape, scale, mass, start):
    return genpareto.crps(z, shape, scale, mass, start=start)


def exact_logsf(z, shape, scale):
    z, shape, scale = (mpmath.mpf(x) for x in (z, shape, scale))
    if shape == 0:
        return -z / scale
    u = shape * z / scale
    return -mpmath.log1p(u) / shape if u > -1 else -mpmath.inf


def exact_logpdf(z, shape, scale):
    logsf = exact_logsf(z, shape, scale)
    if logsf == -mpmath.inf:
        return logsf
    return (1 + mpmath.mpf(shape)) * logsf - mpmath.log(mpmath.mpf(scale))


def exact_logcdf(z, shape, scale):
    logsf = exact_logsf(z, shape, scale)
    small = logsf < -1
    return mpmath.log1p(-mpmath.exp(logsf)) if small else mpmath.log(-mpmath.expm1(logsf))


EXACT = {"logsf": exact_logsf, "logpdf": exact_logpdf, "logcdf": exact_logcdf}


def derivative(function, arguments, index, unit):
    """Derivative by a central difference, whose step is tiny beside `unit`."""
    step = mpmath.mpf(unit) * mpmath.mpf(10) ** -20

    def shifted(sign):
        moved = [mpmath.mpf(x) for x in arguments]
        moved[index] += sign * step
        return moved

    return (function(*shifted(1)) - function(*shifted(-1))) / (2 * step)


def scattered(dtype):
    """Points inside the support all over the domain: (z, shape, scale) in float `dtype`."""
    rng = np.random.default_rng(1)
    size, reach = 400, 30 if dtype == np.float32 else 100
    signs = rng.choice([-1, 1], size)
    shape = np.where(rng.uniform(size=size) < 0.5, rng.uniform(-3, 6, size), 0)
    shape = np.where(shape == 0, signs * 10 ** rng.uniform(-12, 1.5, size), shape)
    shape[::20] = 0
    scale = 10 ** rng.uniform(-12, 12, size)
    z = scale * 10 ** rng.uniform(-8, 8, size)
    z[::4] = 10 ** rng.uniform(-reach, reach, size)[::4]
    # Below 0, a share of the way to the end point, and often within rounding of it.
    share = 1 - rng.choice([1, 0.3, 1e-3, 4e-6], size) * rng.uniform(0.1, 1, size)
    z = np.where(shape < 0, scale / np.where(shape < 0, -shape, 1) * share, z)
    z, shape, scale = (x.astype(dtype).astype(np.float64) for x in (z, shape, scale))
    fair = [
        float(exact_logsf(*row)) > -np.finfo(dtype).max / 100
        and float(mpmath.mpf(row[0]) / mpmath.mpf(row[2])) > 1e-30
        for row in zip(z, shape, scale, strict=True)
    ]
    return [x[fair] for x in (z, shape, scale)]


@pytest.mark.parametrize(("dtype", "error"), PRECISIONS)
@pytest.mark.parametrize("name", ["logsf", "logpdf", "logcdf"])
def test_values_and_gradients_all_over_the_domain(name, dtype, error):
    # Errors are relative to the terms of the formula: log beta and (1 + xi) L cancel somewhere.
    function, exact = getattr(genpareto, name), EXACT[name]
    with jax.enable_x64(dtype == np.float64), mpmath.workdps(200):
        points = [np.concatenate(pair) for pair in zip(scattered(dtype), near_zero(), strict=True)]
        inputs = [jnp.asarray(x, dtype) for x in points]
        _, shape, scale = points = [np.asarray(x, np.float64) for x in inputs]
        rows = list(zip(*points, strict=True))
        want = np.array([float(exact(*row)) for row in rows])
        hazard = np.array([-float(exact_logsf(*row)) for row in rows])
        density = name == "logpdf"
        size = np.abs(want) + density * (np.abs(np.log(scale)) + np.abs(1 + shape) * hazard)
        values, slopes = values_and_slopes(function)(*inputs)
        assert np.all(np.abs(values - want) <= error * size)
        largest = float(np.finfo(dtype).max)
        for index, slope in enumerate(slopes):
            assert not np.any(np.isnan(slope))
            for row, got, h in zip(rows, slope, hazard, strict=True):
                if name == "logcdf" and h > 80:
                    continue  # its slope's first factor, exp(-L), underflows
                unit = min(1, row[2] / row[0]) if index == 1 else row[index] * 1e-10
                exact_slope = float(derivative(exact, row, index, unit))
                terms = density * (1 / row[2] if index == 2 else h * (index == 1))
                bound = 2 * error * (abs(exact_slope) + terms)
                if 1e3 / largest < abs(exact_slope) < largest / 1e3:
                    assert abs(float(got) - exact_slope) <= bound, (index, row, got, exact_slope)


def near_zero():
    """The grid at the top, where it lies inside the support, without the excess 0."""
    inside = (Z > 0) & (1 + SHAPE * Z / SCALE > 1e-3)
    return Z[inside], SHAPE[inside], np.full(np.sum(inside), SCALE)


def test_beyond_the_support_values_are_infinite_and_gradients_zero():
    z = np.array([-1.0, -1e30, 20.5, 1e30, np.inf, -np.inf, 1e-30])
    shape = np.array([0.3, -0.3, -0.1, -0.1, 0.5, 0.5, -1e30])
    scale = np.array([2.0, 2, 2, 1e-10, 1, 1, 1e-10])
    for name in ("logpdf", "logsf", "logcdf", "sf", "pdf", "cdf"):
        values, slopes = values_and_slopes(getattr(genpareto, name))(z, shape, scale)
        want = getattr(scipy.stats.genpareto, name)(z, shape, scale=scale)
        np.testing.assert_allclose(values, want)
        assert all(np.all(x == 0) for x in slopes), name


def test_density_at_the_end_point_is_its_limit_from_inside():
    shape = np.array([-0.5, -1.0, -2.0, -4.0])
    z = 3 / -shape
    want = [-np.inf, -np.log(3), np.inf, np.inf]
    values, slopes = values_and_slopes(genpareto.logpdf)(z, shape, 3.0)
    np.testing.assert_allclose(values, want, rtol=1e-6)
    np.testing.assert_allclose(scipy.stats.genpareto.logpdf(z, shape, scale=3), want)
    assert np.all(compiled("logsf")(z, shape, 3.0) == -np.inf)
    assert np.all(compiled("cdf")(z, shape, 3.0) == 1)
    assert all(np.all(x == 0) for x in slopes[:2])


def test_no_argument_makes_a_gradient_nan():
    # All combinations of extremes of float32, with the function's value finite or not.
    ends = np.array([0, 2e-38, 1e-30, 1e-10, 1, 1e10, 1e30, 1e37], np.float32)
    shape = np.concatenate([-ends, ends[1:]])
    z, shape, scale = (x.ravel() for x in np.meshgrid(ends, shape, ends[1:]))
    q = np.linspace(0, 1, z.size, dtype=np.float32)
    for name in ("logpdf", "pdf", "logsf", "sf", "cdf", "logcdf", "isf", "ppf", "integrated_sf"):
        function = getattr(genpareto, name)
        first = q if name in ("isf", "ppf") else z
        values, slopes = values_and_slopes(function)(first, shape, scale)
        assert not np.any(np.isnan(values)), name
        # The two terms of the density's own slope may overflow and leave inf - inf.
        fair = (name != "pdf") | ((np.abs(shape) < 1e4) & (scale > 1e-15))
        assert not any(np.any(np.isnan(slope[fair])) for slope in slopes), name


def test_where_the_ratio_to_the_scale_overflows():
    want = float(exact_logsf(1e30, 5.0, 1e-10))
    logsf, logcdf, loginterval = map(compiled, ("logsf", "logcdf", "loginterval"))
    assert float(logsf(1e30, 5.0, 1e-10)) == pytest.approx(want, rel=1e-6)
    # The exponential tail is 0 there, and a ratio that underflows has a logarithm all the same.
    assert float(logsf(1e30, 0.0, 1e-10)) == -np.inf
    want = np.log(1e-30) - np.log(1e30)
    assert float(logcdf(1e-30, 0.3, 1e30)) == pytest.approx(want, rel=1e-6)
    assert float(loginterval(0.0, 1e-30, 0.3, 1e30)) == pytest.approx(want, rel=1e-6)


def test_undefined_arguments_give_nan():
    for function in map(compiled, ("logpdf", "logsf", "cdf", "ppf")):
        bad = function(0.5, np.array([0.1, 0.1, np.nan, np.inf]), np.array([0.0, -1.0, 1.0, 1.0]))
        assert np.all(np.isnan(bad))
        assert np.isnan(function(np.nan, 0.1, 1.0))


def test_second_derivatives_through_shape_zero():
    with jax.enable_x64(True), mpmath.workdps(120):
        hessian = jax.jit(jax.vmap(jax.hessian(genpareto.logpdf, (0, 1, 2)), (None, 0, None)))
        shapes = np.array([0.0, 1e-9, -1e-6, 0.01, -0.08, 0.24, 0.26, 0.5, -0.3, 2.0])
        rows = hessian(2.0, shapes, 1.5)
        for k, i, j in np.ndindex(len(shapes), 3, 3):
            slope = lambda *a, i=i: derivative(exact_logpdf, a, i, 1e-20)  # noqa: E731
            want = float(derivative(slope, (2.0, shapes[k], 1.5), j, 1.0))
            assert float(rows[i][j][k]) == pytest.approx(want, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("name", ["logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"])
def test_functions_agree_with_scipy(name):
    with jax.enable_x64(True):
        z, shape = np.append(Z, [-1.0, np.nan, np.inf, -np.inf]), np.append(SHAPE, [0.1] * 4)
        want = getattr(scipy.stats.genpareto, name)(z, shape, scale=SCALE)
        got = compiled(name)(z, shape, SCALE)
        # SciPy itself loses digits where the shape is near 0 (1e-9 at 1e-8) and in logcdf.
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-300)


@pytest.mark.parametrize("name", ["ppf", "isf"])
def test_inverses_agree_with_scipy(name):
    with jax.enable_x64(True):
        q = np.array([0.0, 1e-12, 1e-3, 0.5, 0.9, 1 - 1e-6, 1.0, -0.1, 1.1, np.nan])
        q, shape = np.meshgrid(q, SHAPES)
        want = getattr(scipy.stats.genpareto, name)(q, shape, scale=SCALE)
        got = compiled(name)(q, shape, SCALE)
        np.testing.assert_allclose(got, want, rtol=1e-7)


@pytest.mark.parametrize(("dtype", "error"), PRECISIONS)
def test_inverse_survival_function_inverts(dtype, error):
    with jax.enable_x64(dtype == np.float64):
        log_q = -np.array([1e-6, 1e-3, 0.7, 3.0, 20.0, 60.0], dtype)[:, None]
        z = compiled("inverse_logsf")(log_q, SHAPES.astype(dtype), dtype(SCALE))
        again = compiled("logsf")(z, SHAPES.astype(dtype), dtype(SCALE))
        # A tail of shape -0.3 ends where exp(0.3 * 60) rounds away: its last digits are lost.
        fair = np.asarray(SHAPES * -log_q) > -5
        np.testing.assert_allclose(
            np.asarray(again)[fair], np.broadcast_to(log_q, z.shape)[fair], rtol=30 * error
        )


@pytest.mark.parametrize(("dtype", "error"), PRECISIONS)
def test_inverse_values_and_gradients(dtype, error):
    def exact(w, shape, scale):
        return scale * (mpmath.expm1(shape * w) / shape if shape else w)

    rng = np.random.default_rng(2)
    w = 10 ** rng.uniform(-6, 2, 200)
    shape = np.where(rng.uniform(size=200) < 0.6, rng.uniform(-3, 3, 200), 0)
    shape = np.where(shape == 0, 10 ** rng.uniform(-12, 0, 200), shape)
    scale = 10 ** rng.uniform(-20, 10, 200)
    keep = shape * w < 100
    with jax.enable_x64(dtype == np.float64), mpmath.workdps(80):
        inputs = [jnp.asarray(x[keep], dtype) for x in (w, shape, scale)]
        function = lambda w, *a: genpareto.inverse_logsf(-w, *a)  # noqa: E731
        values, slopes = values_and_slopes(function)(*inputs)
        rows = list(zip(*(np.asarray(x, np.float64) for x in inputs), strict=True))
        largest, smallest = np.finfo(dtype).max, 1e3 * np.finfo(dtype).tiny
        for k, row in enumerate(rows):
            mp = [mpmath.mpf(x) for x in row]
            want = [
                exact(*mp),
                *(derivative(exact, row, i, 1e-3 * row[2 * (i == 2)]) for i in range(3)),
            ]
            # An exponent v carries its own rounding, v times larger.
            bound = error * (1 + abs(row[0] * row[1]) / 10)
            for got, right in zip([values[k], *(s[k] for s in slopes)], want, strict=True):
                if smallest < right < largest:
                    assert float(got) == pytest.approx(float(right), rel=bound), row


def test_interval_far_out_keeps_its_digits():
    # log(S(z) - S(z + w)) at 50 digits; the difference of float64 survival functions is 0 here.
    with jax.enable_x64(True):
        for shape in (0.0, 1e-8, 0.3, 0.9, -1e-7):
            for z, width in ((1e6, 1.0), (1e3, 1e-3), (0.0, 1e-9)):
                near = exact_logsf(z, shape, SCALE)
                far = exact_logsf(mpmath.mpf(z) + mpmath.mpf(width), shape, SCALE)
                want = near + mpmath.log(-mpmath.expm1(far - near))
                got = compiled("loginterval")(z, width, shape, SCALE)
                assert float(got) == pytest.approx(float(want), rel=1e-13)
        assert float(compiled("loginterval")(3.0, 0.0, 0.1, 1.0)) == -np.inf
        assert float(compiled("loginterval")(20.0, 1.0, -0.1, 1.0)) == -np.inf
        assert float(compiled("loginterval")(0.0, np.inf, 0.1, 1.0)) == 0
        assert float(compiled("loginterval")(np.inf, 0.0, 0.1, 1.0)) == -np.inf
        assert np.isnan(compiled("loginterval")(1.0, np.nan, 0.1, 1.0))


def test_moments_agree_with_scipy():
    with jax.enable_x64(True):
        shape = np.array([-0.4, -1.0, 1e-8, 0.2, -2.5, 0.5, 0.9, 1.0, 1.5])
        mean, variance = scipy.stats.genpareto.stats(shape, scale=SCALE)
        np.testing.assert_allclose(genpareto.mean(shape, SCALE), mean, rtol=1e-12)
        got = genpareto.variance(shape, SCALE)
        np.testing.assert_allclose(got[shape < 0.5], variance[shape < 0.5], rtol=1e-10)
        assert np.all(np.isinf(got[shape >= 0.5]))
        square = genpareto.second_moment(shape[:5], SCALE)
        np.testing.assert_allclose(square, variance[:5] + mean[:5] ** 2, rtol=1e-10)
        assert np.all(np.isinf(genpareto.second_moment(shape[5:], SCALE)))
        entropy = scipy.stats.genpareto.entropy(shape, scale=SCALE)
        np.testing.assert_allclose(genpareto.entropy(shape, SCALE), entropy, rtol=1e-12)


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
        assert float(compiled("crps")(z, shape, SCALE)) == pytest.approx(want, rel=1e-7)
        assert float(compiled("integrated_sf")(z, shape, SCALE)) == pytest.approx(part, rel=1e-7)


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
    assert float(compiled("crps")(z, shape, 1.0)) == pytest.approx(want, rel=1e-6)


def exact_integral(t, shape, scale):
    """Integral of S from 0 to t, in mpmath."""
    shape, scale = mpmath.mpf(shape), mpmath.mpf(scale)
    if shape < 0:
        t = min(t, -scale / shape)
    if t == mpmath.inf:
        return scale / (1 - shape)
    t = mpmath.mpf(t)
    if shape == 0:
        return -scale * mpmath.expm1(-t / scale)
    if shape == 1:
        return scale * mpmath.log1p(t / scale)
    power = 1 - 1 / shape
    return scale / (shape - 1) * ((1 + shape * t / scale) ** power - 1)


def exact_window(z, shape, scale, mass, start, stop):
    """The score between start and stop for z >= 0, in mpmath."""
    shape, scale, mass = (mpmath.mpf(x) for x in (shape, scale, mass))
    split = min(max(z, start), stop)
    body = exact_integral(split, shape, scale) - exact_integral(start, shape, scale)
    square = [exact_integral(t, shape / 2, scale / 2) for t in (start, stop)]
    first = mpmath.mpf(split) - mpmath.mpf(start)
    return first - 2 * mass * body + mass**2 * (square[1] - square[0])


WINDOWS = [(0, np.inf), (0.5, np.inf), (0.5, 2), (1, 1.001), (7, 50), (1e4, np.inf), (1e4, 1e4 + 1)]
SCORED = [-1.3, -0.4, 0.0, 1e-9, 0.3, 1.0, 1.6, 3.0]


@pytest.mark.parametrize(
    ("dtype", "error"),
    [pytest.param(np.float32, 3e-5, marks=pytest.mark.slow), (np.float64, 1e-12)],
)
@pytest.mark.parametrize("mass", [1.0, 0.04])
def test_crps_between_two_points_keeps_its_digits(mass, dtype, error):
    zs = [0.0, 0.5, 1.0, 1.0005, 6.0, 1e4 + 0.5, 1e6]
    rows = [(z, shape, *w) for z in zs for shape in SCORED for w in WINDOWS]
    rows = [row for row in rows if row[1] < 2 or row[3] < np.inf]
    z, shape, start, stop = np.array(rows, dtype).T
    with jax.enable_x64(dtype == np.float64), mpmath.workdps(60):
        arguments = z, shape, dtype(SCALE), dtype(mass), start, stop
        got, slopes = values_and_slopes(score)(*arguments)
        exact = zip(*(x.tolist() for x in (z, shape, start, stop)), strict=True)
        mass = float(dtype(mass))
        want = [float(exact_window(a, xi, SCALE, mass, low, high)) for a, xi, low, high in exact]
        np.testing.assert_allclose(got, want, rtol=error, atol=1e-37)
        # Known to have no stop, the score is computed by another formula.
        whole = stop == np.inf
        got, rest = values_and_slopes(score_beyond)(*(np.resize(x, z.shape) for x in arguments[:5]))
        np.testing.assert_allclose(
            np.asarray(got)[whole], np.array(want)[whole], rtol=error, atol=1e-37
        )
        slopes = *slopes, *rest
        assert all(np.all(np.isfinite(x)) for x in slopes)


def test_gradient_of_the_crps_between_two_points():
    arguments = [(z, xi, SCALE, 0.3, low, high) for z in (0.7, 3.0, 9.0) for xi in SCORED[1:5]
                 for low, high in [(1.0, 5.0), (0.5, 40.0)]]  # fmt: skip
    with jax.enable_x64(True), mpmath.workdps(80):
        columns = (jnp.array(column) for column in zip(*arguments, strict=True))
        _, slopes = values_and_slopes(score)(*columns)
        for k, row in enumerate(arguments):
            for index in range(6):
                want = float(derivative(exact_window, row, index, 1.0))
                assert float(slopes[index][k]) == pytest.approx(want, rel=1e-11, abs=1e-12)


def test_edges_of_the_crps():
    crps = compiled("crps")
    assert float(crps(1.0, 0.2, start=2.0, stop=1.0)) == 0
    assert float(crps(1.0, 0.2, start=1.0, stop=1.0)) == 0
    assert float(crps(1.0, 2.0)) == np.inf
    assert float(crps(np.inf, 0.2)) == float(crps(np.inf, 1.5)) == np.inf
    assert np.isfinite(crps(np.inf, 0.2, start=1.0, stop=9.0))
    assert np.isfinite(crps(1.0, 2.0, stop=9.0))
    assert float(crps(-2.0, 0.0)) == pytest.approx(2.5)
    assert float(crps(-2.0, 0.0, start=1.0)) == pytest.approx(np.exp(-2) / 2)
    # Beyond the end point, at 2, the score is the distance to go.
    assert float(crps(9.0, -0.5, start=3.0, stop=5.0)) == 2
    assert all(np.isnan(crps(*a)) for a in [(np.nan, 0.1), (1.0, np.nan), (1.0, 0.1, -1.0)])
    extremes = np.array([0, 2e-38, 1e-10, 1, 1e10, 1e30], np.float32)
    shape = np.concatenate([-extremes, extremes[1:], [0.5, 1.0, 1.9]]).astype(np.float32)
    z, shape, scale, start = (
        x.ravel() for x in np.meshgrid(extremes, shape, extremes[1:], extremes)
    )
    for stop in (2.0, np.inf):
        arguments = z, shape, scale, np.full_like(z, 0.1), start, np.full_like(z, stop)
        values, slopes = values_and_slopes(score)(*arguments)
        assert not any(np.any(np.isnan(x)) for x in (values, *slopes))
    for function, count in ((score_beyond, 5), (genpareto.crps, 4)):
        values, slopes = values_and_slopes(function)(*arguments[:count])
        assert not any(np.any(np.isnan(x)) for x in (values, *slopes))


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
            values, (slope,) = values_and_slopes(function)(jnp.asarray(inputs))
            np.testing.assert_allclose(values, want, rtol=error)
            want = [float(mpmath.diff(exact, mpmath.mpf(float(x)))) for x in inputs]
            np.testing.assert_allclose(slope, want, rtol=10 * error)
            value, (slope,) = values_and_slopes(function)(jnp.zeros((), dtype))
            assert float(value) == 1
            assert float(slope) == pytest.approx(-0.5 if function is log1p_ratio else 0.5)
        a, b = dtype(1.1), dtype(-2.7)
        c = dtype(-a * b)
        want = mpmath.mpf(float(a)) * mpmath.mpf(float(b)) + mpmath.mpf(float(c))
        assert float(jax.jit(multiply_add)(*map(jnp.asarray, (a, b, c)))) == pytest.approx(
            float(want), rel=error, abs=0
        )
        x = np.array([1e-30, 1e-8, 0.3, 0.69, 0.7, 5, 80, np.inf], dtype)
        want = [float(mpmath.log(-mpmath.expm1(-mpmath.mpf(float(v))))) for v in x]
        x = jnp.asarray(np.append(x, 0.0), dtype)
        values, (slope,) = values_and_slopes(log1mexp)(x)
        np.testing.assert_allclose(values[:-1], want, rtol=error, atol=1e-35)
        assert float(values[-1]) == -np.inf
        assert float(slope[-1]) == 0


def test_sums_in_log_space_of_nothing():
    logits = jnp.array([5.0, -800.0, -801.0])
    dot, total = (jax.jit(jax.value_and_grad(function)) for function in (log_dot, log_sum))
    assert float(dot(logits, jnp.array([0.0, 1.0, 0.0]))[0]) == -800
    value, slope = dot(logits, jnp.zeros(3))
    assert float(value) == -np.inf
    assert np.all(slope == 0)
    nothing = jnp.asarray(-jnp.inf)
    value, slope = total(nothing, nothing)
    assert float(value) == -np.inf
    assert float(slope) == 0
    assert float(total(nothing, jnp.asarray(2.0))[0]) == 2
