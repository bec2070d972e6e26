"""What a forecast may depend on, and what not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, SplicedBinnedPareto
from sbp_jax.models.ceiling import Ceiling
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.knot_anchors import KnotAnchor
from sbp_jax.series import SeriesNetwork, series_forecaster
from sbp_jax.series.network import context_of, forecast_steps, init_network
from sbp_jax.series.windows import cut
from tests.series.small import CONTEXT, EDGES, NETWORK

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

START, LENGTH = 20, 12
FORECASTER = series_forecaster(SplicedBinnedPareto(EDGES), NETWORK)


@pytest.fixture(scope="module")
def params():
    """Positive up to the last layer: no path of the network can cancel or die in a ReLU."""
    shapes = jax.eval_shape(lambda key: init_network(FORECASTER, key), jax.random.key(0))
    rng = np.random.default_rng(0)

    def drawn(path, leaf):
        values = 0.3 * rng.normal(size=leaf.shape)
        last = str(path[0].key).startswith(("raw", "anchor"))
        return (values if last else abs(values) + 0.1).astype(np.float32)

    return jax.tree_util.tree_map_with_path(drawn, shapes)


def forecasts_of(params, values, starts, *, length, lead):
    """Parameters at each target, flat: (B, length, numbers)."""
    starts = jnp.asarray(starts)
    windows = cut(
        values[None],
        jnp.zeros_like(starts),
        starts,
        starts + length,
        length=length,
        context=CONTEXT,
        lead=lead,
    )
    law = forecast_steps(FORECASTER, params, windows.inputs, length)
    return jnp.concatenate([x.reshape(*x.shape[:2], -1) for x in jax.tree.leaves(law)], axis=-1)


@pytest.fixture(scope="module")
def dense(params):
    """All targets of a stretch in one pass."""
    program = jax.jit(
        lambda values, lead: forecasts_of(params, values, [START], length=LENGTH, lead=lead)[0],
        static_argnums=1,
    )
    return lambda values, lead: np.asarray(program(jnp.asarray(values), lead))


def values_with_gaps():
    values = np.random.default_rng(1).exponential(size=40).astype(np.float32)
    values[[3, 15, 22, 23, 27]] = np.nan
    return values


def test_the_context_is_that_of_the_network():
    assert context_of(FORECASTER) == CONTEXT


@pytest.mark.parametrize("lead", [1, 3])
def test_a_forecast_depends_on_its_context_and_on_nothing_else(dense, lead):
    values = values_with_gaps()
    plain = dense(values, lead)
    for changed in range(START - CONTEXT - lead - 1, START + LENGTH):
        other = values.copy()
        other[changed] = 50.0
        moved = np.any(dense(other, lead) != plain, axis=-1)
        targets = np.arange(START, START + LENGTH)
        inside = (targets - lead >= changed) & (targets - lead - CONTEXT + 1 <= changed)
        np.testing.assert_array_equal(moved, inside)


@pytest.mark.parametrize("lead", [1, 3])
def test_gradients_to_other_values_are_exactly_zero(params, lead):
    values = jnp.asarray(np.random.default_rng(2).exponential(size=40), jnp.float32)

    @jax.jit
    def gradient(values, j):
        return jax.grad(
            lambda x: jnp.sum(forecasts_of(params, x, [START], length=LENGTH, lead=lead)[0, j])
        )(values)

    for j in (0, 4, LENGTH - 1):
        touched = np.flatnonzero(np.asarray(gradient(values, j)))
        last = START + j - lead
        np.testing.assert_array_equal(touched, np.arange(last - CONTEXT + 1, last + 1))


@pytest.mark.parametrize("lead", [1, 3])
def test_one_pass_forecasts_like_a_window_for_each_point(params, dense, lead):
    values = values_with_gaps()
    starts = np.arange(START, START + LENGTH)
    alone = jax.jit(lambda x: forecasts_of(params, x, starts, length=1, lead=lead)[:, 0])(values)
    np.testing.assert_allclose(dense(values, lead), alone, rtol=1e-5, atol=1e-6)


def test_missing_is_not_the_same_as_the_median_and_stays_finite(dense):
    values = values_with_gaps()
    filled = np.nan_to_num(values)
    found = dense(values, 1)
    assert np.isfinite(found).all()
    assert np.any(found != dense(filled, 1))
    assert np.isfinite(dense(np.full_like(values, np.nan), 1)).all()
    values[10] = 1e30  # a far value is seen by its logarithm
    assert np.isfinite(dense(values, 1)).all()


def test_dropout_is_for_training_alone(params):
    forecaster = series_forecaster(
        FORECASTER.family,
        SeriesNetwork(features=4, layers=2, kernel_size=2, hidden=(4,), knots=3, dropout=0.5),
    )
    inputs = jnp.asarray(np.random.default_rng(3).normal(size=(1, 10)), jnp.float32)
    run = jax.jit(lambda key: forecast_steps(forecaster, params, inputs, 4, key).logits)
    plain, without = jax.jit(
        lambda x: [forecast_steps(each, params, x, 4).logits for each in (forecaster, FORECASTER)]
    )(inputs)
    np.testing.assert_array_equal(plain, without)
    one, other = run(jax.random.key(0)), run(jax.random.key(1))
    assert not np.allclose(one, other)


def zeros(forecaster):
    shapes = jax.eval_shape(lambda key: init_network(forecaster, key), jax.random.key(0))
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


def shifted(bins_from, shift, edges):
    """Logits of a network whose point the bias of its last output moves by `shift` bins."""
    anchor = KnotAnchor(None, 1.0, (-2.0, 0.0, 2.0), shift_scale=1.0)
    config = NetworkConfig(features=2, layers=1, kernel_size=2, hidden=(2,))
    forecaster = make_forecaster(
        config, Binned(edges), (anchor,), free_logits=False, bins_from=bins_from
    )
    params = zeros(forecaster)
    params["anchor_0"]["bias"] = np.array([-1.0, 3.0, -1.0, shift], np.float32)
    run = jax.jit(lambda params: forecast_steps(forecaster, params, jnp.zeros((1, 1)), 1).logits)
    return np.asarray(run(params)[0, 0])


UNEVEN = np.concatenate([np.arange(0.0, 10.0), [12.0, 20.0, 50.0]])


def test_the_histogram_lies_where_the_point_lies_in_uneven_bins():
    for bins_from, first in ((3.0, 3), (3.5, 3), (15.0, 10)):
        logits = shifted(bins_from, 0.5, UNEVEN)  # half a bin on is the middle of the bin
        assert np.argmax(logits) == first
        assert logits[first] == 3
        assert logits[0] == -1
        moved = shifted(bins_from, 1.5, UNEVEN)
        np.testing.assert_allclose(moved[1:], logits[:-1])
    assert np.argmax(shifted(-5.0, 0.5, UNEVEN)) == 0  # outside: the end bin
    assert np.argmax(shifted(99.0, 0.5, UNEVEN)) == len(UNEVEN) - 2


def test_what_anchors_that_count_in_bins_cannot_have():
    anchor = KnotAnchor(None, 1.0, (-2.0, 0.0, 2.0))
    config = NetworkConfig(features=2, layers=1)
    with pytest.raises(ValueError, match="ceiling: expected None with anchors that count in bins"):
        make_forecaster(config, Binned(UNEVEN), (anchor,), ceiling=Ceiling(0, 1.0), bins_from=3.0)
    with pytest.raises(ValueError, match="bins of equal width, got uneven edges"):
        make_forecaster(config, Binned(UNEVEN), (anchor,))
    with pytest.raises(ValueError, match="free_logits: expected True where there are no anchors"):
        make_forecaster(config, Binned(UNEVEN), free_logits=False, bins_from=3.0)


@pytest.mark.parametrize("center", [0.0, 1.5])
def test_the_point_lies_at_the_center_before_training(center):
    """Knots are even about the point, and all logits about 0, so only the point's place tells."""
    network = SeriesNetwork(
        features=4, layers=2, kernel_size=2, hidden=(4,), knots=3, center=center
    )
    forecaster = series_forecaster(Binned(EDGES), network)
    params = zeros(forecaster)
    params["anchor_0"]["bias"][2:5] = 9.0  # the knots at and about the point
    law = jax.jit(lambda params: forecast_steps(forecaster, params, jnp.zeros((1, 3)), 2))(params)
    median = np.asarray(forecaster.family.quantile(law, 0.5))
    np.testing.assert_allclose(median, center, atol=0.5)  # the width of a bin


def test_no_knots_give_every_bin_a_logit_of_its_own():
    network = SeriesNetwork(features=4, layers=2, kernel_size=2, hidden=(4,), knots=0)
    params = zeros(series_forecaster(Binned(EDGES), network))
    assert params["raw"]["bias"].shape == (len(EDGES) - 1,)
