"""Splits as text, and the columns that plays are split by."""

import polars as pl
import pytest

from sbp_jax.nfl.ratings import ScoringError
from sbp_jax.nfl.ratings.split_columns import SPLIT_COLUMNS, with_split_columns
from sbp_jax.nfl.ratings.splits import split_plays

PLAYS = pl.DataFrame(
    {
        "season": [2017, 2017, 2018, 2018],
        "passer_id": ["a", "b", "a", None],
        "passer_name": ["A", "B", "A", "N"],
        "game_id": ["g", "g", "h", "h"],
        "offense": ["KC", "LA", "KC", "LA"],
        "air_yards": [3, 25, None, 40],
        "down": [1, 2, 3, 3],
        "quarter": [1, 2, 3, 4],
        "play_score": [0.1, 0.2, 0.3, 0.4],
    }
)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("season, passer", ("season", "passer_id")),
        ("passer_id, season", ("passer_id", "season")),
        (" team ,game", ("offense", "game_id")),
        ("offense, depth, half", ("offense", "depth", "half")),
        ("season,", ("season",)),
    ],
)
def test_columns_are_named_outermost_first_and_aliases_are_the_column(by, names):
    split = split_plays(PLAYS, by)
    assert split.by == names
    assert split.left_out == 0
    assert split.plays.select(PLAYS.columns).equals(PLAYS)


@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("air_yards >= 20 AS far", [False, True, None, True]),
        ("COALESCE(air_yards, 0) AS known", [3, 25, 0, 40]),
        ("CONCAT(down, ',', quarter) AS both", ["1,1", "2,2", "3,3", "3,4"]),
        ("CASE WHEN down = 3 THEN 'third, last' ELSE 'early' END AS kind",
         ["early", "early", "third, last", "third, last"]),
        ("down + 1 AS next", [2, 3, 4, 4]),
    ],
)  # fmt: skip
def test_expressions_with_a_name_may_hold_brackets_quotes_and_commas(by, values):
    split = split_plays(PLAYS, f"passer, {by}")
    name = by.rsplit(" AS ")[1]
    assert split.by == ("passer_id", name)
    assert split.plays[name].to_list() == values


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (None, [0, 1, 2, 3]),
        ("season = 2018", [2, 3]),
        ("air_yards >= 20 AND down = 2", [1]),
        ("air_yards < 1000", [0, 1, 3]),  # null is left out
        ("air_yards IS NULL OR team = 'LA'", [1, 2, 3]),
        ("depth = '20 and more'", [1, 3]),
        ("game IN ('h')", [2, 3]),
    ],
)
def test_a_condition_keeps_what_matches_and_counts_the_rest(where, kept):
    split = split_plays(PLAYS.with_row_index("row"), "season", where)
    assert split.plays["row"].to_list() == kept
    assert split.left_out == 4 - len(kept)


@pytest.mark.parametrize(
    ("where", "of_throws"),
    [
        (None, False),
        ("down = 2", False),
        ("season = 2017", False),  # no sack is left, but not by what sacks lack
        ("air_yards >= 20 OR down = 1", True),
        ("depth = '0 to 9'", True),
        ("NOT sack", True),
        ("sack OR down = 1", False),
    ],
)
def test_a_split_is_of_throws_by_what_it_reads(where, of_throws):
    sack = PLAYS.tail(1).with_columns(air_yards=pl.lit(None, pl.Int64), sack=pl.lit(value=True))
    plays = pl.concat([PLAYS.with_columns(sack=pl.lit(value=False)), sack])
    assert split_plays(plays, "season", where).of_throws is of_throws


@pytest.mark.parametrize(
    ("by", "where", "message"),
    [
        ("", None, "by: expected columns such as 'season, passer', got nothing"),
        (" , ", None, "got nothing"),
        ("seasn", None, "by: no column 'seasn' in 'seasn'; did you mean season"),
        ("season, qqq", None, "by: no column 'qqq' in 'qqq'; known are air_yards, depth, down"),
        ("season", "ar_yards > 3", "where: no column 'ar_yards' .*; did you mean air_yards"),
        ("season", "season = 1999", "where: expected some plays, got none of 4: season = 1999"),
        ("season", "air_yards", r"where: expected a condition, got 'air_yards' \(Int64\)"),
        ("season", "MAX(season) > 1", "where: expected a value for each of 4 plays, got 1"),
        ("season", "air_yards >", "where: cannot be read: 'air_yards >'"),
        ("season", "", "where: cannot be read: ''"),
        ("season, passer)", None, r"by: cannot be read: 'passer\)'"),
        ("season", "offense > 3", "where: 'offense > 3': .*cannot compare"),
        ("season, season", None, "by: expected every column once, got season twice"),
        ("passer, passer_id", None, "once, got passer_id twice"),
        ("play_score", None, r"by: expected a column of groups, got play_score \(Float64\)"),
        ("play_score * 2 AS part", None, r"of groups, got play_score \* 2 AS part"),
        ("MAX(down) AS most", None, "by: expected a value for each of 4 plays, got 1"),
        ("quarter >= 3", None, "by: expected a new name for 'quarter >= 3', got quarter"),
        ("down AS season", None, "expected a new name for 'down AS season', got season"),
    ],
)
def test_what_cannot_be_split_is_said(by, where, message):
    with pytest.raises(ScoringError, match=message):
        split_plays(PLAYS, by, where)


