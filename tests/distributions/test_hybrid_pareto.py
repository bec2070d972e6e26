"""The hybrid Pareto mixture, and its score by quadrature, against mpmath and SciPy."""

import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from mpmath import mpf

from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.hybrid_component import join
from sbp_jax.distributions.hybrid_pareto import HybridPareto
from sbp_jax.distributions.score_quadrature import score_integral

mpmath.mp.dps = 40
PAIR = HybridPareto(components=2)


@functools.cache
def compiled(method, components=2):
    return jax.jit(getattr(HybridPareto(components), method))


@functools.cache
def with_slope(method, components=2):
    """Values of a method at a row of points, and its derivatives in y."""
    function = jax.value_and_grad(getattr(HybridPareto(components), method), 1)
    return jax.jit(jax.vmap(function, (None, 0)))


@pytest.fixture
def _double_precision():
    with jax.enable_x64(True):
        yield


def junction(shape):
    """Junction, Pareto scale and gamma of a standard component, at 40 digits."""
    at = mpmath.sqrt(mpmath.lambertw((1 + mpf(shape)) ** 2 / (2 * mpmath.pi)).real)
    return at, (1 + mpf(shape)) / at, 1 + mpmath.ncdf(at)


def exact_tail(z, shape):
    """Survival function of a standard component that faces up."""
    at, beta, gamma = junction(shape)
    if z < at:
        return 1 - mpmath.ncdf(z) / gamma
    if shape == 0:
        return mpmath.exp(-(z - at) / beta) / gamma
    return (1 + mpf(shape) * (z - at) / beta) ** (-1 / mpf(shape)) / gamma


def exact_density(z, shape):
    at, beta, gamma = junction(shape)
    if z < at:
        return mpmath.npdf(z) / gamma
    tail = mpmath.exp(-(z - at) / beta)
    if shape != 0:
        tail = max(1 + mpf(shape) * (z - at) / beta, mpf(0)) ** (-1 / mpf(shape) - 1)
    return tail / beta / gamma


def alone(shape, loc=0.0, scale=1.0, *, upward=True, dtype=np.float64):
    """Parameters of two components of which one has all the weight."""
    logits = np.array([0.0, -1e30] if upward else [-1e30, 0.0])
    row = np.ones(2)
    return PAIR.Params(
        *(np.asarray(x, dtype) for x in (logits, loc * row, scale * row, shape * row))
    )


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2, 0.95])
@pytest.mark.usefixtures("_double_precision")
def test_joint_is_smooth(shape):
    at, beta, gamma = junction(shape)
    got = join(jnp.asarray(shape))
    np.testing.assert_allclose(got, [float(x) for x in (at, beta, mpmath.log(gamma))], rtol=1e-14)
    # The same value and slope from either side.
    params, at = alone(shape), float(at)
    sides = np.array([at - 1e-9, at + 1e-9])
    density, slope = with_slope("log_prob")(params, sides)
    assert float(density[0] - density[1]) == pytest.approx(0, abs=1e-8)
    np.testing.assert_allclose(slope, [-at, -at], rtol=1e-7)
    assert float(compiled("sf")(params, sides)[1]) == pytest.approx(float(1 / gamma), rel=1e-8)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 2e-5), (np.float64, 1e-11)])
@pytest.mark.parametrize("shape", [0.0, 0.25, 0.95])
def test_values_near_and_far(shape, dtype, error):
    with jax.enable_x64(dtype == np.float64):
        z = np.array([-1e6, -300.0, -9.0, -1.0, 0.25, 0.5, 3.0, 40.0, 1e3, 1e6], dtype)
        tails = [exact_tail(mpf(x), shape) for x in z.tolist()]
        gamma = junction(shape)[2]
        below = [
            mpmath.log(mpmath.ncdf(mpf(x)) / gamma) if x < 0 else mpmath.log(1 - t)
            for x, t in zip(z.tolist(), tails, strict=True)
        ]
        above = [float(mpmath.log(t)) for t in tails]
        density = [float(mpmath.log(exact_density(mpf(x), shape))) for x in z.tolist()]
        below = [float(x) for x in below]
        up, down = (alone(shape, upward=side, dtype=dtype) for side in (True, False))
        for params, sign, log_sf, log_cdf in ((up, 1, above, below), (down, -1, below, above)):
            y = (sign * z).astype(dtype)
            close = {"rtol": error, "atol": error}
            np.testing.assert_allclose(compiled("log_sf")(params, y), log_sf, **close)
            np.testing.assert_allclose(compiled("log_cdf")(params, y), log_cdf, **close)
            np.testing.assert_allclose(compiled("log_prob")(params, y), density, **close)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
