import itertools

import numpy as np
import pytest

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.reliability import random_halves, split_half, split_half_of
from sbp_jax.evaluation.season_to_season import season_to_season


def simulated(groups=400, games=16, plays=10, tau=0.5, sigma=1.0, seed=0):
    """Plays of groups whose levels differ by tau, and games of a group by sigma."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), games)
    per_game = tau * rng.normal(size=groups)[group] + sigma * rng.normal(size=group.size)
    values = np.repeat(per_game, plays)
    return values, np.repeat(group, plays), np.repeat(np.tile(np.arange(games), groups), plays)


def ratio(totals):
    return totals[..., 0] / totals[..., 1]


def uneven(seed=1):
    """Totals of two to seven games of 12 groups of 5 clusters, rows mixed."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(12), rng.integers(2, 8, 12))
    rng.shuffle(group)
    totals = np.column_stack([rng.normal(group / 3.0, 1.0), rng.uniform(1, 3, group.size)])
    return totals, group, group % 5


def by_hand(totals, group, first, left_out=()):
    """Reliability of one split in plain Python; `first` is by group, then in order of rows."""
    x, y, at = [], [], 0
    for g in sorted(set(group)):
        rows = [i for i in range(len(group)) if group[i] == g]
        halves = [[i for j, i in enumerate(rows) if first[at + j] == side] for side in (1, 0)]
        at += len(rows)
        if g not in left_out:
            for side, half in zip((x, y), halves, strict=True):
                side.append(sum(totals[i][0] for i in half) / sum(totals[i][1] for i in half))
    r = np.corrcoef(x, y)[0, 1]
    return 2 * r / (1 + r)


def test_split_half_is_that_of_plain_python_on_the_same_splits():
    totals, group, cluster = uneven()
    found = split_half_of(ratio, totals, group, clusters=cluster, draws=20, seed=3)
    splits = random_halves(np.bincount(group), 20, seed=3)
    drawn = [by_hand(totals, group, split) for split in splits]
    assert found.estimate == pytest.approx(np.mean(drawn))
    assert found.spread == pytest.approx(np.std(drawn, ddof=1))
    without = [
        np.mean([by_hand(totals, group, split, range(c, 12, 5)) for split in splits])
        for c in range(5)
    ]
    expected = np.sqrt(4 / 5 * np.sum((without - np.mean(without)) ** 2))
    assert found.standard_error == pytest.approx(expected)
    assert (found.groups, found.left_out, found.clusters) == (12, 0, 5)


def test_halves_are_equal_and_an_odd_game_goes_to_either():
    games = np.array([2, 3, 7, 16])
    halves = random_halves(games, 2000, seed=0)
    counts = np.add.reduceat(halves, np.cumsum(games) - games, axis=1, dtype=int)
    assert (counts[:, [0, 3]] == [1, 8]).all()
    # The standard error of a share of 2000 splits is 0.011.
    for column, low in ((1, 1), (2, 3)):
        assert set(counts[:, column]) == {low, low + 1}
        assert counts[:, column].mean() - low == pytest.approx(0.5, abs=0.045)
    np.testing.assert_allclose(halves.mean(axis=0), 0.5, atol=0.045)


def test_every_split_of_four_games_is_as_likely():
    halves = random_halves(np.array([4]), 6000, seed=0)
    splits = {tuple(row): 0 for row in itertools.product([0, 1], repeat=4) if sum(row) == 2}
    for row in halves.astype(int):
        splits[tuple(row)] += 1
    # Standard error of each count: sqrt(6000 / 6 * 5 / 6) = 29.
    assert len(splits) == 6
    np.testing.assert_allclose(list(splits.values()), 1000, atol=4 * 29)


@pytest.mark.parametrize("tau", [0.25, 0.5])
def test_reliability_is_the_share_of_true_variance(tau):
    """tau^2 / (tau^2 + sigma^2 / games); the mean of 6 samples is within 4 standard errors."""
    expected = tau**2 / (tau**2 + 1 / 16)
    found = [
        split_half_of(ratio, *totals_of(*simulated(tau=tau, seed=seed, plays=1)), draws=40)
        for seed in range(6)
    ]
    estimates = [each.estimate for each in found]
    error = np.mean([each.standard_error for each in found])
    assert np.mean(estimates) == pytest.approx(expected, abs=4 * error / np.sqrt(6))
    assert error < 0.05


def totals_of(values, group, _):
    return np.column_stack([values, np.ones(values.size)]), group


def test_standard_error_is_the_spread_over_samples():
    """120 samples: their standard deviation has itself a relative error of 6.5 %."""
    found = [
        split_half_of(ratio, *totals_of(*simulated(60, plays=1, seed=seed)), draws=20)
        for seed in range(120)
    ]
    expected = np.std([each.estimate for each in found], ddof=1)
    error = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert error == pytest.approx(expected, rel=0.25)


def test_plays_are_added_up_by_game_before_they_are_split():
    """Plays of a game are the same here: split by play they would agree wholly."""
    values, group, games = simulated(plays=5, tau=0.0)
    found = split_half(values, np.ones(values.size), group, games, draws=10)
    assert abs(found.estimate) < 4 * found.standard_error < 0.5


