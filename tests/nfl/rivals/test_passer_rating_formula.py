"""The two classical ratings: published numbers, ends of the scale, and what is refused."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.rivals.passer_rating import adjusted_net_yards, passer_rating

# attempts, completions, yards, touchdowns, interceptions, rating; as the league published them
PUBLISHED = {
    "P.Manning 2013": (659, 450, 5477, 55, 10, 115.1),
    "A.Rodgers 2011": (502, 343, 4643, 45, 6, 122.5),
    "P.Mahomes 2018": (580, 383, 5097, 50, 12, 113.8),
}

# attempts, yards, touchdowns, interceptions, sacks, yards lost, adjusted net yards; as
# Pro-Football-Reference published them for 2018
NET = {
    "P.Mahomes 2018": (580, 5097, 50, 12, 26, 171, 8.89),
    "T.Brady 2018": (570, 4355, 29, 11, 21, 147, 7.26),
}


@pytest.mark.parametrize("season", PUBLISHED)
def test_published_passer_ratings(season):
    *counts, rating = PUBLISHED[season]
    assert passer_rating(*counts) == pytest.approx(rating, abs=0.05)


@pytest.mark.parametrize("season", NET)
def test_published_adjusted_net_yards(season):
    *counts, net = NET[season]
    assert adjusted_net_yards(*counts) == pytest.approx(net, abs=0.005)


def test_all_ratings_of_the_reference_table(shared_data):
    table = pl.read_csv(shared_data / "passes" / "passer_rating_season.csv")
    counts = ("attempts", "completions", "yards", "touchdowns", "interceptions")
    found = passer_rating(*(table[name] for name in counts))
    assert len(found) == 1091
    np.testing.assert_allclose(found, table["passer_rating"], atol=0.05 + 1e-9)


def test_the_scale_ends_at_0_and_158_and_a_third():
    """Each part is at its limit: 77.5 % caught, 12.5 yards and .11875 touchdowns an attempt."""
    perfect = passer_rating(1000, 775, 12_500, 119, 0)
    assert perfect == pytest.approx(158 + 1 / 3)
    assert passer_rating(10, 10, 990, 10, 0) == perfect
    assert passer_rating(1000, 774, 12_500, 119, 0) < perfect
    assert passer_rating(1000, 300, 3000, 0, 95) == 0
    assert passer_rating(10, 1, -5, 0, 5) == 0


def test_each_part_moves_the_rating_by_its_weight():
    """In 100 attempts: a completion 5 / 6, a yard 1 / 24, a touchdown 20 / 6, a pick 25 / 6."""
    base = np.array([100, 60, 700, 4, 3])
    steps = np.array([passer_rating(*(base + step)) for step in np.eye(5)[1:]])
    expected = [5 / 6, 1 / 24, 20 / 6, -25 / 6]
    np.testing.assert_allclose(steps - passer_rating(*base), expected)


def test_arrays_broadcast_with_numbers():
    found = passer_rating([[580], [502]], 300, [3000, 4000, 5000], 20, 6)
    assert found.shape == (2, 3)
    assert found.dtype == np.float64
    assert found[1, 2] == passer_rating(502, 300, 5000, 20, 6)
    assert adjusted_net_yards([100, 200], 1000, 5, 2, 0, 0).tolist() == [10.1, 5.05]


def test_adjusted_net_yards_take_sacks_alone():
    assert adjusted_net_yards(0, 0, 0, 0, 2, 13) == -6.5


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (([5, 0], 0, 0, 0, 0), "attempts: expected at least 1, got 0 in row 1"),
        ((5, -1, 0, 0, 0), "completions: expected at least 0, got -1$"),
        ((5, 3, 9, -2, 0), "touchdowns: expected at least 0, got -2"),
        ((5, 3, 9, 0, -1), "interceptions: expected at least 0, got -1"),
        ((5, 6, 9, 0, 0), "completions: expected with interceptions at most attempts, got 6"),
        ((5, 3, 9, 0, 3), "completions: expected with interceptions at most attempts, got 3"),
        ((5, 3, 9, 4, 0), "touchdowns: expected at most completions, got 4"),
        ((5, 3, float("nan"), 0, 0), "yards: expected finite numbers, got nan"),
        (([5, 6], [1, 2, 3], 0, 0, 0), r"shapes that broadcast, got attempts \(2,\), completions"),
    ],
)
def test_impossible_statistics_are_refused(counts, message):
    with pytest.raises(ScoringError, match=message):
        passer_rating(*counts)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((0, 0, 0, 0, 0, 0), "attempts: expected with sacks at least 1, got 0"),
        ((5, 9, 0, 0, 1, -7), "sack_yards: expected at least 0, got -7"),
        ((5, 9, 0, 0, -1, 7), "sacks: expected at least 0, got -1"),
        ((5, 9, 3, 3, 0, 0), "touchdowns: expected with interceptions at most attempts, got 3"),
    ],
)
def test_impossible_net_yards_are_refused(counts, message):
    with pytest.raises(ScoringError, match=message):
        adjusted_net_yards(*counts)
