"""Which season, phase and week a date falls in.

The game files carry a date and no schedule, so this is read off the calendar: the regular season
opens in the week after Labor Day, weeks run from Wednesday to Tuesday (so that a game moved from
Sunday to Tuesday stays in its week), and every phase follows the other without a gap.
"""

import datetime as dt
from typing import NamedTuple

SUPER_BOWL = 5
"""Weeks from the last regular one to the Super Bowl; the week before it holds no playoff game."""


class SeasonWeek(NamedTuple):
    """A season (named for the year it starts in), its phase (PRE, REG or POST) and the week."""

    season: int
    season_type: str
    week: int


def date_of(game_id: str) -> dt.date:
    """Day of a game: the first eight digits of its id.

    >>> date_of("2018090600")
    datetime.date(2018, 9, 6)
    """
    return dt.date(int(game_id[:4]), int(game_id[4:6]), int(game_id[6:8]))


def regular_weeks(season: int) -> int:
    """Weeks of the regular season: 17, and 18 since 2021."""
    return 17 if season <= 2020 else 18


def opening_wednesday(season: int) -> dt.date:
    """First day of week 1: the Wednesday after Labor Day, the first Monday of September."""
    september = dt.date(season, 9, 1)
    labor_day = september + dt.timedelta(days=-september.weekday() % 7)
    return labor_day + dt.timedelta(days=2)


def season_week(date: dt.date) -> SeasonWeek:
    """Season, phase and week of a game day.

    Playoff weeks go on counting: 18 wild card, 19 divisional, 20 conference, 22 Super Bowl in a
    season of 17 weeks. A game before week 1 is preseason, week 0.

    >>> season_week(dt.date(2010, 12, 28))  # a Tuesday: a Sunday game put off by snow
    SeasonWeek(season=2010, season_type='REG', week=16)
    >>> season_week(dt.date(2018, 2, 4))
    SeasonWeek(season=2017, season_type='POST', week=22)
    >>> season_week(dt.date(2009, 8, 9)).season_type
    'PRE'
    """
    season = date.year if date.month >= 3 else date.year - 1
    days = (date - opening_wednesday(season)).days
    if days < 0:
        return SeasonWeek(season, "PRE", 0)
    week = days // 7 + 1
    last = regular_weeks(season)
    if week <= last:
        return SeasonWeek(season, "REG", week)
    # A playoff game is never in doubt of its round, whatever day the league plays it on.
    return SeasonWeek(season, "POST", min(week, last + SUPER_BOWL))
