"""Expected points: a known law recovered, seasons kept out, and calibration on real seasons."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.points.expected_points import fit_expected_points, snap_situations
from sbp_jax.nfl.points.next_score import NEXT_SCORES, with_next_score
from sbp_jax.nfl.points.situation import SITUATION, situation_features

SEASONS = (2014, 2015)
EVEN = range(2010, 2019, 2)
COUNT = 8000
POINTS = np.array(NEXT_SCORES)

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


def chances(field):
    """(B, 7) probabilities of the next scores, straight in the yards to the end zone."""
    far = np.asarray(field)[:, None] / 99
    at_goal = np.array([0.05, 0.02, 0.00, 0.03, 0.00, 0.20, 0.70])
    at_own_goal = np.array([0.30, 0.20, 0.10, 0.10, 0.02, 0.10, 0.18])
    return (1 - far) * at_goal + far * at_own_goal


@pytest.fixture(scope="module")
def simulated():
    """Games of one snap, the last, whose next score depends on the field position alone."""
    rng = np.random.default_rng(0)
    field = rng.integers(1, 100, COUNT)
    chosen = (rng.random((COUNT, 1)) > chances(field).cumsum(axis=1)).sum(axis=1)
    points = POINTS[np.minimum(chosen, 6)]
    snaps = pl.DataFrame(
        {
            "game_id": np.char.mod("g%04d", np.arange(COUNT)),
            "season": np.repeat(SEASONS, COUNT // 2),
            "snap": 0,
            "quarter": rng.integers(1, 5, COUNT),
            "clock_seconds": rng.integers(0, 901, COUNT),
            "kind": rng.choice(["pass", "run", "sack", "punt"], COUNT),
            "home_team": "KC",
            "offense": rng.choice(["KC", "DEN"], COUNT),
            "down": rng.integers(1, 5, COUNT),
            "yards_to_go": np.minimum(rng.integers(1, 21, COUNT), field),
            "yards_to_endzone": field,
            "offense_score": 0,
            "defense_score": 0,
        }
    )
    at_home = snaps["offense"].to_numpy() == "KC"
    ours, theirs = np.maximum(points, 0), np.maximum(-points, 0)
    games = pl.DataFrame(
        {
            "game_id": snaps["game_id"],
            "home_score": np.where(at_home, ours, theirs),
            "away_score": np.where(at_home, theirs, ours),
        }
    )
    return snaps, games


@pytest.fixture(scope="module")
def models(simulated):
    """Of all seasons, and without either."""
    return fit_expected_points(*simulated, without=((), SEASONS[:1], SEASONS[1:]))


def test_a_law_of_the_field_position_is_recovered(simulated, models):
    """Mean over a band within 3 standard errors, sd(points) / sqrt(snaps of the band)."""
    situations, _ = snap_situations(*simulated)
    probable = chances(situations["yards_to_endzone"].to_numpy())
    expected = probable @ POINTS
    variance = probable @ POINTS**2 - expected**2
    error = models[0].points(situations) - expected
    for column, edges in (("yards_to_endzone", [20, 40, 60, 80]), ("down", [2, 3, 4])):
        band = np.digitize(situations[column].to_numpy(), edges)
        standard_error = np.sqrt(np.bincount(band, variance)) / np.bincount(band)
        assert np.all(np.abs(np.bincount(band, error) / np.bincount(band)) < 3 * standard_error)
        assert standard_error.max() < 0.15  # of expected points that span 6
    # Each direction of the features costs variance / snaps.
    directions = np.linalg.matrix_rank(situation_features(situations), tol=1e-2)
    assert np.sqrt(np.mean(error**2)) < 1.2 * np.sqrt(directions * variance.mean() / COUNT)


def test_probabilities_are_some(simulated, models):
    situations, _ = snap_situations(*simulated)
    probable = models[0].logit.probabilities(situation_features(situations))
    assert probable.min() >= 0
    np.testing.assert_allclose(probable.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(models[0].points(situations), probable @ POINTS, atol=1e-5)


def test_seasons_left_out_have_no_part_in_the_model(simulated, models):
    """The same as from tables that lack them, and not the same as from the other season."""
    snaps, games = simulated
    lacking = fit_expected_points(snaps.filter(pl.col("season") != SEASONS[0]), games)[0]
    np.testing.assert_array_equal(models[1].logit.weights, lacking.logit.weights)
    np.testing.assert_array_equal(models[1].logit.bias, lacking.logit.bias)
    assert np.abs(models[1].logit.weights - models[2].logit.weights).max() > 0.01
    assert [model.snaps for model in models] == [COUNT, COUNT // 2, COUNT // 2]


def test_snaps_that_cannot_be_used_are_counted(simulated):
    snaps, games = simulated[0][:9], simulated[1]
    unknown = pl.DataFrame({"snap": range(9)}).select(
        down=pl.when(pl.col("snap") == 0).then(None).otherwise(1),
        yards_to_go=pl.when(pl.col("snap") == 1).then(None).otherwise(0),
        yards_to_endzone=pl.when(pl.col("snap") == 2).then(None).otherwise(50),
        offense_score=pl.when(pl.col("snap") == 3).then(None).otherwise(0),
        kind=pl.when(pl.col("snap") == 4).then(pl.lit("kickoff")).otherwise(pl.lit("field_goal")),
        clock_seconds=pl.when(pl.col("snap") == 5).then(None).otherwise(100),
        quarter=pl.when(pl.col("snap") == 6).then(5).otherwise(3),
    )
    kept, left_out = snap_situations(snaps.with_columns(unknown), games)
    assert kept["game_id"].to_list() == [f"g000{i}" for i in (5, 6, 7, 8)]
    assert left_out == 4  # a kickoff is no snap from scrimmage
    assert kept["half_seconds"].to_list() == [1350, 100, 1000, 1000]
    assert kept.columns == ["game_id", "season", *SITUATION, "next_score"]


def test_real_snaps_are_all_used_or_counted(real_games):
    kept, left_out = snap_situations(real_games.snaps, real_games.games)
    others = real_games.snaps.filter(
        pl.col("kind").is_in(["kickoff", "extra_point", "two_point", "other"])
    )
    assert kept.height + left_out + others.height == real_games.snaps.height
    assert left_out < 0.01 * kept.height


def test_nothing_to_learn_from_is_refused(simulated):
    snaps, games = simulated
    with pytest.raises(PointsError, match=r"snaps: expected some from scrimmage .* got none"):
        fit_expected_points(snaps.with_columns(kind=pl.lit("kickoff")), games)
    with pytest.raises(PointsError, match=r"without: expected some seasons .* \(2014, 2015\)"):
        fit_expected_points(snaps, games, without=[SEASONS])


@pytest.mark.parametrize("name", ["season", "quarter", "clock_seconds", "down", "yards_to_endzone"])
def test_a_missing_column_of_the_snaps_is_named(simulated, name):
    snaps, games = simulated
    with pytest.raises(PointsError, match=f"snaps: expected the columns {name}, which are missing"):
        fit_expected_points(snaps.drop(name), games)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"down": 5}, "expected down from 1 to 4, got 5"),
        ({"yards_to_go": -1}, "expected yards_to_go from 0 to 99, got -1"),
        ({"yards_to_endzone": 101}, "expected yards_to_endzone from 0 to 100, got 101"),
        ({"half_seconds": None}, "expected half_seconds in every row, got null in 1"),
    ],
)
def test_situations_that_are_none_are_refused(models, change, message):
    situation = dict(zip(SITUATION, (1, 10, 50, 900), strict=True)) | change
    with pytest.raises(PointsError, match=f"situations: {message}"):
        models[0].points(pl.DataFrame([situation], schema=dict.fromkeys(SITUATION, pl.Int64)))


def test_situations_without_a_column_are_refused(models):
    with pytest.raises(PointsError, match="situations: expected the columns down, half_seconds"):
        models[0].points(pl.DataFrame({"yards_to_go": [10], "yards_to_endzone": [50]}))


@pytest.fixture(scope="module")
def of_odd_seasons(all_seasons):
    """A model of 2009 to 2017 without the even seasons."""
    return fit_expected_points(all_seasons.snaps, all_seasons.games, without=[EVEN])[0]


@pytest.mark.slow
def test_real_seasons_are_expected_by_a_model_that_never_saw_them(all_seasons, of_odd_seasons):
    """Next score less its expectation within 4 standard errors, games as clusters.

    Those of the next scores alone; the model's own error is about as large. Of the even seasons
    only: errors of two models that each learn from what the other is asked about cancel.
    """
    situations, _ = snap_situations(all_seasons.snaps, all_seasons.games)
    asked = situations.filter(pl.col("season").is_in(EVEN))
    cell = ["down", "third"]
    cells = asked.with_columns(
        surplus=asked["next_score"] - pl.Series(of_odd_seasons.points(asked)),
        third=(pl.col("yards_to_endzone") - 1) // 33,
    ).with_columns(mean=pl.col("surplus").mean().over(cell))
    off = (pl.col("surplus") - pl.col("mean")).sum()
    table = (
        cells.group_by(*cell, "game_id")
        .agg(pl.col("mean").first(), off=off, snaps=pl.len())
        .group_by(cell)
        .agg(pl.col("mean").first(), error=(pl.col("off") ** 2).sum().sqrt() / pl.sum("snaps"))
        .sort(cell)
    )
    print(*table.with_columns(z=pl.col("mean") / pl.col("error")).rows(), sep="\n")
    assert table.height == 12
    assert (table["mean"].abs() < 4 * table["error"]).all()
    assert table["error"].max() < 0.1  # of scores whose standard deviation is 4


@pytest.mark.slow
def test_real_expected_points_fall_with_the_way_to_go(of_odd_seasons):
    field = np.arange(5, 96)
    first = {"down": 1, "yards_to_go": np.minimum(field, 10), "half_seconds": 1200}
    points = of_odd_seasons.points(pl.DataFrame({"yards_to_endzone": field, **first}))
    assert np.diff(points).max() < 0.05
    ends = pl.DataFrame(
        {"down": 1, "yards_to_go": [1, 10], "yards_to_endzone": [1, 99], "half_seconds": 1200}
    )
    goal, own_goal = of_odd_seasons.points(ends)
    assert goal > 5.5
    assert own_goal < 0.5


def test_real_games_expected_points_follow_the_next_score(real_games):
    """At the optimum each class is as frequent as it was, so their means agree."""
    model = fit_expected_points(real_games.snaps, real_games.games)[0]
    situations, _ = snap_situations(real_games.snaps, real_games.games)
    seen = with_next_score(real_games.snaps, real_games.games)
    assert set(situations["next_score"]) <= set(seen["next_score"])
    assert model.points(situations).mean() == pytest.approx(
        situations["next_score"].mean(), abs=7 * 7 * 2e-4
    )
