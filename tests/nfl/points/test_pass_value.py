"""Values of passes: each is what the next situation, written by hand, is worth less that before."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.plays.tables import PASSES_SCHEMA
from sbp_jax.nfl.points.pass_value import PassEnds
from sbp_jax.nfl.points.play_ends import can_be_valued

COLUMNS = (
    "quarter",
    "clock_seconds",
    "down",
    "yards_to_go",
    "yards_to_endzone",
    "air_yards",
    "yards_gained",
    "pass_touchdown",
    "interception",
    "interception_touchdown",
    "interception_return_yards",
)


def passes(**given):
    """A pass of 5 air yards on 2nd and 8 from 60 yards out, 400 s before the end of a half."""
    usual = {
        "quarter": 2,
        "clock_seconds": 400,
        "down": 2,
        "yards_to_go": 8,
        "yards_to_endzone": 60,
        "air_yards": 5,
        "yards_gained": 0,
        "pass_touchdown": False,
        "interception": False,
        "interception_touchdown": False,
        "interception_return_yards": None,
    }
    return pl.DataFrame([usual | given], schema={name: PASSES_SCHEMA[name] for name in COLUMNS})


def intercepted(air, returned, **given):
    given = {"interception": True, "interception_return_yards": returned} | given
    return passes(air_yards=air, **given)


# What happened, then sign and situation afterwards (down, to go, yards to the end zone, seconds).
NEXT = {
    "incomplete": (passes(), 1, (3, 8, 60, 394)),
    "short of the marker": (passes(yards_gained=7), 1, (3, 1, 53, 394)),
    "a first down at the marker": (passes(yards_gained=8), 1, (1, 10, 52, 394)),
    "first and goal": (passes(yards_gained=54), 1, (1, 6, 6, 394)),
    "a loss": (passes(yards_gained=-6), 1, (3, 14, 66, 394)),
    "a long loss": (
        passes(yards_gained=-19, yards_to_endzone=80, down=3, yards_to_go=25),
        1,
        (4, 44, 99, 394),
    ),
    "no gain never makes it": (passes(yards_to_go=0), 1, (3, 0, 60, 394)),
    "fourth down made": (passes(down=4, yards_gained=9), 1, (1, 10, 51, 394)),
    "fourth down failed": (passes(down=4), -1, (1, 10, 40, 394)),
    "fourth down short of it": (passes(down=4, yards_gained=7), -1, (1, 10, 47, 394)),
    "fourth and goal failed": (
        passes(down=4, yards_to_go=3, yards_to_endzone=3, yards_gained=1),
        -1,
        (1, 10, 98, 394),
    ),
    "fourth down failed at the own goal": (
        passes(down=4, yards_to_endzone=97, yards_to_go=12, yards_gained=2),
        -1,
        (1, 5, 5, 394),
    ),
    "a quarter is left of the half": (
        passes(quarter=3, clock_seconds=250, yards_gained=8),
        1,
        (1, 10, 52, 1144),
    ),
    "the half is over": (passes(clock_seconds=4), 1, (3, 8, 60, 0)),
    "overtime": (passes(quarter=5, clock_seconds=900), 1, (3, 8, 60, 894)),
    # 60 yards out, 20 yards down the field: caught at the own 40 of the other team.
    "interception without a return": (intercepted(20, 0), -1, (1, 10, 60, 394)),
    "interception with a return": (intercepted(20, 15), -1, (1, 10, 45, 394)),
    "a return that is not recorded": (intercepted(20, None), -1, (1, 10, 60, 394)),
    "a return that loses yards": (intercepted(20, -3), -1, (1, 10, 63, 394)),
    "a return to the goal line": (intercepted(5, 41), -1, (1, 4, 4, 394)),
    "interception behind the line": (intercepted(-4, 0), -1, (1, 10, 36, 394)),
    "interception at the one": (intercepted(59, 0), -1, (1, 10, 99, 394)),
    "a touchback": (intercepted(25, 0, yards_to_endzone=20), -1, (1, 10, 80, 394)),
    "a touchback at the goal line": (intercepted(20, 0, yards_to_endzone=20), -1, (1, 10, 80, 394)),
    "not brought out": (intercepted(25, 5, yards_to_endzone=20), -1, (1, 10, 80, 394)),
    "brought out by a yard": (intercepted(25, 6, yards_to_endzone=20), -1, (1, 10, 99, 394)),
    "brought out": (intercepted(25, 45, yards_to_endzone=20), -1, (1, 10, 60, 394)),
}


# What happened, and its points.
SCORES = {
    "a touchdown": (passes(pass_touchdown=True, yards_gained=60), 7),
    "a touchdown after a lateral": (passes(pass_touchdown=True, yards_gained=52), 7),
    "a touchdown on fourth down": (passes(pass_touchdown=True, down=4, yards_gained=60), 7),
    "a return for a touchdown": (intercepted(20, 60, interception_touchdown=True), -7),
    "whatever its yards": (intercepted(20, 0, interception_touchdown=True), -7),
    "a safety": (passes(yards_gained=-5, yards_to_endzone=95), -2),
    "a safety on fourth down": (passes(yards_gained=-5, yards_to_endzone=95, down=4), -2),
}

# Air yards and field, then points or the situation of a catch, and that of an interception.
PLACES = {
    "in the end zone": (60, 60, 7, (1, 10, 80, 394)),
    "at the one": (59, 60, (1, 1, 1, 394), (1, 10, 99, 394)),
    "at the marker": (8, 60, (1, 10, 52, 394), (1, 10, 48, 394)),
    "short of it": (7, 60, (3, 1, 53, 394), (1, 10, 47, 394)),
    "unknown, taken for the line": (None, 60, (3, 8, 60, 394), (1, 10, 40, 394)),
    "further than 60 yards, taken for that": (99, 99, (1, 10, 39, 394), (1, 10, 61, 394)),
    "behind 15 yards, taken for that": (-40, 60, (3, 23, 75, 394), (1, 10, 25, 394)),
}


def test_the_value_is_the_next_situation_less_that_before(model, worth):
    rows, signs, then = zip(*NEXT.values(), strict=True)
    found = PassEnds(pl.concat(rows)).value(model)
    before = _before(rows, worth)
    np.testing.assert_allclose(found.before, before, atol=1e-5)
    assert _wrong(NEXT, found.value, np.array(signs) * worth(then) - before) == {}


def test_a_score_is_worth_its_points_less_the_situation_before(model, worth):
    rows, points = zip(*SCORES.values(), strict=True)
    found = PassEnds(pl.concat(rows)).value(model)
    assert _wrong(SCORES, found.value, np.array(points) - _before(rows, worth)) == {}


def test_what_a_pass_could_have_come_to_whatever_it_did(model, worth):
    """Here it is intercepted and returned."""
    air, field, caught, intercepted_at = zip(*PLACES.values(), strict=True)
    rows = [intercepted(a, 30, yards_to_endzone=f) for a, f in zip(air, field, strict=True)]
    found = PassEnds(pl.concat(rows)).value(model)
    before = _before(rows, worth)
    goes_on = worth([(1, 10, 50, 394) if end == 7 else end for end in caught])
    catch = np.where([end == 7 for end in caught], 7, goes_on)
    assert _wrong(PLACES, found.caught, catch - before) == {}
    assert _wrong(PLACES, found.intercepted, -worth(intercepted_at) - before) == {}
    assert _wrong(PLACES, found.incomplete, worth([(3, 8, f, 394) for f in field]) - before) == {}
    assert _wrong(PLACES, found.touchdown, 7 - before) == {}


@pytest.mark.parametrize("name", ["down", "yards_to_go", "yards_to_endzone"])
def test_a_pass_without_its_situation_is_refused(name):
    rows = pl.concat([passes(), passes(**{name: None})])
    with pytest.raises(PointsError, match=f"expected {name} in every row, got null in 1"):
        PassEnds(rows)
    assert rows.filter(can_be_valued()).height == 1


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(name):
    with pytest.raises(PointsError, match=f"expected the columns {name}, which are missing"):
        PassEnds(passes().drop(name))


def test_real_passes_that_score_are_worth_a_touchdown(real_games, model):
    """Under any model: 7 and -7 do not depend on it, and nothing else is worth as much."""
    rows = real_games.passes.filter(can_be_valued())
    found = PassEnds(rows).value(model)
    after = found.value + found.before
    scored = rows["pass_touchdown"].to_numpy()
    returned = rows["interception_touchdown"].to_numpy()
    np.testing.assert_allclose(after[scored], 7)
    np.testing.assert_allclose(after[returned], -7)
    assert np.all(np.abs(after[~scored & ~returned]) < 7)
    assert scored.sum() > 20
    assert returned.sum() > 0


def _before(rows, worth):
    situations = []
    for first in (row.row(0, named=True) for row in rows):
        left = first["clock_seconds"] + (900 if first["quarter"] in (1, 3) else 0)
        situations.append((first["down"], first["yards_to_go"], first["yards_to_endzone"], left))
    return worth(situations)


def _wrong(cases, found, expected):
    """Cases whose number is another one, with both."""
    pairs = zip(cases, found.tolist(), expected.tolist(), strict=True)
    return {name: (a, b) for name, a, b in pairs if abs(a - b) > 1e-5}