@pytest.mark.usefixtures("_double_precision")
def test_moments_of_one_component(shape):
    at, beta, _ = junction(shape)
    end = at - beta / mpf(shape) if shape < 0 else mpmath.inf
    cuts = [-mpmath.inf, -3, at, at + 5, at + 6, end]
    first, second = (
        mpmath.quad(lambda z, n=n: z**n * exact_density(z, shape), cuts) for n in (1, 2)
    )
    error = 1e-10 if shape <= 0 else 1e-5  # of this quadrature, with a heavy tail
    for sign, upward in ((1, True), (-1, False)):
        params = alone(shape, loc=2.0, scale=3.0, upward=upward)
        assert float(compiled("mean")(params)) == pytest.approx(
            float(2 + sign * 3 * first), rel=error
        )
        want = float(9 * (second - first**2))
        assert float(compiled("variance")(params)) == pytest.approx(want, rel=error)


def test_moments_that_do_not_exist():
    def at(up, down):
        zeros = jnp.zeros(2)
        params = PAIR.Params(zeros, zeros, zeros + 1, jnp.array([up, down]))
        return float(compiled("mean")(params)), float(compiled("variance")(params))

    assert at(0.6, 0.1)[1] == np.inf
    assert np.isfinite(at(0.6, 0.1)[0])
    assert at(1.2, 0.1) == (np.inf, np.inf)
    assert at(0.1, 1.2) == (-np.inf, np.inf)
    assert np.isnan(at(1.2, 1.2)[0])


@pytest.mark.usefixtures("_double_precision")
def test_mixture_is_the_weighted_sum():
    # Three components, two of which face up, written out at 40 digits.
    logits, locs, scales, shapes = (
        [0.0, -1.0, 0.5],
        [1.0, 4.0, -2.0],
        [1.0, 0.3, 2.0],
        [0.3, 0.05, 0.2],
    )
    params = HybridPareto.Params(*(np.array(x) for x in (logits, locs, scales, shapes)))
    weights = np.exp(logits) / np.sum(np.exp(logits))
    for y in (-50.0, -2.5, 0.0, 1.5, 4.1, 80.0):
        density = mpf(0)
        for k, sign in enumerate((1, 1, -1)):
            z = sign * (mpf(y) - locs[k]) / scales[k]
            density += mpf(weights[k]) * exact_density(z, shapes[k]) / scales[k]
        assert float(compiled("log_prob", 3)(params, y)) == pytest.approx(
            float(mpmath.log(density)), rel=1e-12
        )


@pytest.mark.usefixtures("_double_precision")
def test_quantile_far_out_and_with_unequal_weights():
    # The component of next to no weight has its median 1e4 scales away, and the heavier tail.
    params = PAIR.Params(*np.array([[0.0, -40.0], [0.0, -1e4], [1.0, 100.0], [0.2, 0.95]]))
    q = np.array([1e-25, 1e-18, 1e-12, 1e-5, 0.2, 0.5, 0.8, 1 - 1e-5, 1 - 1e-9, 1 - 1e-12])
    y = compiled("quantile")(params, q)
    np.testing.assert_allclose(compiled("log_cdf")(params, y)[:6], np.log(q[:6]), rtol=1e-12)
    np.testing.assert_allclose(compiled("log_sf")(params, y)[6:], np.log1p(-q[6:]), rtol=1e-12)


def component(shape, loc, scale, sign):
    """Distribution functions below and above, written with SciPy."""
    at, beta, gamma = (float(x) for x in junction(shape))
    tail = scipy.stats.genpareto(shape, scale=beta)

    def beyond(z):
        body = 1 - scipy.stats.norm.cdf(np.minimum(z, at)) / gamma
        return np.where(z < at, body, tail.sf(z - at) / gamma)

    def short(z):
        body = scipy.stats.norm.cdf(np.minimum(z, at)) / gamma
        return np.where(z < at, body, 1 - tail.sf(z - at) / gamma)

    def of(function):
        return lambda y: function(sign * (y - loc) / scale)

    return (of(short), of(beyond)) if sign > 0 else (of(beyond), of(short))


def mixture(params):
    weights = np.exp(params.logits) / np.sum(np.exp(params.logits))
    up = (len(weights) + 1) // 2
    parts = [
        component(params.shapes[k], params.locs[k], params.scales[k], 1 if k < up else -1)
        for k in range(len(weights))
    ]
    return (
        lambda y, side=side: sum(w * p[side](y) for w, p in zip(weights, parts, strict=True))
        for side in (0, 1)
    )


