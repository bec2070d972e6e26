"""No game in two splits, later weeks after earlier ones."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbp_jax.nfl.errors import BuildError
from sbp_jax.nfl.tracking.splits import SPLITS, split_of_games


def season(weeks, games_per_week, *, season=2022, plays=2):
    """Rows of plays; ids begin with the week so that they sort by date."""
    return pl.DataFrame(
        [
            {"game_id": 2022_00_00_00 + 100 * week + game, "season": season, "week": week}
            for week in range(1, weeks + 1)
            for game in range(games_per_week)
            for _ in range(plays)
        ]
    )


@given(
    weeks=st.integers(1, 30),
    games=st.integers(1, 5),
    seed=st.integers(0, 99),
    known=st.booleans(),
)
def test_every_game_is_in_one_split_and_later_ones_come_later(weeks, games, seed, known):
    plays = season(weeks, games).sample(fraction=1, shuffle=True, seed=seed)
    if weeks * games < 3:
        return
    if not known:
        plays = plays.with_columns(week=pl.when(pl.col("week") != 1).then("week"))
    split = split_of_games(plays)
    assert split["game_id"].to_list() == sorted(set(plays["game_id"]))
    # In the order of dates the splits are three runs, none of them empty.
    assert split["split"].rle().struct.field("value").to_list() == list(SPLITS)
    if weeks >= 6 and known:
        of_week = split.group_by(pl.col("game_id") // 100).agg(pl.col("split").n_unique())
        assert of_week["split"].to_list() == [1] * weeks


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        (6, (4, 1, 1)),
        (9, (7, 1, 1)),
        (18, (13, 2, 3)),
        (5, (7, 1, 2)),  # ten games, for the weeks are too few
    ],
)
def test_shares(weeks, expected):
    split = split_of_games(season(weeks, 2))
    of = split["split"].to_list()
    counts = [of.count(name) // (2 if weeks >= 6 else 1) for name in SPLITS]
    assert tuple(counts) == expected


def test_weeks_of_two_seasons_are_not_the_same():
    early, late = season(4, 1), season(4, 1, season=2023)
    late = late.with_columns(pl.col("game_id") + 1_000_000)
    split = split_of_games(pl.concat([late, early]))
    assert split["split"].to_list() == ["train"] * 6 + ["valid", "test"]


def test_two_games_are_too_few():
    with pytest.raises(
        BuildError, match="at least 3 games to split into train, valid, test, got 2"
    ):
        split_of_games(season(1, 2))
