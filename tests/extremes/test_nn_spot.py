"""The detector on residuals."""

import numpy as np
import pytest

from sbp_jax.extremes import run_on_residuals
from tests.extremes.draws import DETECTOR, LENGTH, SERIES, START, judge

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


def test_residuals_are_judged_and_limits_are_in_the_unit_of_the_values():
    predicted = 1e6 + 50 * np.sin(np.arange(3 * LENGTH) / 9).reshape(3, LENGTH)
    predicted[:, 350] = np.nan
    residuals = SERIES.copy()
    residuals[:, START + 350] = np.nan
    state_alone, steps_alone = judge(residuals)
    start = DETECTOR.fit(SERIES[:, :START])
    state, steps = run_on_residuals(DETECTOR, start, predicted + SERIES[:, START:], predicted)
    np.testing.assert_array_equal(steps.alarm, steps_alone.alarm)
    assert np.all(np.any(steps.alarm, axis=(1, 2)))
    np.testing.assert_allclose(state.tails.shape, state_alone.tails.shape, atol=1e-4)
    # float32 has steps of 0.06 near 1e6.
    want = steps_alone.limit + predicted[..., None]
    np.testing.assert_allclose(steps.limit, want, atol=0.2)
