"""Logits between knots against NumPy's interpolation, and what lies above a ceiling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.batch import Batch
from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto
from sbp_jax.models.ceiling import Ceiling, merge_above
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.knot_anchors import KnotAnchor, interpolated_logits

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation")

EDGES = np.arange(-5.5, 20)
KNOTS = (-6.0, -2.5, -1.0, 0.0, 0.5, 4.0, 11.0)


def test_logits_between_knots_are_numpys():
    rng = np.random.default_rng(0)
    relative = rng.normal(size=(30, len(KNOTS))).astype(np.float32)
    points = rng.uniform(-10, 25, 30).astype(np.float32)
    points[0] = 3.0  # bins on the knots themselves
    centers = np.arange(-5, 20).astype(np.float32)
    interpolate = jax.jit(interpolated_logits, static_argnums=1)
    found = interpolate(relative, KNOTS, jnp.asarray(points), jnp.asarray(centers))
    for row in range(30):
        expected = np.interp(centers - points[row], KNOTS, relative[row])
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_the_gradient_moves_a_point_towards_its_peak():
    peak = jnp.array([[0.0, 5.0, 0.0]])

    @jax.jit
    @jax.value_and_grad
    def loss(point):
        logits = interpolated_logits(peak, (-3.0, 0.0, 3.0), point, jnp.arange(10.0))
        return -jax.nn.log_softmax(logits)[0, 7]

    _, slope = loss(jnp.array([5.3]))
    step = 1e-2
    numeric = (loss(jnp.array([5.3 + step]))[0] - loss(jnp.array([5.3 - step]))[0]) / (2 * step)
    assert slope[0] < 0
    assert float(slope[0]) == pytest.approx(float(numeric), rel=1e-2)


@jax.jit
def softmax_and_merged(logits, highest):
    merged = merge_above(logits[None], highest[None], -0.5, 1.0)
    return jax.nn.softmax(logits), jax.nn.softmax(merged)[0]


@given(
    st.sampled_from((2, 7, 12)).flatmap(  # every number of bins is compiled anew
        lambda bins: st.lists(st.floats(-30, 30, width=32), min_size=bins, max_size=bins)
    ),
    st.integers(-3, 14),
)
@settings(max_examples=60, deadline=None)
def test_a_ceiling_moves_probability_and_loses_none(logits, highest):
    probabilities = softmax_and_merged(np.float32(logits), np.float32(highest))
    before, after = map(np.asarray, probabilities)
    before = before.astype(np.float64)
    at = int(np.clip(highest, 0, len(logits) - 1))
    np.testing.assert_allclose(after[:at], before[:at], atol=1e-5)
    assert after[at] == pytest.approx(before[at:].sum(), abs=1e-5)
    assert np.all(after[at + 1 :] < 1e-12)


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(SplicedBinnedPareto(EDGES, 0.01, "edge"), marks=pytest.mark.slow),
        Binned(EDGES),
    ],
)
def test_a_model_of_knots_alone_ends_at_its_ceiling(family):
    anchors = (KnotAnchor(3, 10.0, KNOTS, shift_scale=5.0), KnotAnchor(None, 1.0, KNOTS))
    forecaster = make_forecaster(
        NetworkConfig(features=4, layers=1, hidden=(8,)),
        family,
        anchors,
        step_columns=(1,),
        ceiling=Ceiling(0, 10.0),
        free_logits=False,
    )
    rng = np.random.default_rng(1)
    static = rng.normal(size=(6, 3)).astype(np.float32)
    static[:, 0] = np.float32([-3, 0, 1, 7, 12, 19]) / 10
    sequence = rng.normal(size=(6, 3, 2)).astype(np.float32)
    batch = Batch(sequence, np.ones((6, 3), bool), static, np.zeros(6, np.float32))
    params = jax.jit(forecaster.init)(jax.random.key(0), batch)
    tails = family.num_outputs - len(EDGES) + 1
    assert ("raw" in params) == bool(tails)  # without tails nothing is left for it
    assert params["anchor_0"]["bias"].shape == (len(KNOTS) + 1,)
    # From a start of small outputs the point does not move yet; give it somewhere to go.
    params["anchor_0"]["bias"] = params["anchor_0"]["bias"].at[-1].set(0.4)

    @jax.jit
    def raw_and_held(params):
        raw = forecaster.apply(params, batch)
        held = family.cdf(forecaster.predict(params, batch), static[:, 0] * 10 + 0.5)
        return raw, held

    raw, held = raw_and_held(params)
    assert raw.shape == (6, family.num_outputs)
    # A tail that holds a rare highest value smears it; its mass bounds what gets past.
    np.testing.assert_allclose(held, 1, atol=0.01 if tails else 1e-5)
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(forecaster.apply(p, batch)[:, :10] ** 2)))(params)
    assert float(jnp.abs(gradient["anchor_0"]["bias"][-1])) > 0
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(gradient))


def test_families_without_bins_take_no_notice():
    made = make_forecaster(
        NetworkConfig(),
        Gaussian(5.0, 3.0),
        (KnotAnchor(0, 1.0, KNOTS),),
        ceiling=Ceiling(0, 1.0),
        free_logits=False,
    )
    assert made.network.module.anchors == ()
    assert made.network.module.ceiling is None


@pytest.mark.parametrize("knots", [(), (1.0,), (0.0, 0.0), (1.0, 0.0)])
def test_knots_must_increase(knots):
    with pytest.raises(ValueError, match=r"knots: expected at least two, increasing, got \("):
        KnotAnchor(0, 1.0, knots)


def test_bins_without_any_logit_are_refused():
    with pytest.raises(ValueError, match="free_logits: expected True where there are no anchors"):
        make_forecaster(NetworkConfig(), Binned(EDGES), free_logits=False)
