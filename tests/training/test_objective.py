"""Objectives against formulas written out with SciPy, and what their gradients touch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto
from sbp_jax.training.objective import make_objective

EDGES = np.arange(-3.5, 11)
SPLICED = SplicedBinnedPareto(EDGES, tail_mass=0.1, splice="edge")


def params_of(family, rows, seed=0):
    raw = np.random.default_rng(seed).normal(size=(rows, family.num_outputs))
    return family.constrain(jnp.asarray(raw, jnp.float32))


def test_gaussian_objectives_against_scipy():
    family = Gaussian(2.0, 3.0)
    params = params_of(family, 5)
    y = jnp.array([-2.0, 0.0, 1.0, 4.0, 9.0])
    law = stats.norm(np.asarray(params.loc), np.asarray(params.scale))
    density = make_objective("density_nll", family)(params, y)
    np.testing.assert_allclose(density, -law.logpdf(y), rtol=1e-5)
    cell = make_objective("interval_nll", family)(params, y)
    np.testing.assert_allclose(cell, -np.log(law.cdf(y + 0.5) - law.cdf(y - 0.5)), rtol=1e-3)
    wide = make_objective("interval_nll", family, cell_width=4.0)(params, y)
    np.testing.assert_allclose(wide, -np.log(law.cdf(y + 2) - law.cdf(y - 2)), rtol=1e-3)


def test_interval_objective_of_bins_is_cross_entropy():
    family = Binned(EDGES)
    params = params_of(family, 14)
    y = jnp.arange(-3.0, 11.0)
    expected = -jax.nn.log_softmax(params.logits)[jnp.arange(14), jnp.arange(14)]
    found = make_objective("interval_nll", family)(params, y)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_base_plus_tail_against_its_formula():
    params = params_of(SPLICED, 14)
    y = np.arange(-3.0, 11.0)
    found = make_objective("base_plus_tail", SPLICED)(params, jnp.asarray(y))
    lower, upper = (np.asarray(t) for t in SPLICED.thresholds(params))
    assert ((y > upper) | (y < lower)).any()
    for row in range(14):
        expected = -float(jax.nn.log_softmax(params.logits[row])[row])
        for excess, shape, scale in (
            (y[row] - upper[row], params.upper_shape[row], params.upper_scale[row]),
            (lower[row] - y[row], params.lower_shape[row], params.lower_scale[row]),
        ):
            if excess > 0:
                tail = stats.genpareto(float(shape), scale=float(scale))
                expected -= np.log(tail.cdf(excess + 0.5) - tail.cdf(excess - 0.5))
        np.testing.assert_allclose(found[row], expected, rtol=1e-4)


def test_base_plus_tail_trains_bins_and_tails_apart():
    params = jax.tree.map(lambda leaf: leaf[0], params_of(SPLICED, 1))
    objective = make_objective("base_plus_tail", SPLICED)

    def loss(params, y):
        return objective(jax.tree.map(lambda leaf: leaf[None], params), jnp.array([y]))[0]

    inside = jax.grad(loss)(params, 2.0)
    assert not any(np.any(leaf) for leaf in inside[1:])
    beyond = jax.grad(loss)(params, 60.0)
    assert beyond.upper_shape != 0
    assert beyond.upper_scale != 0
    assert beyond.lower_scale == 0
    # The logits learn as a classifier would: a far observation pulls as much as the last bin.
    probability = jax.nn.softmax(params.logits)
    np.testing.assert_allclose(beyond.logits, probability.at[-1].add(-1), atol=1e-5)


@pytest.mark.parametrize("y", [-1e6, -22.0, 0.0, 99.0, 1e6])
@pytest.mark.parametrize("splice", ["edge", "quantile"])
@pytest.mark.parametrize("name", ["density_nll", "interval_nll", "base_plus_tail"])
def test_no_observation_gives_an_infinite_loss_or_gradient(name, splice, y):
    family = SplicedBinnedPareto(EDGES, 0.05, splice)
    objective = make_objective(name, family)

    def loss(raw):
        return jnp.sum(objective(family.constrain(raw), jnp.full(len(raw), y)))

    raw = 3 * jax.random.normal(jax.random.key(0), (50, family.num_outputs))
    value, gradient = jax.value_and_grad(loss)(raw)
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


def test_unknown_objectives_are_refused():
    with pytest.raises(ValueError, match=r"expected density_nll, .*, got 'mse'"):
        make_objective("mse", SPLICED)
    with pytest.raises(TypeError, match="base_plus_tail: expected a SplicedBinnedPareto, got Gau"):
        make_objective("base_plus_tail", Gaussian())
