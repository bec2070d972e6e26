"""The detector beside a plain loop, and its state beside cold fits of what it has kept."""

import jax
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import genpareto
from sbp_jax.extremes.tail_fit import search
from tests.extremes.draws import DETECTOR, LENGTH, PUBLISHED, SERIES, START, judge, pareto
from tests.extremes.plain_spot import plain_spot

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


@pytest.mark.parametrize("spot", [DETECTOR, PUBLISHED], ids=["default", "published"])
def test_steps_are_those_of_a_plain_loop(spot):
    _, steps = judge(SERIES, spot)
    for row, series in enumerate(SERIES[:2]):
        alarm, limit, beyond = plain_spot(spot, series[:START], series[START:])
        assert np.all(np.sum(alarm, axis=0) >= 4)
        np.testing.assert_array_equal(steps.alarm[row], alarm)
        # Limits are about 5 from the moving mean.
        np.testing.assert_allclose(steps.limit[row], limit, rtol=0, atol=5e-3)
        np.testing.assert_allclose(steps.probability[row], beyond, rtol=5e-3, atol=1e-6)


def test_start_is_the_likelihood_fit_and_the_published_formula():
    x = SERIES[:, :START]
    state = PUBLISHED.fit(x)
    means = np.lib.stride_tricks.sliding_window_view(x, 20, axis=1).mean(axis=2)
    centred = x[:, 20:] - means[:, :-1]
    unit = np.asarray(state.unit.scale)
    for row in range(3):
        for side, sign in enumerate((1, -1)):
            values = sign * centred[row]
            threshold = np.quantile(values, 0.9)
            excess = values[values > threshold] - threshold
            shape, _, scale = scipy.stats.genpareto.fit(excess, 0.1, floc=0)
            tail = jax.tree.map(lambda part, at=(row, side): part[at], state.tails)
            assert (int(tail.peak_count), int(tail.value_count)) == (28, 280)
            np.testing.assert_allclose(tail.shape, shape, atol=1e-3)
            np.testing.assert_allclose(tail.scale * unit[row], scale, rtol=1e-3)
            z = scale / shape * ((5e-3 * 280 / 28) ** -shape - 1)
            np.testing.assert_allclose(tail.limit * unit[row], z, rtol=1e-3)


def test_kept_fits_are_those_of_a_cold_search_after_the_ring_has_gone_round():
    blocks = 6
    x = np.stack([pareto(shape, START + blocks * LENGTH, 1) for shape in (-0.2, 0.0, 0.3)])
    state = DETECTOR.fit(x[:, :START])
    for stream in np.split(x[:, START:], blocks, axis=1):
        state, _ = DETECTOR.run(state, stream)
    tails = jax.tree.map(lambda part: part.reshape(6, *part.shape[2:]), state.tails)
    assert np.all(tails.peak_count > 2 * DETECTOR.capacity)
    seen = START - DETECTOR.depth + blocks * LENGTH  # less the alarms that are not believed
    assert np.all((0.99 * seen < tails.value_count) & (tails.value_count <= seen))
    assert np.any(tails.peaks < 0)
    assert np.any(tails.searched < tails.peak_count)
    for row, peaks in enumerate(tails.peaks):
        cold = jax.jit(search)(peaks)
        want = genpareto.isf(0.02, *cold)
        got = genpareto.isf(0.02, tails.shape[row], tails.scale[row])
        np.testing.assert_allclose(got, want, rtol=1e-3)
