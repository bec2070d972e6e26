"""Entropy, second moment and the scores of tails, against quadrature and written-out formulas."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import Gaussian, SplicedBinnedPareto
from tests.distributions.case import integrate
from tests.distributions.cases_bins import CASES

SPLICED = [
    pytest.param(case, id=case.name, marks=pytest.mark.slow if case.name == "lower" else ())
    for case in CASES
    if isinstance(case.family, SplicedBinnedPareto)
]
INFINITY = float("inf")


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


@functools.cache
def scored(family):
    return jax.jit(family.twcrps)


@pytest.fixture(params=SPLICED, scope="module")
def spliced(request):
    return request.param


def test_entropy_is_its_integral(spliced):
    def minus_f_log_f(k, y):
        log_prob = spliced("log_prob", k, y)
        return -np.exp(log_prob) * np.where(np.isfinite(log_prob), log_prob, 0.0)

    want = integrate(minus_f_log_f, [spliced.cuts(k) for k in spliced.sets])
    np.testing.assert_allclose(spliced.family.entropy(spliced.params), want, rtol=1e-7)


def test_second_moment_is_variance_and_squared_mean(spliced):
    family, params = spliced.family, spliced.params
    want = family.variance(params) + family.mean(params) ** 2
    np.testing.assert_allclose(family.second_moment(params), want, rtol=1e-12)


# Around nothing, one tail, one bin, a threshold, all.
SPANS = [(-INFINITY, -20.0), (-INFINITY, 3.0), (-6.0, 2.5), (12.0, INFINITY), (60.0, 90.0)]


@pytest.mark.parametrize("y", [-50.0, 0.25, 70.0])
@pytest.mark.parametrize(("low", "high"), SPANS)
def test_twcrps_is_its_integral(spliced, y, low, high):
    found = scored(spliced.family)(spliced.params, y, low, high)
    inner = [np.unique(np.clip([*spliced.cuts(k), y, low, high], low, high)) for k in spliced.sets]
    want = integrate(lambda k, t: spliced("cdf", k, t) ** 2, [c[c <= y] for c in inner])
    want += integrate(lambda k, t: spliced("sf", k, t) ** 2, [c[c >= y] for c in inner])
    np.testing.assert_allclose(found, want, rtol=1e-7, atol=1e-12)


@pytest.mark.slow
def test_twcrps_parts_add_up_and_edges(spliced):
    family, params = spliced.family, spliced.params
    y = np.array([-40.0, -1.0, 3.0, 25.0, 80.0])[:, None]
    whole = jax.jit(family.crps)(params, y)
    twcrps = jax.jit(family.twcrps)
    np.testing.assert_allclose(twcrps(params, y, -INFINITY, INFINITY), whole, rtol=1e-12)
    for r in (-45.0, -5.0, 0.7, 30.0, 100.0):
        parts = twcrps(params, y, -INFINITY, r) + twcrps(params, y, r, INFINITY)
        np.testing.assert_allclose(parts, whole, rtol=1e-11)
    assert np.all(twcrps(params, y, 5.0, 5.0) == 0)
    assert np.all(twcrps(params, y, 7.0, 5.0) == 0)
    slopes = jax.jit(jax.grad(lambda p, *a: family.twcrps(p, *a).sum(), (0, 1, 2, 3)))(
        params, y, np.full_like(y, -1.0), np.full_like(y, 80.0)
    )
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


def test_twcrps_far_out_does_not_cancel():
    # With y far below, the score beyond r is b^2 int_(r - t)^inf S^2, however small.
    family = SplicedBinnedPareto(np.arange(21.0), 0.05)
    params = family.constrain(jnp.zeros(24))._replace(upper_shape=0.2, upper_scale=1.0)
    upper = float(family.thresholds(params)[1])
    square = scipy.stats.genpareto(0.1, scale=0.5)
    want = 0.05**2 * square.sf(1e5 - upper) * (0.5 + 0.1 * (1e5 - upper)) / 0.9
    found = float(family.twcrps(params, 0.0, lower=1e5))
    assert found == pytest.approx(want, rel=1e-10)


def test_tail_log_score():
    family, params = Gaussian(), Gaussian.Params(jnp.asarray(1.0), jnp.asarray(2.0))
    law = scipy.stats.norm(1.0, 2.0)
    y = np.array([-3.0, 2.0, 4.0])
    above = family.tail_log_score(params, y, 2.0)
    np.testing.assert_allclose(above, [-law.logcdf(2.0)] * 2 + [-law.logpdf(4.0)], rtol=1e-12)
    below = family.tail_log_score(params, y, 2.0, upper=False)
    np.testing.assert_allclose(below, [-law.logpdf(-3.0)] + [-law.logsf(2.0)] * 2, rtol=1e-12)


def test_tail_log_score_is_proper_in_the_mean():
    # E score(G) - E score(F) >= 0 under F; the difference is a censored Kullback-Leibler distance.
    family = SplicedBinnedPareto(np.arange(-10.0, 11.0), 0.1)
    truth = family.constrain(jnp.zeros(24))
    heavier = truth._replace(upper_shape=0.6)
    y = family.sample(jax.random.key(0), truth, (20_000,))
    gain = np.asarray(family.tail_log_score(heavier, y, 8.0) - family.tail_log_score(truth, y, 8.0))
    assert gain.mean() > 3 * gain.std() / np.sqrt(gain.size)


def test_without_a_tail_its_parameters_are_neither_emitted_nor_read():
    family = SplicedBinnedPareto(np.arange(11.0), (None, 0.1))
    assert family.num_outputs == 12
    params = family.constrain(jnp.zeros(12))
    assert [float(x) for x in params[1:]] == pytest.approx([0.0, 1.0, 0.1, 1.0])
    assert float(family.thresholds(params)[0]) == 0
    y = jnp.array([-1.0, 0.5, 9.5, 30.0])

    def total(p):
        values = (family.log_prob(p, y), family.crps(p, y), family.cdf(p, y), family.entropy(p))
        return sum(jnp.sum(jnp.where(jnp.isfinite(v), v, 0.0)) for v in values)

    slopes = jax.jit(jax.grad(total))(params)
    assert float(slopes.lower_shape) == float(slopes.lower_scale) == 0
    assert float(slopes.upper_shape) != 0
    # The score of an observation below the support: its distance, then the law's from 0 up.
    assert float(family.crps(params, -4.0) - family.crps(params, 0.0)) == pytest.approx(4)
