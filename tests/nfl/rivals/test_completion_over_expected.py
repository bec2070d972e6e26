"""Expected completions: a known law recovered, folds kept apart, and calibration on real passes."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays.examples import targeted_passes
from sbp_jax.nfl.rivals.completion import completion_over_expected, expected_completion

SEASONS = (2014, 2015, 2016, 2017)
FOLDS = [[2014, 2015], [2016, 2017], [2018]]

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


@pytest.fixture(scope="module")
def passes():
    """Throws whose completion falls from 4 in 5 to 1 in 5 with distance, whatever else holds."""
    rng = np.random.default_rng(0)
    count = 6000
    air = rng.integers(0, 41, count)
    chance = 0.8 - 0.6 * air / 40
    frame = pl.DataFrame(
        {
            "season": np.repeat(SEASONS, count // 4),
            "week": rng.integers(1, 18, count),
            "season_type": "REG",
            "offense": "KC",
            "home_team": "KC",
            "quarter": rng.integers(1, 5, count),
            "clock_seconds": rng.integers(0, 901, count),
            "down": rng.integers(1, 4, count),
            "yards_to_go": 10,
            "yards_to_endzone": 75,
            "score_diff": rng.integers(-20, 21, count),
            "air_yards": air,
            "pass_depth": np.where(air > 15, "deep", "short"),
            "pass_location": "left",
            "shotgun": True,
            "no_huddle": False,
            "passer_id": rng.choice(["1", "2"], count),
            "complete": rng.random(count) < chance,
        }
    )
    return frame.with_columns(chance=pl.Series(chance))


@pytest.fixture(scope="module")
def expected(passes):
    return expected_completion(passes, FOLDS)


def test_a_known_law_is_recovered(passes, expected):
    """Some 40 free columns on 3,000 passes: root mean square error near sqrt(40 * .22 / 3000)."""
    error = np.sqrt(np.mean((expected - passes["chance"].to_numpy()) ** 2))
    assert error < 1.3 * np.sqrt(40 * 0.22 / 3000)
    assert expected.dtype == np.float64


def test_a_fold_has_no_part_in_its_own_expectation(passes, expected):
    """Turning the outcomes of one season round changes what is expected of the other fold only."""
    own = (passes["season"] >= 2016).to_numpy()
    turned = passes.with_columns(complete=pl.col("complete") ^ (pl.col("season") == 2016))
    found = expected_completion(turned, FOLDS)
    np.testing.assert_array_equal(found[own], expected[own])
    assert np.abs(found[~own] - expected[~own]).mean() > 0.1


@pytest.mark.parametrize(
    "change",
    [
        {"score_diff": 28},
        {"week": 1},
        {"season_type": "POST"},
        {"passer_id": "9"},
    ],
)
def test_who_is_ahead_when_and_who_throws_say_nothing(passes, expected, change):
    name, value = next(iter(change.items()))
    last = pl.col("season") == 2017
    changed = passes.with_columns(
        pl.when(last).then(pl.lit(value, passes.schema[name])).otherwise(name).alias(name)
    )
    np.testing.assert_array_equal(expected_completion(changed, FOLDS), expected)


def test_percentages_by_hand():
    """2018 as a whole completed 2 of 4 where 1.6 were expected: a tenth above."""
    frame = pl.DataFrame(
        {
            "season": [2018, 2018, 2018, 2018, 2017],
            "passer_id": ["b", "a", "a", "a", "a"],
            "complete": [False, True, True, False, True],
        }
    )
    table = completion_over_expected(frame, np.array([0.7, 0.4, 0.2, 0.3, 0.9]))
    assert table.columns[:3] == ["season", "passer_id", "targeted"]
    assert table.select("season", "passer_id", "targeted").rows() == [
        (2017, "a", 1),
        (2018, "a", 3),
        (2018, "b", 1),
    ]
    np.testing.assert_allclose(table["completion_percent"], [100, 200 / 3, 0])
    np.testing.assert_allclose(table["expected_percent"], [100, 40, 80], atol=1e-9)
    np.testing.assert_allclose(table["cpoe"], [0, 80 / 3, -80], atol=1e-9)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([[2014, 2015], [2016]], r"folds: expected every season .*, got none with \[2017\]"),
        ([[2015, 2016], [2016, 2017]], r"folds: expected each season once, got \[2016\] more"),
        ([[2015], [2016], [2017], [2017]], r"folds: expected each season once, got \[2017\] more"),
        ([SEASONS, [2018]], "folds: expected passes in at least two, got all"),
    ],
)
def test_folds_that_do_not_part_the_seasons_are_refused(passes, folds, message):
    with pytest.raises(ScoringError, match=message):
        expected_completion(passes, folds)


def test_passes_that_cannot_be_used_are_refused(passes):
    with pytest.raises(ScoringError, match="passes: expected at least one, got an empty set"):
        expected_completion(passes.clear(), FOLDS)
    with pytest.raises(ScoringError, match="passes: expected at least one, got an empty set"):
        completion_over_expected(passes.clear(), np.zeros(0))
    unknown = passes.with_columns(complete=pl.lit(None, pl.Boolean))
    with pytest.raises(ScoringError, match="expected complete in every row, got null in 6000"):
        expected_completion(unknown, FOLDS)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ([0.5], r"expected: expected one for each of 2 passes, got shape \(1,\)"),
        ([0.5, 1.5], "expected: expected probabilities, got 1.5 in row 1"),
        ([np.nan, 0.5], "expected: expected probabilities, got nan in row 0"),
    ],
)
def test_expectations_that_are_none_are_refused(passes, expected, message):
    with pytest.raises(ScoringError, match=message):
        completion_over_expected(passes[:2], np.array(expected))


def test_real_passes_are_calibrated_in_every_band_of_air_yards(shared_data):
    """Per band within 3 binomial standard errors, sqrt(sum p (1 - p)), of what was expected."""
    passes = targeted_passes(pl.read_parquet(shared_data / "passes" / "passes.parquet"))
    # As many of each season, so that one compiled program fits both.
    passes = pl.concat(passes.filter(season=season)[:9000] for season in (2016, 2017))
    expected = expected_completion(passes, [[2016], [2017]])
    band = np.digitize(passes["air_yards"].fill_null(0).to_numpy(), [-4, 1, 5, 10, 15, 20, 30])
    complete = passes["complete"].to_numpy()
    above = np.bincount(band, complete - expected)
    assert np.all(np.abs(above) < 3 * np.sqrt(np.bincount(band, expected * (1 - expected))))
    # The expectation tells throws apart: the bands' rates span half the scale.
    rates = np.bincount(band, expected) / np.bincount(band)
    assert rates.max() - rates.min() > 0.4
