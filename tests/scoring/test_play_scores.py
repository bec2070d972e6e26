import numpy as np
import pytest

from sbp_jax.scoring import ScoringError, play_scores, standardise

RNG = np.random.default_rng(0)


def test_the_score_is_the_mid_distribution_function():
    """Of yards 0, 1, 2 with probabilities 1/2, 1/4, 1/4."""
    lower, upper = np.array([0, 0.5, 0.75]), np.array([0.5, 0.75, 1])
    np.testing.assert_array_equal(play_scores(lower, upper), [0.25, 0.625, 0.875])


@pytest.mark.parametrize("atom", [0.0, 0.38, 0.7])
def test_a_right_forecast_scores_one_half_on_average_with_the_variance_stated(atom):
    """Exactly, by summing over the yards that the forecast holds for possible."""
    pmf = np.array([atom, *((1 - atom) * RNG.dirichlet(np.ones(40)))])
    upper = np.cumsum(pmf)
    scores = play_scores(upper - pmf, upper)
    mean = pmf @ scores
    assert mean == pytest.approx(0.5)
    assert pmf @ (scores - mean) ** 2 == pytest.approx((1 - (pmf**3).sum()) / 12)


def test_standardised_scores_have_mean_zero_and_variance_one_in_every_season():
    seasons = np.repeat([2017, 2018], [300, 500])
    scores = RNG.random(800) * np.where(seasons == 2017, 0.5, 0.9)
    found = standardise(scores, seasons)
    for season in (2017, 2018):
        assert found[seasons == season].mean() == pytest.approx(0, abs=1e-12)
        assert found[seasons == season].std() == pytest.approx(1)
    assert (np.diff(found[:300][np.argsort(scores[:300])]) >= 0).all()


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
    ],
)
def test_what_is_no_probability_is_refused(lower, upper, message):
    with pytest.raises(ScoringError, match=message):
        play_scores(np.array(lower), np.array(upper))


def test_each_score_needs_a_season():
    with pytest.raises(ScoringError, match=r"got \(1,\) and \(2,\)"):
        standardise(np.zeros(2), np.zeros(1))
