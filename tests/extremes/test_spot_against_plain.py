"""The detector beside a plain loop, and its state beside cold fits of what it has kept."""

import jax
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import genpareto
from sbp_jax.extremes import Spot
from sbp_jax.extremes.tail_fit import search
from tests.extremes.draws import pareto, wandering
from tests.extremes.plain_spot import plain_spot

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


@pytest.mark.parametrize(("alarms", "corrected"), [("censor", True), ("exclude", False)])
def test_alarms_and_limits_are_those_of_a_plain_loop(alarms, corrected):
    x = wandering(700, seed=3)
    calibration, stream = x[:300], x[300:]
    spot = Spot(5e-3, 0.9, 20, tails="both", capacity=128, alarms=alarms, corrected=corrected)
    _, steps = spot.run(spot.fit(calibration), stream)
    alarm, limit = plain_spot(
        calibration,
        stream,
        depth=20,
        level=0.9,
        risk=5e-3,
        censor=alarms == "censor",
        corrected=corrected,
    )
    assert np.all(np.sum(alarm, axis=0) >= 4)
    np.testing.assert_array_equal(steps.alarm, alarm)
    # Mean absolute limits are about 5.
    np.testing.assert_allclose(steps.limit, limit, rtol=0, atol=5e-3)


def test_kept_fits_are_those_of_a_cold_search_after_the_ring_has_gone_round():
    x = np.stack([pareto(shape, 6000, seed=1) for shape in (-0.2, 0.0, 0.3)])
    spot = Spot(risk=1e-3, level=0.95, capacity=128)
    state, _ = spot.run(spot.fit(x[:, :1000]), x[:, 1000:])
    tails = state.tails
    assert np.all(tails.peak_count > 2 * spot.capacity)
    assert np.all(tails.value_count == 6000)
    assert np.any(tails.peaks < 0)
    cold = jax.jit(jax.vmap(search))(tails.peaks[:, 0])
    want = genpareto.isf(0.02, cold.shape, cold.scale)
    got = genpareto.isf(0.02, tails.shape[:, 0], tails.scale[:, 0])
    np.testing.assert_allclose(got, want, rtol=1e-3)


def test_start_is_the_likelihood_fit_and_the_published_formula():
    x = pareto(0.2, 4000, seed=2)
    spot = Spot(risk=1e-4, corrected=False)
    state = spot.fit(x)
    threshold = np.quantile(x, 0.98)
    excess = x[x > threshold] - threshold
    shape, _, scale = scipy.stats.genpareto.fit(excess, 0.1, floc=0)
    _, steps = spot.run(state, np.zeros(1))
    want = threshold + scale / shape * ((1e-4 * 4000 / len(excess)) ** -shape - 1)
    np.testing.assert_allclose(steps.limit[0, 0], want, rtol=2e-3)
    unit, tails = state.unit, state.tails
    np.testing.assert_allclose(tails.shape[0], shape, atol=2e-3)
    np.testing.assert_allclose(tails.scale[0] * unit.scale, scale, rtol=2e-3)
    assert (int(tails.peak_count[0]), int(tails.value_count[0])) == (80, 4000)
