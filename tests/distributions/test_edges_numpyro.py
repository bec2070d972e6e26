"""Families under NumPyro's censoring and truncation, its divergences, and pickle."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sbp_jax import errors
from sbp_jax.distributions import (
    Binned,
    Gaussian,
    HybridPareto,
    Law,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.distributions.numpyro_adapter import to_numpyro

pytest.importorskip("numpyro", reason="needs the extra: pip install sbp-jax[numpyro]")

import numpyro.distributions as dist

SCALES = np.array([1.0, 2.0, 3.0])
NORMAL = to_numpyro(Gaussian(), Gaussian.Params(jnp.zeros(3), jnp.asarray(SCALES, jnp.float32)))
SPLICED = SplicedBinnedPareto([-2.0, 0.0, 2.0], 0.1)
TAILED = to_numpyro(SPLICED, SPLICED.constrain(jnp.zeros(6)))
FLAGS = jnp.array([True, False, True])
LAW = stats.norm(0, SCALES)

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


@pytest.fixture(autouse=True)
def _numpyro_promotes_ranks():
    """Its own code adds arrays of different ranks, which this suite forbids ours to do."""
    with jax.numpy_rank_promotion("allow"):
        yield


def test_censored_values_count_with_the_whole_tail():
    right = dist.RightCensoredDistribution(NORMAL, FLAGS)
    expected = np.where(FLAGS, LAW.logsf(40), LAW.logpdf(40))
    np.testing.assert_allclose(right.log_prob(np.full(3, 40.0)), expected, rtol=1e-5)
    left = dist.LeftCensoredDistribution(base_dist=NORMAL, censored=FLAGS)
    np.testing.assert_allclose(left.log_prob(np.full(3, -40.0)), expected, rtol=1e-5)
    assert left.sample(jax.random.key(0), (2,)).shape == (2, 3)
    far = dist.RightCensoredDistribution(TAILED, True).log_prob(1e12)
    # At raw zeros a fifth of the upper bin lies beyond the threshold, 1.6; the scale is 0.1 * 4.
    tail = stats.genpareto(0.1, 1.6, 0.4)
    np.testing.assert_allclose(far, np.log(0.1) + tail.logsf(1e12), rtol=1e-4)


def test_wrappers_of_what_was_expanded_or_truncated():
    wide = NORMAL.expand((2, 3))
    right = dist.RightCensoredDistribution(wide, FLAGS).log_prob(np.full((2, 3), 40.0))
    np.testing.assert_allclose(
        right, [np.where(FLAGS, LAW.logsf(40), LAW.logpdf(40))] * 2, rtol=1e-5
    )
    above = dist.TruncatedDistribution(base_dist=wide, low=1.0)
    assert above.sample(jax.random.key(0)).shape == (2, 3)
    found = dist.RightCensoredDistribution(above, True).log_prob(40.0)
    np.testing.assert_allclose(found, [LAW.logsf(40) - LAW.logsf(1)] * 2, rtol=1e-5)
    nothing = dist.LeftCensoredDistribution(above, True).log_prob(0.5)
    assert np.isneginf(nothing).all()


def test_intervals_that_are_censored():
    left, right = jnp.array([1, 0, 0]), jnp.array([0, 1, 0])
    values = jnp.array([[jnp.nan, -40.0], [80.0, jnp.nan], [30.0, 31.0]])
    inside = np.log(LAW.sf(30)[2] - LAW.sf(31)[2])

    @jax.jit
    def total(params):
        base = to_numpyro(Gaussian(), params)
        found = dist.IntervalCensoredDistribution(base, left, right).log_prob(values)
        return jnp.sum(found), found

    slopes, found = jax.grad(total, has_aux=True)(NORMAL.params)
    np.testing.assert_allclose(found, [LAW.logcdf(-40)[0], LAW.logsf(80)[1], inside], rtol=1e-5)
    assert all(np.isfinite(x).all() for x in slopes)
    outside = dist.IntervalCensoredDistribution(NORMAL, True, True).log_prob(
        np.array([[-1.0, 1.0]] * 3)
    )
    np.testing.assert_allclose(outside, np.log(2 * LAW.sf(1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (35.0, None),
        pytest.param(None, -35.0, marks=pytest.mark.slow),
        pytest.param(-1.0, 40.0, marks=pytest.mark.slow),
    ],
)
def test_truncated_laws(low, high):
    truncated = dist.TruncatedDistribution(NORMAL, low, high)
    a, b = (-np.inf if low is None else low / SCALES), (np.inf if high is None else high / SCALES)
    law = stats.truncnorm(a, b, 0, SCALES)
    q = np.array([0.1, 0.5, 0.999])
    at = law.ppf(q)
    np.testing.assert_allclose(truncated.icdf(q), at, rtol=1e-5)
    np.testing.assert_allclose(truncated.cdf(at), q, rtol=2e-3)
    np.testing.assert_allclose(truncated.log_prob(at), law.logpdf(at), rtol=2e-3, atol=2e-3)
    ends = np.array([-np.inf if low is None else low, np.inf if high is None else high])
    found = truncated.icdf(np.array([0.0, 1.0, 2.0]))
    np.testing.assert_array_equal(found, [*ends, np.nan])
    beyond = ends[0] - 1 if low is not None else ends[1] + 1
    assert np.isneginf(truncated.log_prob(beyond)).all()
    draws = truncated.sample(jax.random.key(0), (4,))
    assert draws.shape == (4, 3)
    assert ((draws >= ends[0]) & (draws <= ends[1])).all()


def test_entropy_where_it_is_closed():
    np.testing.assert_allclose(NORMAL.entropy(), LAW.entropy(), rtol=1e-6)
    df = np.array([1.5, 7.0])
    student = StudentT.Params(jnp.zeros(2), jnp.ones(2), jnp.asarray(df, jnp.float32))
    found = to_numpyro(StudentT(), student).entropy()
    np.testing.assert_allclose(found, stats.t(df).entropy(), rtol=1e-5)
    hybrid = HybridPareto(2)
    with pytest.raises(NotImplementedError, match="entropy: HybridPareto"):
        to_numpyro(hybrid, hybrid.constrain(jnp.zeros(8))).entropy()


def test_divergence_where_it_is_closed():
    theirs = dist.kl_divergence(dist.Normal(0, SCALES), dist.Normal(1, 1))
    one = to_numpyro(Gaussian(), Gaussian.Params(jnp.ones(()), jnp.ones(())))
    np.testing.assert_allclose(dist.kl_divergence(NORMAL, one), theirs, rtol=1e-5)
    np.testing.assert_allclose(dist.kl_divergence(NORMAL, dist.Normal(1, 1)), theirs, rtol=1e-5)
    np.testing.assert_allclose(dist.kl_divergence(dist.Normal(0, SCALES), one), theirs, rtol=1e-5)
    moved = Law(Gaussian(), NORMAL.params).affine(5, 2).to_numpyro()
    other = Law(Gaussian(), one.params).affine(5, 2).to_numpyro()
    np.testing.assert_allclose(dist.kl_divergence(moved, other), theirs, rtol=1e-5)
    even, uneven = Binned([0.0, 1.0, 2.0]), Binned([0.0, 0.5, 2.0])
    p = to_numpyro(even, even.Params(jnp.log(jnp.array([0.25, 0.75]))))
    q = to_numpyro(uneven, uneven.Params(jnp.log(jnp.array([0.5, 0.5]))))
    density = {"p": [0.25, 0.25, 0.75], "q": [1.0, 1 / 3, 1 / 3]}  # on pieces of 1/2, 1/2 and 1
    mass = np.array(density["p"]) * [0.5, 0.5, 1.0]
    expected = np.sum(mass * np.log(np.divide(density["p"], density["q"])))
    np.testing.assert_allclose(dist.kl_divergence(p, q), expected, rtol=1e-5)
    empty = to_numpyro(even, even.Params(jnp.array([0.0, -jnp.inf])))
    assert np.isposinf(dist.kl_divergence(p, empty))
    np.testing.assert_allclose(dist.kl_divergence(empty, p), np.log(4), rtol=1e-5)
    with pytest.raises(NotImplementedError, match="kl_divergence: expected two normal"):
        dist.kl_divergence(TAILED, TAILED)


MADE = [
    NORMAL,
    TAILED,
    NORMAL.expand((2, 3)),
    dist.RightCensoredDistribution(NORMAL, FLAGS),
    dist.TruncatedDistribution(TAILED, low=1.0),
]


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_distributions_pickle_and_copy(made):
    expected = made.log_prob(2.5)
    leaves, structure = jax.tree.flatten(made)
    again = jax.tree.unflatten(structure, leaves)
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), again):
        assert type(other) is type(made)
        np.testing.assert_array_equal(other.log_prob(2.5), expected)


@pytest.mark.parametrize(
    "kind", [x for x in vars(errors).values() if isinstance(x, type) and issubclass(x, Exception)]
)
def test_errors_pickle(kind):
    error = kind("x: expected 1, got 2")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args) == (type(error), error.args)