def squared(function, start, stop, params):
    """Integral of the square by SciPy, cut finely around every component."""
    ladder = np.concatenate([[0.0], 10.0 ** np.arange(-1, 5.0), 3 * 10.0 ** np.arange(-1, 5.0)])
    cuts = params.locs[:, None] + params.scales[:, None] * np.concatenate([-ladder, ladder])
    cuts = np.unique([start, *cuts[(cuts > start) & (cuts < stop)], stop])
    rule = scipy.integrate.tanhsinh(lambda t: function(t) ** 2, cuts[:-1], cuts[1:], rtol=1e-12)
    return rule.integral.sum()


SCORED = [
    ([0.0, -3.0], [0.0, 30.0], [0.1, 50.0], [0.95, 0.9]),
    (
        [0.0, -2.0, 1.0, -5.0],
        [0.0, 300.0, -5.0, -20.0],
        [1.0, 0.01, 5.0, 100.0],
        [0.9, 0.1, 0.3, 0.95],
    ),
]


@pytest.mark.parametrize("columns", SCORED)
@pytest.mark.usefixtures("_double_precision")
def test_crps_by_quadrature(columns):
    params = HybridPareto.Params(*(np.array(x) for x in columns))
    cdf, sf = mixture(params)
    y = np.array([-1e5, -20.0, -0.31, 1.7, 25.0, 1e6])
    score, slope = with_slope("crps", len(params.locs))(params, y)
    want = [squared(cdf, -np.inf, x, params) + squared(sf, x, np.inf, params) for x in y]
    np.testing.assert_allclose(score, want, rtol=1e-6)
    np.testing.assert_allclose(slope, cdf(y) ** 2 - sf(y) ** 2, rtol=1e-10)


def gaussian_part(y, start, stop):
    params = Gaussian.Params(jnp.zeros(()), jnp.ones(()))
    cdf, sf = (functools.partial(f, params) for f in (Gaussian().cdf, Gaussian().sf))
    one = jnp.ones(1)
    return score_integral(cdf, sf, y, 0 * one, one, start=start, stop=stop)


@pytest.mark.usefixtures("_double_precision")
def test_parts_of_the_score():
    norm = scipy.stats.norm
    ranges = np.array([[-np.inf, np.inf], [0.5, np.inf], [-np.inf, -1], [-0.3, 2], [5, 9], [2, 1]])
    y = np.array([-3.0, -0.1, 0.7, 6.0])
    part = jax.jit(gaussian_part)
    for start, stop in ranges:
        for x, got in zip(y, part(y, start, stop), strict=True):
            middle = np.clip(x, start, stop)
            below = scipy.integrate.quad(lambda t: norm.cdf(t) ** 2, start, middle, epsabs=0)[0]
            above = scipy.integrate.quad(lambda t: norm.sf(t) ** 2, middle, stop, epsabs=0)[0]
            want = below + above if stop > start else 0.0
            assert float(got) == pytest.approx(want, rel=1e-6)
    # Infinite observations count if the range ends before them.
    assert float(part(np.inf, -1.0, 1.0)) == pytest.approx(float(part(1.0, -1.0, 1.0)))
    assert float(part(np.inf, 0.0, np.inf)) == np.inf
    assert np.isnan(part(np.nan, 0.0, np.inf))
    slopes = jax.grad(gaussian_part, (0, 1, 2))(0.4, -0.5, 1.5)
    want = [norm.cdf(0.4) ** 2 - norm.sf(0.4) ** 2, -(norm.cdf(-0.5) ** 2), norm.sf(1.5) ** 2]
    np.testing.assert_allclose(slopes, want, rtol=1e-12)


def test_constrain_maps():
    family = HybridPareto(components=4, center=5.0, spread=2.0)
    params = family.constrain(jnp.zeros(16))
    np.testing.assert_allclose(params.locs, [5, 6, 5, 4])
    np.testing.assert_allclose(params.scales, 0.5, rtol=1e-6)
    np.testing.assert_allclose(params.shapes, 0.1, rtol=1e-6)
    spread = float(family.variance(params)) ** 0.5
    assert spread == pytest.approx(2.0, rel=0.2)
    far = family.constrain(jnp.full(16, 1e30))
    np.testing.assert_allclose(far.locs, 5 + 2e4)
    np.testing.assert_allclose(far.shapes, 0.95, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 1}, "components: expected a whole number >= 2, got 1"),
        ({"spread": 0.0}, "spread: expected a finite number > 0, got 0.0"),
        ({"center": np.inf}, "center: expected a finite number, got inf"),
        ({"shape_range": (-1.0, 0.5)}, "shape_range: expected"),
    ],
)
def test_static_misuse_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HybridPareto(**options)
