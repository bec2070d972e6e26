"""Values of sacks: the next situation, written by hand, less that before."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.plays.tables import SNAPS_SCHEMA
from sbp_jax.nfl.points.sack_value import SackEnds

COLUMNS = (
    "quarter",
    "clock_seconds",
    "down",
    "yards_to_go",
    "yards_to_endzone",
    "yards",
    "turnover",
)
BEFORE = (2, 8, 60, 400)


def sack(**given):
    """A sack for 7 yards on 2nd and 8 from 60 yards out, 400 s before the end of a half."""
    usual = dict(zip(COLUMNS, (2, 400, *BEFORE[:3], -7, False), strict=True))
    return pl.DataFrame([usual | given], schema={name: SNAPS_SCHEMA[name] for name in COLUMNS})


# What happened, then sign and situation afterwards (down, to go, yards to the end zone, seconds).
NEXT = {
    "a loss": (sack(), 1, (3, 15, 67, 394)),
    "no loss": (sack(yards=0), 1, (3, 8, 60, 394)),
    "yards that are not recorded": (sack(yards=None), 1, (3, 8, 60, 394)),
    "third down": (sack(down=3), 1, (4, 15, 67, 394)),
    "fourth down": (sack(down=4), -1, (1, 10, 33, 394)),
    "a fumble lost": (sack(turnover=True), -1, (1, 10, 33, 394)),
    "a fumble lost near the own goal": (
        sack(turnover=True, yards_to_endzone=90),
        -1,
        (1, 3, 3, 394),
    ),
    "a fumble lost on fourth down": (sack(turnover=True, down=4), -1, (1, 10, 33, 394)),
    "a fumble that went forward past the marker and was lost": (
        sack(turnover=True, yards=9, yards_to_endzone=12),
        -1,
        (1, 10, 97, 394),
    ),
    "not known to be lost": (sack(turnover=None), 1, (3, 15, 67, 394)),
    "at the own one": (sack(yards_to_endzone=92), 1, (3, 15, 99, 394)),
    "a quarter is left of the half": (sack(quarter=1), 1, (3, 15, 67, 1294)),
}


SAFETIES: tuple[dict[str, Any], ...] = ({}, {"down": 4}, {"turnover": True}, {"yards": -9})


def test_the_value_is_the_next_situation_less_that_before(model, worth):
    rows, signs, then = zip(*NEXT.values(), strict=True)
    found = SackEnds(pl.concat(rows)).value(model)
    expected = np.array(signs) * worth(then) - _before(rows, worth)
    pairs = zip(NEXT, found.tolist(), expected.tolist(), strict=True)
    assert {name: (a, b) for name, a, b in pairs if abs(a - b) > 1e-5} == {}


def test_a_sack_in_the_own_end_zone_is_a_safety(model, worth):
    rows = [sack(yards_to_endzone=93, **given) for given in SAFETIES]
    found = SackEnds(pl.concat(rows)).value(model)
    np.testing.assert_allclose(found, -2 - _before(rows, worth), atol=1e-5)


@pytest.mark.parametrize("name", ["down", "yards_to_go", "yards_to_endzone"])
def test_a_sack_without_its_situation_is_refused(name):
    rows = pl.concat([sack(), sack(**{name: None})])
    with pytest.raises(PointsError, match=f"expected {name} in every row, got null in 1"):
        SackEnds(rows)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(name):
    with pytest.raises(PointsError, match=f"expected the columns {name}, which are missing"):
        SackEnds(sack().drop(name))


def _before(rows, worth):
    situations = []
    for first in (row.row(0, named=True) for row in rows):
        left = first["clock_seconds"] + (900 if first["quarter"] in (1, 3) else 0)
        situations.append((first["down"], first["yards_to_go"], first["yards_to_endzone"], left))
    return worth(situations)
