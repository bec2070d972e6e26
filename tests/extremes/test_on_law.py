"""The detector on normal scores: rates where the spread changes, limits in the unit of values."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import Gaussian, Law
from sbp_jax.distributions.standard_normal import inverse_log_upper
from sbp_jax.errors import DetectorError
from sbp_jax.extremes import Spot, SpotState, normal_scores, run_on_law, run_on_residuals

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

SERIES, START, LENGTH = 48, 1000, 1000
RISK = 5e-3


SPOT = Spot(risk=RISK, level=0.9, capacity=128)


class Watched(NamedTuple):
    x: np.ndarray
    law: Law
    scores: np.ndarray
    start: SpotState


@pytest.fixture(scope="module")
def watched():
    """Student noise, whose tails the Gaussian laws do not know: quiet, then loud by turns."""
    time = np.arange(START + LENGTH)
    spread = np.where(time < START, 1.0, np.exp(np.sin(time / 80)))
    noise = np.random.default_rng(0).standard_t(4, size=(SERIES, time.size))
    x = (50 + spread * noise).astype(np.float32)
    wide = jnp.broadcast_to(jnp.asarray(spread, jnp.float32), x.shape)
    law = Law(Gaussian(), Gaussian.Params(jnp.full(x.shape, 50.0), wide))
    scores = np.asarray(normal_scores(law, x))
    np.testing.assert_allclose(scores, (x - 50) / spread, rtol=1e-3, atol=1e-5)
    return Watched(x[:, START:], law[:, START:], scores, SPOT.fit(scores[:, :START]))


def rate(alarms):
    """Mean over the series, and its standard error."""
    found = np.asarray(alarms, np.float64).mean(axis=(1, 2))
    return found.mean(), found.std(ddof=1) / np.sqrt(SERIES)


def test_a_spread_that_is_forecast_raises_no_alarms(watched):
    _, steps = run_on_law(SPOT, watched.start, watched.x, watched.law)
    mean, error = rate(steps.alarm)
    assert mean == pytest.approx(RISK, abs=3 * error), (mean, error)
    limit = np.asarray(steps.limit)
    np.testing.assert_array_equal(watched.x[..., None] > limit, steps.alarm)
    assert limit.max() - 50 > 5 * (limit.min() - 50)


def test_residuals_raise_too_many(watched):
    # The scores of the quiet stretch are its residuals, whose spread is 1.
    predicted = np.full((SERIES, LENGTH), 50.0)
    _, steps = run_on_residuals(SPOT, watched.start, watched.x, predicted)
    mean, error = rate(steps.alarm)
    assert mean > 1.8 * RISK + 3 * error, (mean, error)


def test_each_value_needs_a_law(watched):
    with pytest.raises(DetectorError, match=r"law: expected .* value, \(48, 9\), got \(48, 1000\)"):
        run_on_law(SPOT, watched.start, watched.x[:, :9], watched.law)


def test_missing_values_and_those_outside_all_that_was_thought_of():
    law = Law(Gaussian(), Gaussian.Params(jnp.zeros(4), jnp.ones(4)))
    y = np.array([np.nan, np.inf, -np.inf, 1e10], np.float32)
    np.testing.assert_array_equal(normal_scores(law, y), y)


def test_scores_are_those_of_scipy_at_any_distance():
    x = np.array([0.0, 0.3, 3, 12, 12.6, 13, 100, 1e4])
    found = inverse_log_upper(jnp.asarray(scipy.stats.norm.logsf(x), jnp.float32))
    np.testing.assert_allclose(found, x, rtol=1e-6, atol=1e-7)