def test_the_weighted_mean_is_the_ratio_of_totals():
    rng = np.random.default_rng(0)
    values, group, games = simulated(30, games=5, plays=4)
    values, weights = values + rng.normal(size=values.size), rng.uniform(0, 2, values.size)
    passer = group // 2
    order = rng.permutation(values.size)
    names = np.array([f"season {g:02d}" for g in group])
    found = split_half(
        values[order],
        weights[order],
        names[order],
        games[order],
        clusters=passer[order],
        draws=30,
    )
    shape = (150, 4)
    totals = np.column_stack(
        [(weights * values).reshape(shape).sum(1), weights.reshape(shape).sum(1)]
    )
    expected = split_half_of(ratio, totals, group[::4], clusters=passer[::4], draws=30)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found.clusters == 15


def test_groups_of_one_game_are_left_out_and_counted():
    totals, group, _ = uneven()
    more = np.vstack([[[5.0, 1.0]], totals, [[7.0, 1.0]]])
    found = split_half_of(ratio, more, np.array([-1, *group, 99]), draws=10)
    assert found == split_half_of(ratio, totals, group, draws=10)._replace(left_out=2)


@pytest.mark.filterwarnings("error")
def test_equal_ratings_have_no_reliability():
    found = split_half_of(ratio, np.ones((8, 2)), np.repeat([0, 1, 2, 3], 2), draws=5)
    assert np.isnan([found.estimate, found.spread, found.standard_error]).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"draws": 1}, "draws: expected a whole number >= 2, got 1"),
        ({"groups": np.arange(4)}, "groups: expected one with two games, got none of 4"),
        ({"totals": np.ones((3, 2))}, r"totals: expected 4 rows, got shape \(3, 2\)"),
        (
            {"totals": np.array([[1.0, 1], [1, np.nan], [1, 1], [2, 1]])},
            "totals: expected finite numbers, got 1 of 4 rows without",
        ),
        (
            {"clusters": np.array(["A", "A", "B", "C"])},
            "clusters: expected one for the whole group 1, got B and C",
        ),
        (
            {"totals": np.array([[1.0, 1], [2, 0], [1, 1], [2, 1]])},
            "statistic: expected a finite rating of every half, got others in 1 of 2 groups",
        ),
        (
            {"statistic": lambda totals: totals},
            r"statistic: expected the shape \(200, 2\) from totals of shape \(200, 2, 2\)",
        ),
    ],
)
def test_what_cannot_be_split_is_said(unchecked_shapes, changed, message):
    given = {"statistic": ratio, "totals": np.ones((4, 2)), "groups": np.array([0, 0, 1, 1])}
    with pytest.raises(EvaluationError, match=message):
        split_half_of(**(given | changed))


def test_a_negative_weight_is_refused():
    ones = np.ones(4)
    with pytest.raises(EvaluationError, match="weights: expected numbers of at least 0, got 4"):
        split_half(ones, -ones, np.array([0, 0, 1, 1]), np.arange(4))


def careers(players=300, seasons=6, persistence=0.6, seed=0):
    """Ratings that follow an autoregression of unit variance; one season of each is missing."""
    rng = np.random.default_rng(seed)
    ratings = np.empty((players, seasons))
    ratings[:, 0] = rng.normal(size=players)
    for s in range(1, seasons):
        noise = np.sqrt(1 - persistence**2) * rng.normal(size=players)
        ratings[:, s] = persistence * ratings[:, s - 1] + noise
    keep = np.ones((players, seasons), bool)
    keep[np.arange(players), rng.integers(0, seasons, players)] = False
    player, season = np.nonzero(keep)
    return ratings[keep], season + 2009, player


def test_seasons_are_paired_with_the_one_after_only():
    values, seasons, players = careers()
    table = {(p, s): v for p, s, v in zip(players, seasons, values, strict=True)}
    pairs = [(v, table[p, s + 1]) for (p, s), v in table.items() if (p, s + 1) in table]
    used = {(p, s) for p, s in table if (p, s + 1) in table or (p, s - 1) in table}
    order = np.random.default_rng(1).permutation(values.size)
    found = season_to_season(values[order], seasons[order].astype(np.int16), players[order])
    assert found.pairs == len(pairs)
    assert found.unpaired == len(table) - len(used)
    assert found.correlation.estimate == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1])


def test_correlation_from_season_to_season_is_that_of_the_process():
    found = season_to_season(*careers()).correlation
    assert found.estimate == pytest.approx(0.6, abs=3 * found.standard_error)
    assert found.standard_error < 0.03
    assert found.low < 0.6 < found.high


def test_clusters_may_be_wider_than_players():
    values, seasons, players = careers(40)
    twice = [np.tile(each, 2) for each in (values, seasons)]
    copies = np.concatenate([players, players + 40])
    alone = season_to_season(values, seasons, players).correlation
    copied = season_to_season(*twice, copies, clusters=copies % 40).correlation
    np.testing.assert_allclose(copied, alone, rtol=1e-9)


@pytest.mark.parametrize(
    ("seasons", "message"),
    [
        ([2009, 2009, 2010], "one row per player and season, got two of A in 2009"),
        ([2009, 2011, 2013], "seasons: expected a player with two consecutive ones, got none"),
        ([2009, 2010], r"seasons: expected 3 rows, got shape \(2,\)"),
    ],
)
def test_what_cannot_be_paired_is_said(unchecked_shapes, seasons, message):
    with pytest.raises(EvaluationError, match=message):
        season_to_season(np.arange(3.0), np.array(seasons), np.array(["A"] * 3))
