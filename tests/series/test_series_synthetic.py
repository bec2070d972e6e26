"""The law of the synthetic series against draws and against numerical integration."""

import numpy as np
import pytest
from scipy import integrate, stats

from sbp_jax.series.synthetic import POINTS, SpikyLaw, level, synthetic_series

LAW = SpikyLaw()
DRAWS = 1_000_000
AT = np.array([-9.0, -4.0, -1.0, -0.3, -0.05, 0.0, 0.2, 0.6, 2.0, 7.0])


@pytest.fixture(scope="module")
def draws():
    return np.sort(LAW.sample(np.random.default_rng(5), DRAWS))


def test_the_distribution_function_is_the_share_of_draws_below(draws):
    share = np.searchsorted(draws, AT, side="right") / DRAWS
    error = np.sqrt(share * (1 - share) / DRAWS)
    # Four standard errors, which are at most 5e-4, and what the function promises.
    assert np.all(abs(LAW.cdf(AT) - share) < 4 * error + 1e-5)


def test_tails_are_those_of_a_convolution():
    def noise(e):
        return stats.t.pdf(e / 0.25, 10) / 0.25

    for r in (-14.0, -6.0, 5.0, 8.0, 12.0):
        law = stats.genpareto(1 / 50 if r < 0 else 1 / 25)
        jump, _ = integrate.quad(
            lambda e, r=r, law=law: noise(e) * law.pdf(np.abs(r) - e),
            -5,
            5,
            points=[0],
            limit=200,
        )
        expected = np.log(0.85 * noise(r) + 0.075 * jump)
        assert LAW.log_pdf(np.array([r]))[0] == pytest.approx(expected, abs=2e-3)


def test_the_density_is_the_slope_of_the_distribution_function():
    at = np.linspace(-3, 3, 61) + 0.0125
    width = 0.005  # two steps of the grid between which the function is interpolated
    slope = (LAW.cdf(at + width) - LAW.cdf(at - width)) / (2 * width)
    np.testing.assert_allclose(np.exp(LAW.log_pdf(at)), slope, rtol=5e-3)


def test_crps_is_expected_distance_less_half_the_expected_spread(draws):
    """E|X - y| - E|X - X'| / 2; the second from sorted draws."""
    ranks = np.arange(1, DRAWS + 1)
    spread = 2 * np.sum((2 * ranks - DRAWS - 1) * draws) / DRAWS**2
    for y in (-5.0, -0.4, 0.0, 1.0, 8.0):
        distance = abs(draws - y)
        # Of the difference: draws of standard deviation about 0.6 to 1, so 1e-3 by a million.
        error = np.std(distance) / np.sqrt(DRAWS) + np.std(draws) / np.sqrt(DRAWS)
        expected = distance.mean() - spread / 2
        assert LAW.crps(np.array([y]))[0] == pytest.approx(expected, abs=4 * error)


def test_another_law_is_sampled_as_it_says():
    law = SpikyLaw(freedom=(4.0, 30.0), noise=(1.0, 0.1), spikes=0.0)
    residuals = law.sample(np.random.default_rng(0), 100_000)
    # Half below 0, give or take 4 standard errors of 0.0016.
    assert np.mean(residuals < 0) == pytest.approx(0.5, abs=0.0064)
    assert np.quantile(-residuals[residuals < 0], 0.5) == pytest.approx(
        stats.t.ppf(0.75, 4), rel=0.03
    )
    assert np.quantile(residuals[residuals > 0], 0.5) == pytest.approx(
        0.1 * stats.t.ppf(0.75, 30), rel=0.03
    )


def test_the_level_is_a_sine_of_period_100_about_5():
    at = np.arange(100)
    np.testing.assert_allclose(level(at), level(at + 700), atol=1e-9)
    assert level(np.array([0, 25, 50, 75])) == pytest.approx([5, 6, 5, 4])
    assert level(at).mean() == pytest.approx(5)


def test_a_series_is_level_and_residuals_of_its_seed():
    one, again, other = synthetic_series(3), synthetic_series(3), synthetic_series(4)
    np.testing.assert_array_equal(one.values, again.values)
    assert not np.any(one.values == other.values)
    assert (one.name, one.values.size) == ("seed 3", sum(POINTS))
    residuals = one.values - level(np.arange(one.values.size))
    pit = LAW.cdf(residuals)
    # Kolmogorov and Smirnov; 2.2 would be passed by chance in one of 10,000.
    assert stats.kstest(pit, "uniform").statistic < 2.2 / np.sqrt(pit.size)
    neighbours = np.corrcoef(pit[1:], pit[:-1])[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(pit.size)
