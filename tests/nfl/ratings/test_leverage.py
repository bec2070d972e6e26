"""Leverage: the slope of the chance to win, by finite differences of scipy's normal."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from sbp_jax.nfl.ratings.leverage import leverage, seconds_left


def plays(quarter, clock, lead):
    columns = {"quarter": quarter, "clock_seconds": clock, "score_diff": lead}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int16))


def chance_to_win(lead, left):
    """Stern's: the rest of the game adds a normal margin; here with half a minute more."""
    return norm.cdf(lead / (13.5 * np.sqrt((left + 30) / 3630)))


def slope(lead, left, step=1e-4):
    rise = chance_to_win(lead + step, left) - chance_to_win(lead - step, left)
    return rise / (2 * step)


@pytest.mark.parametrize(
    ("quarter", "clock", "lead", "left"),
    [
        (1, 900, 0, 3600),
        (1, 0, 7, 2700),
        (2, 431, -10, 2231),
        (3, 900, 3, 1800),
        (4, 900, -8, 900),
        (4, 120, 0, 120),
        (4, 60, -3, 60),
        (4, 0, 1, 0),
        (5, 600, 0, 600),  # overtime, and a second one
        (6, 600, 0, 600),
    ],
)
def test_leverage_is_the_slope_of_the_chance_to_win(quarter, clock, lead, left):
    play = plays([quarter], [clock], [lead])
    assert seconds_left(play) == pytest.approx(left)
    assert leverage(play) == pytest.approx(slope(lead, left) / slope(0, 3600), rel=1e-6)


def test_the_first_snap_of_a_game_has_one():
    assert leverage(plays([1], [900], [0]))[0] == 1


def test_it_is_the_same_for_both_teams():
    lead = np.arange(22)
    found = [leverage(plays([4] * 22, [300] * 22, sign * lead)) for sign in (1, -1)]
    np.testing.assert_array_equal(*found)
    assert (np.diff(found[0]) < 0).all()


def test_a_game_long_decided_keeps_a_little_above_zero():
    found = leverage(plays([4, 4], [0, 0], [60, -90]))
    assert slope(60, 0) / slope(0, 3600) < 1e-20
    np.testing.assert_array_equal(found, [1e-9, 1e-9])


def test_unknown_clocks_quarters_and_scores_get_the_mean_of_the_others():
    found = leverage(plays([1, 4, None, 4, 4], [900, 0, 10, None, 10], [0, 0, 0, 0, None]))
    last = np.sqrt(3630 / 30)  # a tie at the very end: the inverse of the spread
    np.testing.assert_allclose(found, [1, last, *[(1 + last) / 2] * 3])


def test_where_nothing_is_known_all_have_one():
    np.testing.assert_array_equal(leverage(plays([None, 1], [5, None], [3, 3])), [1, 1])
    assert np.isnan(seconds_left(plays([None, 1], [5, None], [3, 3]))).all()
