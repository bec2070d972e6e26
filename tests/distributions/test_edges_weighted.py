"""Threshold-weighted scores within 1e-4 of SciPy's integral, and far ratios in float32."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from sbp_jax.distributions import (
    Gaussian,
    GaussianMixture,
    HybridPareto,
    Moved,
    QuantileHead,
    StudentT,
    genpareto,
)
from sbp_jax.distributions.threshold_weighted import twcrps
from sbp_jax.export.spliced import hazard

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
Y = np.array([-6.0, 0.0, 0.4, 0.4, 3.0, 25.0, np.inf], np.float32)
LOWER = np.array([-1.0, -np.inf, 0.3, 1.5, 2.9, 4.0, np.inf], np.float32)


def check(family, params, cdf, sf, knots):
    """Scores of one distribution at all Y and LOWER against quadrature from knot to knot."""

    @jax.jit
    def scores(params, y, lower):
        return jax.vmap(lambda y, lower: twcrps(family, params, y, lower))(y, lower)

    def expected(y, lower):
        if lower == np.inf:
            return 0.0
        far = [-1e4, *knots, 1e4]
        cuts = np.unique(np.clip([*far, y, lower, 1e5], max(lower, -1e5), 1e5))
        return sum(
            scipy.integrate.quad(
                lambda t: cdf(t) ** 2 if t < y else sf(t) ** 2, *ends, epsrel=1e-9, epsabs=1e-13
            )[0]
            for ends in itertools.pairwise(cuts)
        )

    found = scores(params, Y, LOWER)
    np.testing.assert_allclose(found, [expected(*x) for x in zip(Y, LOWER, strict=True)], rtol=1e-4)


def test_quantile_head():
    levels, points = np.array([0.1, 0.3, 0.6, 0.9]), np.array([-1.0, 0.0, 0.5, 4.0])
    low, high = 0.1 * 1.0 / 0.2, 0.1 * 3.5 / 0.3

    def cdf(t):
        if t < points[0]:
            return 0.1 * np.exp((t - points[0]) / low)
        return np.interp(t, points, levels) if t < points[-1] else 1 - sf(t)

    def sf(t):
        return 0.1 * np.exp((points[-1] - t) / high) if t >= points[-1] else 1 - cdf(t)

    family = QuantileHead(tuple(levels))
    check(family, family.Params(jnp.asarray(points)), cdf, sf, [-10.0, *points, 20.0])


def test_a_mixture_of_five_normals():
    weights, locs = np.array([0.5, 0.3, 0.1, 0.05, 0.05]), np.array([0.0, 0.4, 3.0, -5.0, 20.0])
    scales = np.array([1.0, 0.02, 0.5, 0.1, 3.0])
    params = GaussianMixture.Params(*(jnp.asarray(x) for x in (np.log(weights), locs, scales)))
    cdf = lambda t: weights @ scipy.stats.norm.cdf((t - locs) / scales)  # noqa: E731
    sf = lambda t: weights @ scipy.stats.norm.sf((t - locs) / scales)  # noqa: E731
    knots = (locs + scales * np.array([-8, -3, -1, 0, 1, 3, 8])[:, None]).ravel()
    check(GaussianMixture(5), params, cdf, sf, knots)


@pytest.mark.slow
@pytest.mark.parametrize("family", [StudentT(), HybridPareto(4)], ids=["student t", "hybrid"])
def test_families_that_have_no_closed_form(family):
    raw = np.random.default_rng(1).normal(size=family.num_outputs)
    params = family.constrain(jnp.asarray(raw, jnp.float32))
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
        cdf, sf = (jax.jit(lambda t, f=f: f(wide, t)) for f in (family.cdf, family.sf))
        check(
            family, params, cdf, sf, [*np.arange(-8.0, 9.0), -1e3, -100.0, -30.0, 30.0, 100.0, 1e3]
        )


@mpmath.workdps(40)
def test_far_ratios():
    rows = [(1e12, 0.1, 1e-30), (1e30, 0.5, 1e-20), (1e25, 1e-6, 1e-30), (1e-30, 0.3, 1e30)]
    z, shape, scale = np.array(rows, np.float32).T
    found = genpareto.logsf(z, shape, scale), genpareto.logpdf(z, shape, scale)
    exact = [[mpmath.mpf(float(x)) for x in row] for row in zip(z, shape, scale, strict=True)]
    hazard = [mpmath.log1p(xi * z / beta) / xi for z, xi, beta in exact]
    logpdf = [-mpmath.log(b) - (1 + xi) * h for h, (_, xi, b) in zip(hazard, exact, strict=True)]
    np.testing.assert_allclose(found[0][:3], [-float(h) for h in hazard[:3]], rtol=1e-6)
    np.testing.assert_allclose(found[1], [float(x) for x in logpdf], rtol=1e-6)
    small = genpareto.integrated_sf(np.float32(1e-30), 0.3, 1e30)
    np.testing.assert_allclose(small, 1e-30, rtol=1e-6)
    # S is 0 in float32, the integral is not; nor does beta + xi z overflow to it.
    found = genpareto.integrated_sf(np.float32([1e25, 3e38]), 1.5, np.float32([1e-37, 1.0]))
    z, scale = (np.float32(x).astype(float) for x in ([1e25, 3e38], [1e-37, 1.0]))
    np.testing.assert_allclose(found, 2 * scale * ((1 + 1.5 * z / scale) ** (1 / 3) - 1), rtol=2e-5)


FAR = np.array([(1e12, 1e-30), (1e30, 1e-10), (-1e30, 1e-30), (1e5, 1e-3)], np.float32)


def far_values(family, params):
    @jax.jit
    def program(y, *params):
        p = family.Params(*params)
        near, beyond = jnp.minimum(y, 2 * y), jnp.maximum(y, 2 * y)
        side = jnp.where(y > 0, family.log_sf(p, y), family.log_cdf(p, y))
        return family.log_prob(p, y), side, family.log_interval(p, near, beyond)

    return program(FAR[:, 0], *params)


def test_student_t_far_off():
    y, scale = FAR.T
    params = StudentT.Params(np.zeros(4, np.float32), scale, np.float32(5))
    z = np.abs(FAR[:, 0].astype(float)) / FAR[:, 1].astype(float)
    tail = scipy.stats.t(5).logsf(z)
    whole = scipy.stats.t(5).logpdf(z) - np.log(scale.astype(float))
    expected = whole, tail, tail + np.log1p(-(2.0**-5))
    np.testing.assert_allclose(far_values(StudentT(), params), expected, rtol=1e-5)
    np.testing.assert_allclose(StudentT().crps(params, y), np.abs(y), rtol=1e-5)
    np.testing.assert_allclose(Gaussian().crps(Gaussian.Params(*params[:2]), y), np.abs(y), 1e-5)
    family, shape = Moved(Gaussian()), np.zeros(4, np.float32)
    moved = family.Params(shape, scale, Gaussian.Params(shape, shape + 1))
    np.testing.assert_allclose(family.crps(moved, y), np.abs(y), rtol=1e-5)
    found = hazard(np.float32([1e12, 1e12]), np.float32([0.1, 0]), np.float32(1e-30))
    np.testing.assert_allclose(found, [944.0599, np.inf], rtol=1e-6)


@pytest.mark.slow
def test_hybrid_pareto_far_off():
    scale, xi = FAR[:, 1].astype(float), 0.3
    pair = np.ones((4, 2), np.float32)
    params = HybridPareto.Params(0 * pair, 0 * pair, pair * FAR[:, 1:], np.float32(xi) * pair)
    at = np.sqrt(scipy.special.lambertw((1 + xi) ** 2 / (2 * np.pi)).real)
    law = scipy.stats.genpareto(xi, loc=at, scale=(1 + xi) / at)
    less = np.log(2) + np.log1p(scipy.stats.norm.cdf(at))
    z = np.abs(FAR[:, 0].astype(float)) / scale
    tail = law.logsf(z) - less
    expected = law.logpdf(z) - np.log(scale) - less, tail, tail + np.log1p(-(2 ** (-1 / xi)))
    np.testing.assert_allclose(far_values(HybridPareto(2), params), expected, rtol=1e-5)
