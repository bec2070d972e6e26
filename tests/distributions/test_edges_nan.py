"""NaN in, NaN out: every method, every number that goes in, of every family and of genpareto."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import expit

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto, genpareto
from sbp_jax.distributions.splicing import splice
from sbp_jax.distributions.threshold_weighted import twcrps
from sbp_jax.export.law import NumpyLaw
from sbp_jax.export.mixture import Mixture
from sbp_jax.export.spliced import Spliced
from tests.distributions.edge_families import EDGES, FAMILIES, OF_PARAMS, methods_of, numbers_of

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
Y = (-1.3, 1.7, 6.1)
WITHOUT_Y = {*OF_PARAMS, "sample", "entropy"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_method_of_every_argument(family):
    row, back = numbers_of(family)
    methods = methods_of(family, scores=False)
    program = jax.jit(jax.vmap(lambda row, y: [f(back(row), y) for f in methods.values()]))
    read = np.arange(len(row))
    if family == SplicedBinnedPareto(getattr(family, "edges", (0, 1, 2)), (0.1, None)):
        read = read[:-2]  # of a tail that is left out nothing is read
    one_nan = np.where(np.arange(len(row)) == read[:, None], np.nan, row)
    rows = np.concatenate([*[one_nan] * len(Y), [row]]).astype(np.float32)
    y = np.append(np.repeat(Y, len(read)), np.nan).astype(np.float32)
    for name, found in zip(methods, program(rows, y), strict=True):
        assert np.all(np.isnan(found[:-1])), name
        assert np.isnan(found[-1]) != (name in WITHOUT_Y), name
    # As many as in one call of 512 rows, none is NaN without one that goes in.
    assert not np.isnan(program(rows[-1:], np.float32([1.7]))).any()


CALLS = {
    "logpdf": 1,
    "pdf": 1,
    "logsf": 1,
    "sf": 1,
    "cdf": 1,
    "logcdf": 1,
    "loginterval": 2,
    "inverse_logsf": 1,
    "isf": 1,
    "ppf": 1,
    "mean": 0,
    "second_moment": 0,
    "variance": 0,
    "entropy": 0,
    "integrated_sf": 1,
    "crps": 1,
}
INVALID = [(0.1, -1.0), (0.1, 0.0), (0.1, np.inf), (np.inf, 1.0), (-np.inf, 1.0)]


def test_genpareto():
    rows = [(0.5, 0.7, np.nan, 1.0), (0.5, 0.7, 0.1, np.nan), (np.nan, 0.7, 0.1, 1.0)]
    rows += [(0.5, np.nan, 0.1, 1.0), *((0.5, 0.7, *pair) for pair in INVALID)]
    rows += [(np.inf, np.nan, 0.1, 1.0), (0.5, 0.7, 0.1, 1.0)]
    columns = np.array(rows, np.float32).T

    @jax.jit
    def all_of(z, width, shape, scale):
        sign = {"inverse_logsf": -1.0}
        return [
            getattr(genpareto, name)(*[z * sign.get(name, 1.0), width][:count], shape, scale)
            for name, count in CALLS.items()
        ]

    for (name, count), found in zip(CALLS.items(), all_of(*columns), strict=True):
        wrong = np.isnan(columns)[:count].any(0) | np.isnan(columns[2:]).any(0)
        wrong[4 : 4 + len(INVALID)] = True
        assert np.all(np.isnan(found[wrong])), name
        assert not np.isnan(found[-1]), name


def test_scores_and_thresholds():
    binned, normal = Binned(range(4)), Gaussian()
    logits, one = jnp.array([[0.0, 0.0, np.nan], [0.0] * 3, [0.0] * 3]), jnp.ones(3)
    y, lower = jnp.array([1.0, np.nan, 1.0]), jnp.array([np.inf, np.inf, 2.0])
    found = binned.twcrps(Binned.Params(logits), y, lower, one)
    np.testing.assert_array_equal(np.isnan(found), [True, True, False])
    params = Gaussian.Params(jnp.array([np.nan, 0.0, 0.0]), jnp.array([1.0, np.nan, 1.0]))
    found = twcrps(normal, params, jnp.full(3, jnp.inf), jnp.zeros(3))
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.inf])
    cut = splice(binned.bins, logits, (0.1, 0.1), "edge")
    assert np.isnan([cut.lower[0], cut.upper[0]]).all()
    assert not np.isnan([cut.lower[1], cut.upper[1]]).any()


@pytest.mark.parametrize("name", ["logits", "lower_shape", "upper_scale"])
def test_the_same_of_numpy(name):
    family = Spliced(EDGES, (0.1, 0.1), "edge", (0.0, 0.95))
    parameters = family.constrain(np.random.default_rng(0).normal(size=(3, 2, 8)))
    parameters[name][1, 1] = np.nan
    law = NumpyLaw(family, parameters, (3, 2))
    whole = np.zeros((3, 2), bool)
    whole[1, 1] = True
    for y in (-30.0, 1.7, 30.0):
        for found in (law.log_prob(y), law.cdf(y), law.sf(y), law.median, law.interval()[..., 0]):
            np.testing.assert_array_equal(np.isnan(found), whole)
    mixed = Mixture(family, 2)
    law = NumpyLaw(mixed, {"logits": np.zeros((3, 2)), "base": parameters}, (3,))
    for found in (law.cdf(1.7), law.sf(-30.0), law.quantile(1.0)):
        np.testing.assert_array_equal(np.isnan(found), whole[:, 1])


def test_an_empty_bin_counts_nothing():
    family = SplicedBinnedPareto(range(5), splice="edge")
    counts = np.array([0.0, 3.0, 5.0])
    logits = np.log(counts, out=np.full(3, -np.inf), where=counts > 0)
    found = Binned(range(4)).bins.entropy(jnp.asarray(logits), jnp.zeros(()), jnp.full((), 3.0))
    p = counts[1:] / 8
    np.testing.assert_allclose(found, -np.sum(p * np.log(p)), rtol=1e-6)
    # The same of every method: a bin of weight exp(-80) is as good as empty.
    methods = methods_of(family)
    tails = [jnp.full((), x) for x in (0.1, 1.0, 0.1, 1.0)]

    @jax.jit
    def answers(least, y):
        own = jnp.array([least, 0.0, least, 0.5])
        return jnp.stack([f(family.Params(own, *tails), y) for f in methods.values()])

    for y in (-0.5, 0.5, 1.4, 2.5, 4.5):
        empty, faint = answers(-jnp.inf, y), answers(-80.0, y)
        seen = np.abs(faint) < 40  # else it is of the faint bin
        np.testing.assert_allclose(empty[seen], faint[seen], rtol=1e-5, atol=1e-6)
        assert not np.isnan(empty).any()
    assert np.all(np.isfinite(jax.grad(lambda x: family.entropy(family.Params(x, *tails)))(
        jnp.array([-jnp.inf, 0.0, -jnp.inf, expit(0.3)])
    )))  # fmt: skip