BANDS = {
    "depth": (
        "air_yards",
        {
            -30: "behind the line", -1: "behind the line", 0: "0 to 9", 9: "0 to 9",
            10: "10 to 19", 19: "10 to 19", 20: "20 and more", 60: "20 and more",
        },
    ),
    "half": (
        "quarter",
        {1: "first", 2: "first", 3: "second", 4: "second", 5: "overtime", 6: "overtime"},
    ),
    "score_state": (
        "score_diff",
        {
            -40: "behind 9+", -9: "behind 9+", -8: "behind 1 to 8", -1: "behind 1 to 8", 0: "tied",
            1: "ahead 1 to 8", 8: "ahead 1 to 8", 9: "ahead 9+", 40: "ahead 9+",
        },
    ),
    "distance": (
        "yards_to_go",
        {1: "1 to 3", 3: "1 to 3", 4: "4 to 6", 6: "4 to 6", 7: "7 to 9", 9: "7 to 9", 10: "10",
         11: "11+", 30: "11+"},
    ),
    "field": (
        "yards_to_endzone",
        {
            1: "last 5", 5: "last 5", 6: "last 10", 10: "last 10", 11: "last 20", 20: "last 20",
            21: "opponent's half", 49: "opponent's half", 50: "own half", 79: "own half",
            80: "own 20", 99: "own 20",
        },
    ),
    "throw_time": (
        "time_to_throw",
        {2.4: "under 2.5 s", 2.5: "2.5 to 4 s", 4.0: "2.5 to 4 s", 4.1: "over 4 s"},
    ),
    "openness": (
        "separation",
        {0.0: "tight, under 1 yd", 0.99: "tight, under 1 yd", 1.0: "1 to 3 yd", 3.0: "1 to 3 yd",
         3.01: "open"},
    ),
    "pressure": ("nearest_rusher", {0.5: True, 2.0: True, 2.01: False}),
}  # fmt: skip


@pytest.mark.parametrize("name", BANDS)
def test_bands_end_where_their_names_say_and_null_stays_null(name):
    column, bands = BANDS[name]
    found = with_split_columns(pl.DataFrame({column: [*bands, None]}))
    assert found[name].to_list() == [*bands.values(), None]


def test_the_two_minutes_are_those_of_a_half_or_an_overtime_and_close_games_those_of_the_end():
    rows = [
        # quarter, clock, lead, two minutes, late and close
        (2, 121, 0, False, False),
        (2, 120, 0, True, False),
        (4, 120, -8, True, True),
        (4, 121, 9, False, False),
        (4, 900, 8, False, True),
        (1, 30, 0, False, False),
        (3, 30, 0, False, False),
        (5, 100, 3, True, True),
        (5, 121, 3, False, True),
        (4, None, 0, None, True),
        (None, 100, 0, None, None),
        (1, None, None, False, False),
    ]
    plays = pl.DataFrame(
        rows, ["quarter", "clock_seconds", "score_diff", "two", "close"], orient="row"
    )
    found = with_split_columns(plays)
    assert found["two_minute"].to_list() == plays["two"].to_list()
    assert found["late_and_close"].to_list() == plays["close"].to_list()


def test_only_what_can_be_made_is_made_and_nothing_is_replaced():
    plays = pl.DataFrame({"offense": ["KC"], "air_yards": [30], "depth": ["mine"]})
    found = with_split_columns(plays)
    assert set(found.columns) == {"offense", "air_yards", "depth", "team"}
    assert found["depth"].to_list() == ["mine"]


def test_every_column_names_all_that_it_reads():
    for name, (needed, expression) in SPLIT_COLUMNS.items():
        assert set(expression.meta.root_names()) == set(needed), name
