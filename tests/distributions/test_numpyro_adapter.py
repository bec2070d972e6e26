"""Families under NumPyro: its contract, inference that recovers what is known, its absence."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sbp_jax.distributions import Gaussian, SplicedBinnedPareto
from sbp_jax.distributions.numpyro_adapter import to_numpyro
from sbp_jax.errors import MissingExtraError

numpyro = pytest.importorskip("numpyro", reason="needs the extra: pip install sbp-jax[numpyro]")

import numpyro.distributions as dist  # noqa: E402
from numpyro.distributions.batch_util import promote_batch_shape  # noqa: E402
from numpyro.infer import MCMC, NUTS, SVI, Trace_ELBO  # noqa: E402
from numpyro.infer.autoguide import AutoNormal  # noqa: E402

EDGES, TAIL = (-4.0, -1.0, 1.0, 4.0), 0.1
THRESHOLD = 3.1  # of equal bins: a third lies in the last one, 3 wide
FAMILY = SplicedBinnedPareto(EDGES, TAIL)
LAW = stats.norm([0.0, 1.0, -2.0], [1.0, 2.0, 0.5])
KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def _numpyro_promotes_ranks():
    """Its own code adds arrays of different ranks, which this suite forbids ours to do."""
    with jax.numpy_rank_promotion("allow"):
        yield


def spliced(shape, scale):
    return FAMILY.Params(jnp.zeros(3), *(jnp.asarray(x) for x in (0.2, 1.0, shape, scale)))


def gaussian():
    loc, scale = (jnp.asarray(x, jnp.float32) for x in LAW.args)
    return to_numpyro(Gaussian(), Gaussian.Params(loc, scale))


def test_it_keeps_the_contract_of_a_distribution():
    adapter, y = gaussian(), np.array([[0.5], [-3.0]])
    assert isinstance(adapter, dist.Distribution)
    assert (adapter.batch_shape, adapter.event_shape) == ((3,), ())
    assert adapter.has_rsample
    assert bool(adapter.support(-1e30))
    np.testing.assert_allclose(adapter.log_prob(y), LAW.logpdf(y), rtol=1e-5)
    np.testing.assert_allclose(adapter.cdf(y), LAW.cdf(y), rtol=1e-5)
    np.testing.assert_allclose(adapter.icdf(0.9), LAW.ppf(0.9), rtol=1e-5)
    np.testing.assert_allclose(adapter.mean, LAW.mean())
    np.testing.assert_allclose(adapter.variance, LAW.var())
    assert np.isnan(adapter.log_prob(np.nan)).all()


def test_it_samples_expands_and_joins():
    adapter = gaussian()
    draws = adapter.sample(jax.random.PRNGKey(1), (20_000,))
    assert draws.shape == (20_000, 3)
    for column in range(3):
        law = stats.norm(*(arg[column] for arg in LAW.args))
        assert stats.kstest(np.asarray(draws)[:, column], law.cdf).pvalue > 1e-3
    wide = adapter.expand((2, 3))
    assert wide.batch_shape == (2, 3)
    assert wide.sample(KEY, (5,)).shape == (5, 2, 3)
    assert wide.log_prob(0.0).shape == wide.mean.shape == (2, 3)
    joint = adapter.to_event(1)
    assert joint.event_shape == (3,)
    np.testing.assert_allclose(joint.log_prob(np.ones(3)), LAW.logpdf(1).sum(), rtol=1e-5)


def test_batch_dimensions_of_parameters_broadcast():
    adapter = to_numpyro(FAMILY, spliced(0.3, np.array([1.0, 2.0], np.float32)))
    assert adapter.batch_shape == adapter.sample(KEY).shape == (2,)


def test_it_is_a_pytree_of_its_parameters():
    adapter = gaussian()
    leaves, structure = jax.tree.flatten(adapter)
    assert len(leaves) == 2
    again = jax.tree.unflatten(structure, leaves)
    assert (again.family, again.batch_shape) == (adapter.family, (3,))
    jitted = jax.jit(lambda adapter, y: adapter.log_prob(y))
    np.testing.assert_allclose(jitted(again, 0.5), LAW.logpdf(0.5), rtol=1e-5)
    one_each = jax.vmap(lambda adapter, y: adapter.log_prob(y))(again, jnp.arange(3.0))
    np.testing.assert_allclose(one_each, LAW.logpdf(np.arange(3)), rtol=1e-5)
    stacked = jax.vmap(lambda params: to_numpyro(adapter.family, params))(adapter.params)
    assert stacked.batch_shape == ()
    assert promote_batch_shape(stacked).batch_shape == (3,)


@pytest.mark.slow
def test_variational_inference_recovers_a_tail():
    """Shape and scale within 3 standard errors of the truth.

    The n = 400 or so excesses give a maximum likelihood estimate standard errors of
    (1 + xi) / sqrt(n) and beta sqrt(2 (1 + xi) / n) (Smith 1987); the priors are weak.
    """
    shape, scale = 0.4, 2.0
    y = FAMILY.sample(KEY, spliced(shape, scale), (4000,))
    excesses = int(np.sum(np.asarray(y) > THRESHOLD))

    def model(y):
        shape = numpyro.sample("shape", dist.Uniform(0.0, 1.0))
        scale = numpyro.sample("scale", dist.LogNormal(0.0, 1.0))
        with numpyro.plate("observations", len(y)):
            numpyro.sample("y", to_numpyro(FAMILY, spliced(shape, scale)), obs=y)

    guide = AutoNormal(model)
    svi = SVI(model, guide, numpyro.optim.Adam(0.03), Trace_ELBO())
    fitted = svi.run(jax.random.key(1), 400, y, progress_bar=False)
    found = guide.median(fitted.params)
    assert abs(found["shape"] - shape) < 3 * (1 + shape) / excesses**0.5
    assert abs(found["scale"] - scale) < 3 * scale * (2 * (1 + shape) / excesses) ** 0.5


def test_hamiltonian_monte_carlo_of_a_latent_tail():
    """The mean of a latent value far in the tail, against quadrature.

    The tolerance is 4 standard errors of a chain of 4000 draws as good as 1000 independent ones.
    """
    shape, scale, y = 0.4, 2.0, 9.0

    def model():
        latent = numpyro.sample("latent", to_numpyro(FAMILY, spliced(shape, scale)))
        numpyro.sample("y", dist.Normal(latent, 1.5), obs=y)

    chain = MCMC(NUTS(model), num_warmup=300, num_samples=4000, progress_bar=False)
    chain.run(jax.random.key(2))
    t = np.linspace(THRESHOLD, 25, 20_001)  # the body is 4 standard deviations away
    weight = stats.genpareto(shape, THRESHOLD, scale).pdf(t) * stats.norm(t, 1.5).pdf(y)
    mean = np.average(t, weights=weight)
    deviation = np.sqrt(np.average((t - mean) ** 2, weights=weight))
    found = np.mean(np.asarray(chain.get_samples()["latent"]))
    assert abs(found - mean) < 4 * deviation / 1000**0.5


def test_without_numpyro_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "numpyro"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "sbp-jax\[numpyro\]"'):
        to_numpyro(FAMILY, spliced(0.1, 1.0))
