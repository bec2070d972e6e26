"""Scores of plays: against quadrature of scipy's normal quantile, and fair under any forecast."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from sbp_jax.nfl.ratings import ScoringError, play_scores, throw_scores
from sbp_jax.nfl.ratings.play_score import season_centred

PMFS = st.lists(st.floats(1e-4, 1), min_size=1, max_size=30).map(lambda w: np.array(w) / sum(w))


def steps(pmf):
    """The distribution function below and at each outcome."""
    upper = np.minimum(np.cumsum(pmf), 1.0)
    return np.maximum(upper - pmf, 0.0), upper


def normal_scores(lower, upper):
    """Throw scores in units of their standard deviation, and less no mean.

    Every play comes with its mirror image, so that the season's mean is 0.
    """
    lower, upper = np.asarray(lower), np.asarray(upper)
    both = np.concatenate([lower, 1 - upper]), np.concatenate([upper, 1 - lower])
    signs = np.where(np.arange(2 * len(lower)) % 2, 1.0, -1.0)  # standard deviation 1
    return throw_scores(*both, signs, np.full(len(signs), 2018))[: len(lower)]


def test_the_play_score_is_the_mid_distribution_function():
    """Of yards 0, 1, 2 with probabilities 1/2, 1/4, 1/4."""
    lower, upper = np.array([0, 0.5, 0.75]), np.array([0.5, 0.75, 1])
    np.testing.assert_array_equal(play_scores(lower, upper), [0.25, 0.625, 0.875])


@given(PMFS)
@settings(max_examples=50, deadline=None)
def test_a_right_forecast_scores_one_half_on_average(pmf):
    """Exactly, by summing over what can happen; the variance is (1 - sum p^3) / 12."""
    scores = play_scores(*steps(pmf))
    assert pmf @ scores == pytest.approx(0.5)
    assert pmf @ (scores - 0.5) ** 2 == pytest.approx((1 - (pmf**3).sum()) / 12, abs=1e-12)


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (0.2, 0.6),
        (0.5, 0.51),
        (0.0, 0.4),
        (0.0, 0.001),
        (0.7, 1.0),
        (0.9999, 1.0),
        (0.0, 1.0),
        (1e-9, 0.3),
        (0.1, 0.1 + 1e-4),
        (0.002, 0.002 + 3e-6),
    ],
)
def test_the_throw_score_is_the_mean_of_the_normal_quantile_over_the_step(lower, upper):
    area, _ = quad(norm.ppf, lower, upper, epsabs=1e-12, epsrel=1e-8, limit=200)
    found = normal_scores([lower], [upper])[0]
    assert found == pytest.approx(area / (upper - lower), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("step", [0.0, 1e-12, 0.99e-6, 1.01e-6])
@pytest.mark.parametrize("place", [0.01, 0.5, 0.98])
def test_a_tiny_step_is_a_point(step, place):
    """Where a step has no width left, and no jump where it begins to have one."""
    found = normal_scores([place - step / 2], [place + step / 2])[0]
    assert found == pytest.approx(norm.ppf(place), abs=1e-6)


@pytest.mark.parametrize(("place", "sign"), [(0.0, -1), (1.0, 1)])
def test_a_point_at_the_end_counts_as_one_in_a_million(place, sign):
    assert normal_scores([place], [place])[0] == pytest.approx(sign * norm.isf(1e-6))


@given(PMFS)
@settings(max_examples=50, deadline=None)
def test_under_any_right_forecast_the_mean_throw_score_is_zero(pmf):
    scores = normal_scores(*steps(pmf))
    assert pmf @ scores == pytest.approx(0, abs=1e-9)
    assert (np.diff(scores) > 0).all()


def test_throw_scores_have_the_spread_of_what_was_over_expectation():
    """Without atoms: the standard deviation is that of the given numbers, their places not."""
    rng = np.random.default_rng(0)
    count = 4000
    place = (np.arange(count) + 0.5) / count
    over = rng.permutation(np.repeat([-3.0, 3.0], count // 2))
    found = throw_scores(place, place, over, np.full(count, 2018))
    assert found.std() == pytest.approx(3, rel=2e-3)
    np.testing.assert_allclose(found, throw_scores(place, place, -over + 7, np.full(count, 2018)))


def test_throw_scores_are_counted_from_their_season_and_scaled_together():
    """Seasons that gained differently: means 0, and the same step for the same two forecasts."""
    seasons = np.array([2017, 2017, 2018, 2018, 2018])
    lower = np.array([0.0, 0.5, 0.0, 0.5, 0.5])
    found = throw_scores(lower, lower + 0.5, np.array([0.0, 2.0, 0.0, 2.0, 1.0]), seasons)
    above = np.sqrt(2 / np.pi) * np.std([0, 2, 0, 2, 1])  # mean of the upper half of a normal
    np.testing.assert_allclose(found[:2], [-above, above])
    np.testing.assert_allclose(found[2:], [-4 / 3 * above, 2 / 3 * above, 2 / 3 * above])


def test_values_are_counted_from_the_mean_of_their_season():
    found = season_centred(np.array([4.0, 1.0, 6.0, 3.0]), np.array([2018, 2016, 2018, 2016]))
    np.testing.assert_array_equal(found, [-1, -1, 1, 1])


def test_float32_rounding_is_forgiven_and_cut_off():
    found = play_scores(*np.array([[-1e-7, 1.0], [0.0, 1.0 + 1e-6]], np.float32))
    np.testing.assert_array_equal(found, [0, 1])


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0.1], [0.1, 0.2], r"equal lengths, got \(1,\), \(2,\)"),
        ([], [], "empty set"),
        ([0.1, np.nan], [0.2, 0.4], "got F.* = nan and F.* = 0.4 in row 1"),
        ([1.1], [1.2], "got F.* = 1.1 and F.* = 1.2 in row 0"),
        ([0.1, -0.01], [0.2, 0.4], "got F.* = -0.01 and F.* = 0.4 in row 1"),
        ([0.4], [0.3], "got F.* = 0.4 and F.* = 0.3 in row 0"),
    ],
)
def test_what_is_no_probability_is_refused(lower, upper, message):
    lower, upper = np.array(lower), np.array(upper)
    with pytest.raises(ScoringError, match=message):
        play_scores(lower, upper)
    with pytest.raises(ScoringError, match=message):
        throw_scores(lower, upper, np.zeros(len(lower)), np.zeros(len(lower)))


@pytest.mark.parametrize(
    ("over", "seasons", "message"),
    [
        ([1.0], [2017, 2018], r"over_expectation: expected 2, one a play, got \(1,\)"),
        ([1.0, 2.0], [2017], r"seasons: expected 2, one a play, got \(1,\)"),
        ([1.0, np.inf], [2017, 2018], "over_expectation: .*finite numbers, got inf in row 1"),
    ],
)
def test_what_does_not_belong_to_the_plays_is_refused(over, seasons, message):
    with pytest.raises(ScoringError, match=message):
        throw_scores(np.zeros(2), np.ones(2), np.array(over), np.array(seasons))
