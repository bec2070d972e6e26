"""Threshold-weighted scores within 1e-4 of SciPy's integral, and far ratios in float32."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from sbp_jax.distributions import GaussianMixture, HybridPareto, QuantileHead, StudentT, genpareto
from sbp_jax.distributions.threshold_weighted import twcrps

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


def test_far_ratios():
    mpmath.mp.dps = 40
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
