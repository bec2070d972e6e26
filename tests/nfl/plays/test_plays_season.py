import datetime as dt

import pytest

from sbp_jax.nfl.plays.season import season_week


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2012-09-05", (2012, "REG", 1)),  # a Wednesday opener
        ("2010-12-28", (2010, "REG", 16)),  # a Tuesday game
        ("2018-09-03", (2018, "PRE", 0)),
        ("2016-01-03", (2015, "REG", 17)),
        ("2016-01-09", (2015, "POST", 18)),
        ("2016-01-17", (2015, "POST", 19)),
        ("2016-01-24", (2015, "POST", 20)),
        ("2016-02-07", (2015, "POST", 22)),
        ("2022-01-09", (2021, "REG", 18)),  # the season became a week longer
        ("2022-02-13", (2021, "POST", 23)),
    ],
)
def test_known_days(day, expected):
    assert season_week(dt.date.fromisoformat(day)) == expected
