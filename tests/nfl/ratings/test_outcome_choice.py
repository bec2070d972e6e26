"""What a play is scored by: grids, landmarks where the network looks for them, and net yards."""

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from sbp_jax.models.anchors import anchor_bin
from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays.examples import targeted_passes
from sbp_jax.nfl.plays.tables import PASSES_SCHEMA, SNAPS_SCHEMA
from sbp_jax.nfl.points.pass_value import PassValues
from sbp_jax.nfl.ratings.outcome import (
    NET_YARDS,
    OUTCOMES,
    POINTS,
    YARDS,
    measure,
    outcome_named,
    sack_yards,
)

PLAYS = {
    # a catch, an incompletion, two interceptions, a touchdown, and one the feed knows little of
    "air_yards": [8, 20, 30, 0, 99, None],
    "yards_to_endzone": [60, 75, 40, 12, 99, None],
    "yards_gained": [13, 0, 0, 0, 99, None],
    "interception": [False, False, True, True, False, None],
    "interception_return_yards": [None, None, 25, None, None, None],
    "interception_touchdown": [False, False, False, False, False, None],
}
AIR = [8, 20, 30, 0, 60, 0]  # as landmarks: at most 60, and the line where it is not known
FIELD = [60, 75, 40, 12, 99, 50]


@pytest.fixture(scope="module")
def passes():
    usual = {
        "down": 2,
        "yards_to_go": 8,
        "quarter": 2,
        "clock_seconds": 400,
        "offense": "KC",
        "home_team": "KC",
        "pass_location": "left",
        "pass_depth": "short",
    }
    columns = {name: [value] * len(AIR) for name, value in usual.items()} | PLAYS
    return pl.DataFrame(columns, schema={name: PASSES_SCHEMA[name] for name in columns})


@pytest.fixture(scope="module")
def values():
    """Points of the passes and of what they could have come to, in no special relation."""
    rng = np.random.default_rng(0)
    return PassValues(*rng.uniform(-7, 7, (len(PassValues._fields), len(AIR))))


@pytest.fixture(scope="module")
def measured(passes, values):
    return {
        name: measure(outcome, passes, values if name == "points" else None)
        for name, outcome in OUTCOMES.items()
    }


def landmarks(name, values):
    """In the unit of the outcome."""
    air, field = np.array(AIR), np.array(FIELD)
    return {
        "yards": [air, field],
        "net_yards": [air, field, air - 45],
        "points": [values.incomplete, values.caught, values.touchdown, values.intercepted],
    }[name]


@pytest.mark.parametrize("name", OUTCOMES)
def test_bins_are_cells_around_whole_numbers(name):
    outcome = outcome_named(name)
    centers = (outcome.edges[1:] + outcome.edges[:-1]) / 2
    np.testing.assert_array_equal(centers, range(outcome.lowest, outcome.highest + 1))
    np.testing.assert_array_equal(outcome.edges % 1, 0.5)


@pytest.mark.parametrize("name", OUTCOMES)
def test_anchors_point_at_the_columns_of_the_landmarks(name, measured, values):
    """The last columns; by its scale each is the landmark in cells."""
    outcome, static = outcome_named(name), measured[name].static
    marks = landmarks(name, values)
    first = static.shape[1] - len(marks)
    assert [anchor.column for anchor in outcome.anchors] == list(range(first, static.shape[1]))
    for anchor, mark in zip(outcome.anchors, marks, strict=True):
        cells = static[:, anchor.column] * anchor.scale
        np.testing.assert_allclose(cells, mark / outcome.step, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", ["yards", "net_yards"])
def test_the_network_finds_the_bin_that_holds_the_landmark(name, measured, values):
    outcome, static = outcome_named(name), jnp.asarray(measured[name].static)
    for anchor, mark in zip(outcome.anchors, landmarks(name, values), strict=True):
        found = anchor_bin(static, anchor, float(outcome.edges[0]), 1.0)
        np.testing.assert_array_equal(found, mark - outcome.lowest)


def test_yards_are_those_of_the_feed(measured):
    np.testing.assert_array_equal(measured["yards"].exact, [13, 0, 0, 0, 99, 0])


def test_net_yards_of_an_interception_are_air_yards_less_the_return_less_45(measured):
    np.testing.assert_array_equal(measured["net_yards"].exact, [13, 0, 30 - 25 - 45, -45, 99, 0])


def test_points_are_laid_on_tenths(measured, values):
    np.testing.assert_array_equal(measured["points"].exact, values.value)
    assert np.abs(measured["points"].target * 0.1 - values.value).max() <= 0.05 + 1e-12


@pytest.mark.parametrize("name", OUTCOMES)
def test_targets_are_whole_cells_and_facts_finite(name, measured):
    found = measured[name]
    np.testing.assert_array_equal(found.target, np.round(found.target))
    assert found.static.dtype == np.float32
    assert np.isfinite(found.static).all()


def test_points_also_know_what_was_expected_before(passes, values, measured):
    """In columns before the landmarks, and nothing else tells two values of it apart."""
    other = measure(POINTS, passes, values._replace(before=values.before + 1)).static
    changed = np.flatnonzero((other != measured["points"].static).any(axis=0))
    last = measured["points"].static.shape[1] - len(POINTS.landmarks)
    assert last - POINTS.extra <= changed.min() <= changed.max() < last


def test_values_of_other_passes_are_refused(passes, values):
    for given in (None, PassValues(*(column[:2] for column in values))):
        with pytest.raises(ScoringError, match="values: expected those of 6 passes, got others or"):
            measure(POINTS, passes, given)


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ScoringError, match="expected points, net_yards, yards, got 'metres'"):
        outcome_named("metres")


def test_a_sack_that_loses_the_ball_costs_45_net_yards_more():
    columns = {"yards": [-7, -3, None, -9], "turnover": [False, True, False, None]}
    sacks = pl.DataFrame(columns, schema={name: SNAPS_SCHEMA[name] for name in columns})
    np.testing.assert_array_equal(sack_yards(NET_YARDS, sacks), [-7, -48, 0, -9])
    np.testing.assert_array_equal(sack_yards(YARDS, sacks), [-7, -3, 0, -9])


def test_a_real_interception_costs_43_net_yards_on_average(shared_data):
    """What the price of 45 yards comes to, as the module says; a mean of 4,755."""
    passes = targeted_passes(pl.read_parquet(shared_data / "passes" / "passes.parquet"))
    found = measure(NET_YARDS, passes.filter(pl.col("interception")))
    assert len(found.exact) == 4755
    standard_error = found.exact.std() / np.sqrt(len(found.exact))
    assert found.exact.mean() == pytest.approx(-43, abs=0.5 + 2 * standard_error)
