"""Objectives against formulas written out with SciPy, and what their gradients touch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

from sbp_jax.distributions import Binned, Gaussian, Moved, SplicedBinnedPareto
from sbp_jax.distributions.quantile_head import QuantileHead
from sbp_jax.training.objective import make_objective

EDGES = np.arange(-3.5, 11)
SPLICED = SplicedBinnedPareto(EDGES, tail_mass=0.1, splice="edge")


@pytest.fixture(autouse=True)
def _quick_compilation(quick_compilation):
    """Here always."""


def params_of(family, rows, seed=0):
    raw = np.random.default_rng(seed).normal(size=(rows, family.num_outputs))
    return jax.jit(family.constrain)(jnp.asarray(raw, jnp.float32))


def test_gaussian_objectives_against_scipy():
    family = Gaussian(2.0, 3.0)
    params = params_of(family, 5)
    y = jnp.array([-2.0, 0.0, 1.0, 4.0, 9.0])
    law = stats.norm(np.asarray(params.loc), np.asarray(params.scale))
    density = make_objective("density_nll", family)(params, y)
    np.testing.assert_allclose(density, -law.logpdf(y), rtol=1e-5)
    cell = make_objective("interval_nll", family, 1.0)(params, y)
    np.testing.assert_allclose(cell, -np.log(law.cdf(y + 0.5) - law.cdf(y - 0.5)), rtol=1e-3)
    wide = make_objective("interval_nll", family, cell_width=4.0)(params, y)
    np.testing.assert_allclose(wide, -np.log(law.cdf(y + 2) - law.cdf(y - 2)), rtol=1e-3)


def test_interval_objective_of_bins_is_cross_entropy():
    family = Binned(EDGES)
    params = params_of(family, 14)
    y = jnp.arange(-3.0, 11.0)
    expected = -jax.nn.log_softmax(params.logits)[jnp.arange(14), jnp.arange(14)]
    found = jax.jit(make_objective("interval_nll", family, 1.0))(params, y)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_base_plus_tail_against_its_formula():
    params = params_of(SPLICED, 14)
    y = np.arange(-3.0, 11.0)
    found = jax.jit(make_objective("base_plus_tail", SPLICED, 1.0))(params, jnp.asarray(y))
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
    objective = make_objective("base_plus_tail", SPLICED, 1.0)

    @jax.jit
    @jax.grad
    def gradient(params, y):
        return objective(jax.tree.map(lambda leaf: leaf[None], params), y[None])[0]

    inside = gradient(params, jnp.array(2.0))
    assert not any(np.any(leaf) for leaf in inside[1:])
    beyond = gradient(params, jnp.array(60.0))
    assert beyond.upper_shape != 0
    assert beyond.upper_scale != 0
    assert beyond.lower_scale == 0
    # The logits learn as a classifier would: a far observation pulls as much as the last bin.
    probability = jax.nn.softmax(params.logits)
    np.testing.assert_allclose(beyond.logits, probability.at[-1].add(-1), atol=1e-5)


def test_crps_against_its_integral():
    family = Gaussian(2.0, 3.0)
    params = params_of(family, 5)
    y = np.array([-2.0, 0.0, 1.0, 4.0, 9.0])
    found = jax.jit(make_objective("crps", family))(params, jnp.asarray(y, jnp.float32))
    for row in range(5):
        law = stats.norm(float(params.loc[row]), float(params.scale[row]))
        below, _ = integrate.quad(lambda t, law=law: law.cdf(t) ** 2, -100, y[row])
        above, _ = integrate.quad(lambda t, law=law: law.sf(t) ** 2, y[row], 100)
        np.testing.assert_allclose(found[row], (below + above) / family.spread, rtol=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_smoothed_classification_against_spread_labels(smoothing):
    family = Binned([-1.0, 0.0, 0.5, 2.0, 7.0])
    spread = np.array(  # one row for each bin that y may lie in
        [
            [1 - smoothing / 2, smoothing / 2, 0, 0],
            [smoothing / 2, 1 - smoothing, smoothing / 2, 0],
            [0, smoothing / 2, 1 - smoothing, smoothing / 2],
            [0, 0, smoothing / 2, 1 - smoothing / 2],
        ]
    )
    y = np.array([-np.inf, -5.0, -1.0, 0.0, 0.4, 0.5, 1.9, 2.0, 7.0, 7.5, np.inf])
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3])
    params = params_of(family, len(y))
    raw = np.asarray(params.logits, np.float64)
    log_p = raw - special.logsumexp(raw, axis=1, keepdims=True)
    expected = -np.sum(spread[labels] * log_p, axis=1)
    objective = make_objective("smoothed_classification", family, smoothing=smoothing)
    np.testing.assert_allclose(objective(params, jnp.asarray(y)), expected, rtol=1e-5)


def test_smoothed_classification_is_least_at_the_blurred_probabilities():
    """Its own minimum, found by its gradient: what the docstring says of propriety."""
    family, smoothing = Binned(np.arange(6.0)), 0.3
    true = np.array([0.4, 0.1, 0.05, 0.05, 0.4])
    blurred = (1 - smoothing) * true + smoothing / 2 * (
        np.append(true[1:], true[-1]) + np.append(true[0], true[:-1])
    )
    objective = make_objective("smoothed_classification", family, smoothing=smoothing)

    def expected_loss(logits):
        params = family.Params(jnp.broadcast_to(logits, (5, 5)))
        return jnp.sum(jnp.asarray(true, jnp.float32) * objective(params, jnp.arange(5) + 0.5))

    gradient = jax.jit(jax.grad(expected_loss))
    np.testing.assert_allclose(gradient(jnp.log(jnp.asarray(blurred))), 0, atol=1e-6)
    assert np.max(np.abs(gradient(jnp.log(jnp.asarray(true))))) > 0.01


def test_classification_of_a_spliced_family_leaves_its_tails_alone():
    params = jax.tree.map(lambda leaf: leaf[0], params_of(SPLICED, 1))
    objective = make_objective("smoothed_classification", SPLICED, smoothing=0.1)
    gradient = jax.jit(jax.grad(objective, argnums=0))(params, jnp.array(60.0))
    assert not any(np.any(leaf) for leaf in gradient[1:])
    expected = np.asarray(jax.nn.softmax(params.logits)).copy()
    expected[-2:] -= [0.05, 0.95]
    np.testing.assert_allclose(gradient.logits, expected, atol=1e-6)


def test_pinball_against_its_formula():
    levels = np.array([0.1, 0.5, 0.9])
    family = QuantileHead(tuple(levels), 2.0, 3.0)
    params = params_of(family, 4)
    y = np.array([-9.0, 1.0, 3.0, 50.0])
    error = y[:, None] - np.asarray(params.quantiles)
    expected = np.mean(np.where(error > 0, levels * error, (levels - 1) * error), axis=1)
    found = make_objective("pinball", family)(params, jnp.asarray(y, jnp.float32))
    np.testing.assert_allclose(found, expected / family.spread, rtol=1e-5)


@pytest.mark.parametrize(("name", "unbiased"), [("density_nll", False), ("interval_nll", True)])
def test_gradient_of_the_expected_loss_where_thresholds_move(name, unbiased):
    """Central differences of the mean over a fine grid of y, and the mean of the gradients."""
    family = SplicedBinnedPareto(np.arange(-3.0, 4.0), 0.05)
    objective = make_objective(name, family, 1.0)
    y = jnp.asarray(stats.t(3).ppf((np.arange(4_000) + 0.5) / 4_000), jnp.float32)
    start = jax.random.normal(jax.random.key(0), (family.num_outputs,))

    @jax.jit
    @jax.value_and_grad
    def expected_loss(raw):
        return jnp.mean(objective(family.constrain(raw), y))

    found = np.asarray(expected_loss(start)[1])[:6]
    step = 0.02 * jnp.eye(6, family.num_outputs)
    moved = [expected_loss(start + row)[0] - expected_loss(start - row)[0] for row in step]
    error = np.max(np.abs(found - np.asarray(moved) / 0.04))
    assert error < 1e-3 if unbiased else error > 0.02


OBJECTIVES = {
    "density_nll": {},
    "interval_nll": {"cell_width": 1.0},
    "base_plus_tail": {"cell_width": 1.0},
    "crps": {},
    "smoothed_classification": {"smoothing": 0.2},
}
SHORT = (-0.5, 0.95)  # tails of both kinds: some end, some do not


FAST = {  # every objective once; gradients of either splice are tested with the families too
    ("density_nll", "quantile"),
    ("interval_nll", "quantile"),
    ("base_plus_tail", "edge"),
    ("crps", "edge"),
    ("smoothed_classification", "quantile"),
}


@pytest.mark.parametrize(
    ("name", "splice"),
    [
        pytest.param(name, splice, marks=() if (name, splice) in FAST else pytest.mark.slow)
        for name in OBJECTIVES
        for splice in ("edge", "quantile")
    ],
)
def test_no_observation_gives_nan_in_loss_or_gradient(name, splice):
    """Nor an infinite loss, unless a tail that ends makes the observation impossible.

    Then the likelihoods pull no longer at that tail, and the score still does.
    """
    family = SplicedBinnedPareto(EDGES, 0.05, splice, SHORT)
    objective = make_objective(name, family, **OBJECTIVES[name])
    half = 0.5 if name in {"interval_nll", "base_plus_tail"} else 0.0

    def loss(raw, y):
        params = family.constrain(raw)
        lower, upper = family.thresholds(params)
        below = reach(params.lower_shape, params.lower_scale)
        above = reach(params.upper_shape, params.upper_scale)
        return objective(params, y), (y + half <= lower - below, y - half >= upper + above)

    def reach(shape, scale):
        return jnp.where(shape < 0, scale / jnp.where(shape < 0, -shape, 1.0), jnp.inf)

    observed = jnp.array([-1e6, -40.0, -22.0, 0.0, 3.5, 99.0, 1e6])
    raw = 3 * jax.random.normal(jax.random.key(0), (40, family.num_outputs))
    raw, y = jnp.repeat(raw, len(observed), axis=0), jnp.tile(observed, len(raw))
    evaluate = jax.jit(jax.vmap(jax.value_and_grad(loss, has_aux=True)))
    (values, beyond), gradients = evaluate(raw, y)
    assert np.all(np.isfinite(gradients))
    assert not np.any(np.isnan(values))
    assert np.all(np.isfinite(values) | np.any(beyond, axis=0))
    for side, columns in zip(beyond, ([-4, -3], [-2, -1]), strict=True):
        assert np.any(side)
        pull = np.asarray(gradients)[np.asarray(side)][:, columns]
        if name == "crps":  # descent makes the tail longer
            assert np.all(pull <= 0)
            assert np.all(np.any(pull < 0, axis=1))
        else:
            assert not np.any(pull)
        assert np.all(np.isfinite(values[side]) == (name in {"crps", "smoothed_classification"}))


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"expected density_nll, .*, got 'mse'"):
        make_objective("mse", SPLICED)
    with pytest.raises(TypeError, match="expected a family with 'thresholds', got Gau"):
        make_objective("base_plus_tail", Gaussian())
    with pytest.raises(TypeError, match="expected a family with 'bins', got Gau"):
        make_objective("smoothed_classification", Gaussian())
    with pytest.raises(TypeError, match="pinball: expected a family with 'pinball', got Spliced"):
        make_objective("pinball", SPLICED)
    with pytest.raises(ValueError, match=r"cell_width: expected a finite number > 0, got 0\.0"):
        make_objective("interval_nll", SPLICED, 0.0)
    with pytest.raises(ValueError, match="expected a number > 0 for interval_nll, got None"):
        make_objective("interval_nll", SPLICED)
    with pytest.raises(
        TypeError, match="window_nll: expected a family with 'log_window', got Spliced"
    ):
        make_objective("window_nll", SPLICED)
    with pytest.raises(
        TypeError, match="window_nll: expected a family with 'log_window', got Moved"
    ):
        make_objective("window_nll", Moved(Gaussian()))
    with pytest.raises(ValueError, match=r"smoothing: expected 0, as crps has none, got 0\.1"):
        make_objective("crps", SPLICED, smoothing=0.1)
    for wrong in (-0.1, 0.5, float("nan")):
        with pytest.raises(ValueError, match=r"smoothing: expected a number in \[0, 0.5\), got"):
            make_objective("smoothed_classification", SPLICED, smoothing=wrong)


def test_an_unknown_observation_gives_an_unknown_loss():
    params = params_of(SPLICED, 1)
    objectives = {name: make_objective(name, SPLICED, **o) for name, o in OBJECTIVES.items()}

    @jax.jit
    def losses(params, y):
        return {name: objective(params, y) for name, objective in objectives.items()}

    for name, loss in losses(params, jnp.array([np.nan])).items():
        assert np.isnan(loss), name


def test_base_plus_tail_on_a_side_without_a_tail_is_classification():
    family = SplicedBinnedPareto(EDGES, (None, 0.1))
    params = params_of(family, 3)
    found = jax.jit(make_objective("base_plus_tail", family, 1.0))(params, jnp.full(3, -50.0))
    np.testing.assert_allclose(found, -jax.nn.log_softmax(params.logits)[:, 0], rtol=1e-5)
