import numpy as np
import pytest

from sbp_jax.evaluation import EvaluationError, clustered_mean, paired_difference
from sbp_jax.evaluation.metrics import SCORES
from sbp_jax.evaluation.verdict import point_verdict


@pytest.fixture(scope="module")
def season():
    """150 games of uneven length; plays of a game share something."""
    rng = np.random.default_rng(0)
    games = np.repeat(np.arange(150), rng.integers(20, 100, 150))
    values = rng.normal(size=games.size) + 0.5 * rng.normal(size=150)[games] + 2.0
    return values, games


def bootstrap(statistic, games, draws=1500):
    """Standard deviation of a statistic over resampled games; its own SE is 1/sqrt(2 draws)."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(games == game) for game in np.unique(games)]
    return np.std(
        [
            statistic(np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))]))
            for _ in range(draws)
        ]
    )


def test_plays_as_games_give_the_standard_error_of_a_mean(season):
    values, _ = season
    found = clustered_mean(values, np.arange(values.size))
    assert found.mean == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(values.size))


def test_standard_error_is_that_of_the_bootstrap_over_games(season):
    """The bootstrap's SE is 2 %; the two differ by some 2 % more with 150 games."""
    values, games = season
    found = clustered_mean(values, games).standard_error
    assert found == pytest.approx(bootstrap(lambda rows: values[rows].mean(), games), rel=0.08)
    assert found > 2 * values.std() / np.sqrt(values.size)  # games matter here


def test_games_may_be_named_and_come_in_any_order(season):
    values, games = season
    order = np.random.default_rng(2).permutation(values.size)
    names = np.array([f"2018{game:06d}" for game in games], object)
    np.testing.assert_allclose(
        clustered_mean(values[order], names[order]), clustered_mean(values, games), rtol=1e-10
    )


def test_root_mean_square_error_has_the_standard_error_of_the_bootstrap(season):
    values, games = season
    verdict = point_verdict(np.zeros(values.size))._replace(mean=np.zeros(values.size))
    per_play = SCORES["rmse_mean"].per_play(verdict, values)
    found = clustered_mean(per_play, games)
    assert found.mean == pytest.approx(np.sqrt((values**2).mean()))
    expected = bootstrap(lambda rows: np.sqrt((values[rows] ** 2).mean()), games)
    assert found.standard_error == pytest.approx(expected, rel=0.08)


def test_paired_differences_cancel_what_forecasts_share(season):
    values, games = season
    other = values + np.random.default_rng(3).normal(0.1, 0.01, values.size)
    found = paired_difference(other, values, games)
    assert found.mean == pytest.approx(0.1, abs=1e-3)
    assert found.standard_error < 0.01 * clustered_mean(values, games).standard_error


def test_undefined_and_infinite_values_show():
    games = np.array([1, 2])
    assert np.isnan(clustered_mean(np.array([1.0, np.nan]), games)).all()
    infinite = clustered_mean(np.array([1.0, np.inf]), games)
    assert infinite.mean == np.inf
    assert np.isnan(infinite.standard_error)
    assert np.isnan(paired_difference(np.array([np.inf]), np.array([np.inf]), games[:1]).mean)
    one_game = clustered_mean(np.array([1.0, 2.0]), np.array([7, 7]))
    assert one_game.mean == 1.5
    assert np.isnan(one_game.standard_error)


@pytest.mark.usefixtures("unchecked_shapes")
def test_bad_input_is_named():
    with pytest.raises(EvaluationError, match=r"got \(2,\) and \(3,\)"):
        clustered_mean(np.zeros(3), np.zeros(2))
    with pytest.raises(EvaluationError, match="empty set"):
        clustered_mean(np.zeros(0), np.zeros(0))
    with pytest.raises(EvaluationError, match=r"same plays, got \(2,\) and \(3,\)"):
        paired_difference(np.zeros(2), np.zeros(3), np.zeros(2))
