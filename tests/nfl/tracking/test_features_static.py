"""Statics of tracked plays, against numbers worked out by hand."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.static import TRACKING_STATIC, YARDS_TO_ENDZONE, tracking_static
from tests.nfl.tracking.features_frames import plays_table


def statics(**changes):
    row = tracking_static(plays_table(changes))[0]
    return dict(zip(TRACKING_STATIC, row.tolist(), strict=True))


def shares(found, prefix):
    """Hat functions that are not zero."""
    return {name: value for name, value in found.items() if name.startswith(prefix) and value}


def test_opening_snap():
    found = statics()
    assert found["yards_to_endzone"] == 1.5
    assert found["yards_to_go"] == 1
    assert shares(found, "down_") == {"down_1": 1}
    assert shares(found, "quarter_") == {"quarter_1": 1}
    assert found["clock"] == found["half_clock"] == 1
    assert found["two_minute"] == found["at_home"] == found["lead"] == 0
    assert found["week"] == pytest.approx(1 / 18)
    assert shares(found, "yards_to_endzone_near") == {"yards_to_endzone_near_75": 1}
    assert shares(found, "yards_to_go_near") == {"yards_to_go_near_10": 1}
    assert shares(found, "lead_near") == {"lead_near_0": 1}


def test_two_minutes_to_go_and_ten_behind():
    found = statics(
        down=4, quarter=4, clock_seconds=90, yards_to_go=3, yards_to_endzone=6, offense_score=10,
        defense_score=20, offense="LA", week=18,
    )  # fmt: skip
    assert shares(found, "down_") == {"down_4": 1}
    assert found["clock"] == pytest.approx(0.1)
    assert found["half_clock"] == pytest.approx(0.05)
    assert found["two_minute"] == found["at_home"] == found["week"] == 1
    assert found["lead"] == pytest.approx(-10 / 14)
    assert shares(found, "lead_near") == pytest.approx(
        {"lead_near_-14": 1 / 3, "lead_near_-8": 2 / 3}
    )
    assert shares(found, "yards_to_go_near") == pytest.approx(
        {"yards_to_go_near_2": 0.5, "yards_to_go_near_4": 0.5}
    )
    assert shares(found, "yards_to_endzone_near") == pytest.approx(
        {"yards_to_endzone_near_5": 2 / 3, "yards_to_endzone_near_8": 1 / 3}
    )


@pytest.mark.parametrize(
    ("quarter", "clock", "half", "two_minute"),
    [(1, 450, 0.75, 0), (2, 120, 120 / 1800, 1), (3, 60, 960 / 1800, 0), (5, 600, 1 / 3, 0)],
)
def test_clock_of_the_half(quarter, clock, half, two_minute):
    found = statics(quarter=quarter, clock_seconds=clock)
    assert found["half_clock"] == pytest.approx(half)
    assert found["two_minute"] == two_minute


def test_far_values_count_as_the_last_ones():
    found = statics(yards_to_go=44, offense_score=50, quarter=6)
    assert found["yards_to_go"] == 3
    assert found["lead"] == 2
    assert shares(found, "quarter_") == {"quarter_5": 1}


def test_what_a_source_lacks_has_its_stated_default():
    found = statics(week=None, clock_seconds=None, offense_score=None, description=None)
    assert found["week"] == 0.5
    assert found["clock"] == 0.5
    assert found["lead"] == 0
    assert shares(found, "lead_near") == {"lead_near_0": 1}


def test_the_anchor_column_comes_first():
    assert next(iter(TRACKING_STATIC)) == YARDS_TO_ENDZONE


def test_matrix_of_several_plays_and_of_none():
    table = plays_table({}, {"down": 2}, {"down": 3})
    found = tracking_static(table)
    assert found.shape == (3, len(TRACKING_STATIC))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert tracking_static(table[:0]).shape == (0, len(TRACKING_STATIC))


def test_no_static_tells_the_outcome_or_who_played():
    expected = tracking_static(plays_table({}))
    outcome = {"pass_result": "IN", "yards_gained": 99, "throw_frame": 12, "description": "x"}
    people = {"passer_id": 7, "target_id": 8, "game_id": 1, "season": 2018}
    teams = {"home_team": "KC", "defense": "KC", "offense": "SF", "away_team": "SF"}
    changed = plays_table(outcome | people | teams)
    np.testing.assert_array_equal(tracking_static(changed), expected)


def test_missing_columns_and_values_are_named():
    with pytest.raises(TrackingError, match="plays: expected a column 'down', got"):
        tracking_static(plays_table({}).drop("down"))
    table = plays_table({}, {"down": None})
    with pytest.raises(TrackingError, match=r"cannot tell 'down_1' of row 1 from {'down': None}"):
        tracking_static(table)
    table = plays_table({}).with_columns(yards_to_endzone=pl.lit(None, pl.Int32))
    with pytest.raises(TrackingError, match="cannot tell 'yards_to_endzone' of row 0"):
        tracking_static(table)
