"""Scores of cells: what they sum to, where they end, and their slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, SplicedBinnedPareto, StudentT
from sbp_jax.series.criteria import FINE, cell_log_score, training_loss
from tests.series.small import COUNT_EDGES, COUNT_FAMILIES, FAMILIES

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

MEAN = 5.0  # of counts, so that a cell is 1 / 5.5 wide
CELL = 1 / (MEAN + 0.5)


def drawn(family, rows=2, seed=0):
    raw = np.random.default_rng(seed).normal(size=(rows, family.num_outputs))
    return family.constrain(jnp.asarray(raw, jnp.float32))


@pytest.mark.parametrize("name", ["spliced", "gaussian", "student-t"])
def test_probabilities_of_all_counts_sum_to_one(name):
    family = COUNT_FAMILIES[name]
    params, counts = drawn(family), np.arange(20_000)

    @jax.jit
    def probability(k):
        y = (k + 0.5) * CELL
        score = cell_log_score(family, params, jnp.stack([y, y]), jnp.full(2, CELL), counts=True)
        return jnp.exp(-score), family.sf(params, jnp.full(2, (k + 1) * CELL))

    found, beyond = jax.lax.map(probability, jnp.asarray(counts, jnp.float32))
    np.testing.assert_allclose(np.sum(found, axis=0) + beyond[-1], 1.0, atol=2e-5)
    assert np.all(beyond[-1] < 0.05)
    np.testing.assert_allclose(found[0], family.cdf(params, jnp.full(2, CELL)), atol=2e-6)


def test_a_value_beyond_the_bins_counts_for_the_end_bin():
    family = Binned(COUNT_EDGES)
    params, cell = drawn(family, rows=6), jnp.full(6, 0.01)
    y = jnp.array([-4.0, 0.0, 0.005, 7.995, 8.0, 1e6])
    found = cell_log_score(family, params, y, cell, counts=False)
    widths = np.diff(COUNT_EDGES)
    share = np.log(np.array([0.01 / widths[0]] * 3 + [0.01 / widths[-1]] * 3))
    at = np.array([0, 0, 0, -1, -1, -1])
    bins = np.asarray(jax.nn.log_softmax(params.logits))[np.arange(6), at]
    # A cell at 8 ends there in float32, 5e-7 of 0.01.
    np.testing.assert_allclose(found, -(bins + share), rtol=1e-4)
    inside = cell_log_score(
        family, drawn(family, 1), jnp.array([3.0]), jnp.array([0.01]), counts=False
    )
    wanted = -family.log_interval(drawn(family, 1), jnp.array([2.995]), jnp.array([3.005]))
    np.testing.assert_allclose(inside, wanted, rtol=1e-4)


@pytest.mark.parametrize("y", [0.3, 30.0, 300.0, 1e4, 1e7])
def test_a_narrow_cell_is_as_good_as_a_density_at_any_distance(y):
    family = StudentT()
    params = drawn(family)
    values = jnp.full(2, y, jnp.float32)
    score = cell_log_score(family, params, values, jnp.full(2, FINE), counts=False)
    density = -family.log_prob(params, values) - np.log(FINE)
    np.testing.assert_allclose(score, density, atol=0.02)
    bins = SplicedBinnedPareto(np.linspace(-3, 3, 13))
    score = cell_log_score(bins, drawn(bins), values, jnp.full(2, FINE), counts=False)
    density = -bins.log_prob(drawn(bins), values) - np.log(FINE)
    np.testing.assert_allclose(score, density, atol=0.02)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in ("hybrid", "mixture") else name
        for name in COUNT_FAMILIES
    ],
)
def test_slopes_are_finite_at_0_and_far_out(name):
    family = COUNT_FAMILIES[name]
    raw = jnp.asarray(np.random.default_rng(0).normal(size=(4, family.num_outputs)), jnp.float32)
    y = (jnp.array([0.0, 1.0, 40.0, 4000.0]) + 0.5) * CELL
    loss = training_loss("interval_nll", family, counts=True)

    @jax.jit
    @jax.value_and_grad
    def total(raw):
        return jnp.sum(loss(family.constrain(raw), y, jnp.full(4, CELL)))

    value, slope = total(raw)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    assert np.any(np.asarray(slope[0]) != 0)


def test_other_objectives_take_the_width_of_each_cell():
    family = FAMILIES["spliced"]
    params, y = drawn(family), jnp.array([0.1, 9.0])
    loss = training_loss("base_plus_tail", family, counts=False)
    narrow = loss(params, y, jnp.full(2, 0.01))
    wide = loss(params, y, jnp.full(2, 0.02))
    np.testing.assert_allclose(narrow - wide, [0.0, np.log(2)], atol=1e-2)


@pytest.mark.parametrize(
    ("name", "family", "error"),
    [("base_plus_tail", "gaussian", TypeError), ("likelihood", "gaussian", ValueError)],
)
def test_an_objective_that_is_none_is_refused(monkeypatch, name, family, error):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(error):
        training_loss(name, FAMILIES[family], counts=False)
