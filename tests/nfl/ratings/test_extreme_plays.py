"""The best and the worst throws of rated seasons: which they are, and their file."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.ratings import ScoringError
from sbp_jax.nfl.ratings.extreme_plays import (
    COUNT,
    FILE,
    extreme_plays,
    read_extreme_plays,
    write_extreme_plays,
)
from sbp_jax.nfl.ratings.outcome import outcome_named

RATED = pl.DataFrame({"season": [2018, 2017], "passer_id": ["a", "b"]})


def plays_of(passer, season, scores, **columns):
    size = len(scores)
    return pl.DataFrame(
        {
            "season": [season] * size,
            "passer_id": [passer] * size,
            "season_type": ["REG"] * size,
            "sack": [False] * size,
            "throw_score": [float(x) for x in scores],
        }
    ).with_columns(**{name: pl.lit(value) for name, value in columns.items()})


PLAYS = pl.concat(
    [
        plays_of("a", 2018, [3, 9, -9, 1, 0, 8, -8, 2, 7, -7]),
        plays_of("a", 2018, [99, -99], season_type="POST"),
        plays_of("a", 2018, [55, -55], sack=True),
        plays_of("a", 2017, [88, -88]),  # of another season
        plays_of("b", 2018, [88, -88]),  # of another passer
        plays_of("b", 2017, [1, 2]),  # fewer than there are to choose
    ]
)


def test_the_three_best_and_worst_throws_of_rated_regular_seasons_are_chosen():
    found = extreme_plays(PLAYS, RATED)
    assert COUNT == 3
    assert found.columns == PLAYS.columns
    mine = found.filter(passer_id="a")
    assert mine["throw_score"].to_list() == [9, -9, 8, -8, 7, -7]  # as they were in the table
    assert mine.select("season", "season_type", "sack").unique().rows() == [(2018, "REG", False)]
    assert found.filter(passer_id="b").select("season", "throw_score").rows() == [
        (2017, 1),
        (2017, 2),
    ]


def test_of_equal_throws_the_first_are_chosen():
    plays = plays_of("a", 2018, [5] * 4 + [0, 0] + [-5] * 4).with_row_index("at")
    assert extreme_plays(plays, RATED)["at"].to_list() == [0, 1, 2, 6, 7, 8]


def test_without_rated_seasons_none_is_chosen():
    assert extreme_plays(PLAYS, RATED.clear()).is_empty()


@pytest.mark.parametrize("name", ["points", "net_yards", "yards"])
def test_the_file_holds_plays_forecasts_and_the_values_of_the_cells(name, tmp_path):
    outcome = outcome_named(name)
    cells = outcome.highest - outcome.lowest + 1
    pmf = np.random.default_rng(0).dirichlet(np.ones(cells), PLAYS.height)
    path = write_extreme_plays(tmp_path, PLAYS, pmf, outcome)
    assert path == tmp_path / FILE
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    found = read_extreme_plays(tmp_path)
    assert found.plays.equals(PLAYS)
    np.testing.assert_allclose(found.pmf, pmf, rtol=1e-6)
    assert found.values.shape == (cells,)
    # Each cell stands between two edges of the bins.
    middles = (outcome.edges[1:] + outcome.edges[:-1]) / 2 * outcome.step
    np.testing.assert_allclose(found.values, middles, atol=1e-9)


def test_a_run_without_the_file_is_named(tmp_path):
    with pytest.raises(ScoringError, match=f"expected a finished run with {FILE}, got none"):
        read_extreme_plays(tmp_path)


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b"no parquet at all")
    with pytest.raises(ScoringError, match=f"{FILE}: cannot be read: "):
        read_extreme_plays(tmp_path)
