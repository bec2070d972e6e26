"""Nested means: against the exact posterior of the normal model, and on draws of that model."""

import statistics

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.ratings import ScoringError
from sbp_jax.nfl.ratings.nested_means import nested_means

SEASONS, PASSERS, GAMES, PLAYS = 40, 12, 8, 15  # of each in the one before
TRUE = {"season": 0.05, "passer": 0.09, "game": 0.04}
LEVELS = list(TRUE)


def table(values, **columns):
    """Plays of equal weight."""
    return pl.DataFrame(columns | {"value": values, "weight": [1.0] * len(values)})


def simulate(seed=0):
    """Plays of the model with weights that have nothing to do with their values."""
    rng = np.random.default_rng(seed)
    shape = (SEASONS, PASSERS, GAMES, PLAYS)
    season = 0.3 + np.sqrt(TRUE["season"]) * rng.normal(size=shape[:1])
    passer = season[:, None] + np.sqrt(TRUE["passer"]) * rng.normal(size=shape[:2])
    game = passer[..., None] + np.sqrt(TRUE["game"]) * rng.normal(size=shape[:3])
    at = np.indices(shape).reshape(4, -1)
    return pl.DataFrame(
        {
            "season": at[0],
            "passer": at[1],
            "game": at[2],
            "value": (game[..., None] + rng.normal(size=shape)).ravel(),
            "weight": rng.uniform(0.5, 1.5, at.shape[1]),
            "true_passer": passer[at[0], at[1]],
            "true_game": game[at[0], at[1], at[2]],
        }
    )


@pytest.fixture(scope="module")
def drawn():
    return simulate()


@pytest.fixture(scope="module")
def games(drawn):
    found = nested_means(drawn, LEVELS)
    truth = drawn.unique(LEVELS).select(*LEVELS, true="true_game")
    return found, found.groups.join(truth, on=LEVELS)


@pytest.fixture(scope="module")
def passers(drawn):
    levels = ["season", "passer"]
    found = nested_means(drawn, levels, within="game").groups
    truth = drawn.unique(levels).select(*levels, true="true_passer")
    return found.join(truth, on=levels)


def test_variances_are_found_within_their_standard_errors(games):
    """Of a mean square with f degrees of freedom the relative standard error is sqrt(2 / f).

    A mean of n plays with weights uniform on 1/2 ... 3/2 has variance 13/12 / n.
    """
    found, _ = games
    plays = SEASONS * PASSERS * GAMES * PLAYS
    freedom = plays - SEASONS * PASSERS * GAMES
    # Weights make the sum of squares as uncertain as one of 12/13 as many plays.
    assert found.play_variance == pytest.approx(1, abs=3 * np.sqrt(2 / freedom * 13 / 12))
    spread = 13 / 12 / PLAYS
    for level, size, above in (
        ("game", GAMES, SEASONS * PASSERS),
        ("passer", PASSERS, SEASONS),
        ("season", SEASONS, 1),
    ):
        around = TRUE[level] + spread
        error = around * np.sqrt(2 / (above * (size - 1)))
        assert found.level_variances[level] == pytest.approx(TRUE[level], abs=3 * error), level
        spread = around / size


@pytest.mark.parametrize("level", ["passers", "games"])
def test_intervals_cover_the_truth_and_drawing_beats_the_raw_mean(level, request):
    """Of 480 passers 95 % have a binomial standard error of 1.0 %, of 3840 games one of 0.35 %."""
    found = request.getfixturevalue(level)
    groups = found[1] if level == "games" else found
    error = groups["posterior"] - groups["true"]
    covered = (error.abs() <= 1.96 * groups["posterior_variance"].sqrt()).mean()
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / groups.height))
    raw = groups["mean"] - groups["true"]
    assert (error**2).mean() < 0.9 * (raw**2).mean()
    # What it says of its own error is right as well: squares have a relative error sqrt(2 / n).
    said = groups["posterior_variance"].mean()
    assert (error**2).mean() == pytest.approx(said, rel=4 * np.sqrt(2 / groups.height))


def test_balanced_groups_follow_the_analysis_of_variance():
    """Mean squares, their difference, and the shrinkage, written out."""
    groups = {
        "a": [1.0, 2.0, 4.0],
        "b": [7.0, 5.0, 9.0],
        "c": [2.0, 0.0, 1.0],
        "d": [4.0, 4.0, 7.0],
    }
    means = {name: statistics.mean(values) for name, values in groups.items()}
    m, n = len(groups), 3
    within = sum((y - means[name]) ** 2 for name, ys in groups.items() for y in ys) / (m * (n - 1))
    between = n * statistics.variance(means.values())
    tau = (between - within) / n
    assert tau > 0
    found = nested_means(
        table(
            [y for ys in groups.values() for y in ys], group=[x for x in groups for _ in range(n)]
        ),
        ["group"],
    )
    assert found.play_variance == pytest.approx(within)
    assert found.level_variances == pytest.approx({"group": tau})
    centre, v = statistics.mean(means.values()), within / n
    k = tau / (tau + v)
    for row in found.groups.iter_rows(named=True):
        assert row["plays"] == n
        assert row["mean"] == pytest.approx(means[row["group"]])
        assert row["parent"] == pytest.approx(centre)
        assert row["posterior"] == pytest.approx(centre + k * (row["mean"] - centre))
        above = (tau + v) / m
        assert row["posterior_variance"] == pytest.approx(k * v + (1 - k) ** 2 * above)


def best_prediction(y, groups, variances, noise, levels, play):
    """Posterior mean and variance of mu and the effects of some levels on a play.

    By the covariance matrix of all plays, with a flat prior of mu; `groups` are the group numbers
    of the plays by level.
    """
    parts = {x: variances[x] * (numbers[:, None] == numbers) for x, numbers in groups.items()}
    inverse = np.linalg.inv(noise * np.eye(len(y)) + sum(parts.values()))
    ones = np.ones(len(y))
    mu_variance = 1 / (ones @ inverse @ ones)
    mu = mu_variance * (ones @ inverse @ y)
    mine = sum(parts[x][play] for x in levels)
    variance = mine[play] - mine @ inverse @ mine + (1 - mine @ inverse @ ones) ** 2 * mu_variance
    return mu + mine @ inverse @ (y - mu), variance


def test_unequal_groups_have_the_exact_posterior_of_the_normal_model():
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 7, (4, 5, 3))
    at = np.repeat(np.indices(sizes.shape).reshape(3, -1), sizes.ravel(), axis=1)
    season, passer = at[0], 10 * at[0] + at[1]
    game = 10 * passer + at[2]
    y = (
        rng.normal(0, 2.0, 4)[season]
        + rng.normal(0, 1.0, 100)[passer]
        + rng.normal(0, 0.7, 1000)[game]
        + rng.normal(size=len(season))
    )
    found = nested_means(
        table(y, season=season, passer=passer, game=game), ["season", "passer"], within="game"
    )
    assert min(found.level_variances.values()) > 0
    groups = {"season": season, "passer": passer, "game": game}
    for row in found.groups.iter_rows(named=True):
        play = int(np.flatnonzero(passer == row["passer"])[0])
        mean, variance = best_prediction(
            y, groups, found.level_variances, found.play_variance, ["season", "passer"], play
        )
        assert row["posterior"] == pytest.approx(mean)
        assert row["posterior_variance"] == pytest.approx(variance)


def test_a_play_of_weight_two_moves_the_mean_as_two_but_counts_as_less():
    rows = {"group": ["a"] * 3 + ["b"] * 3, "value": [0.0, 3.0, 6.0, 1.0, 2.0, 3.0]}
    weighted = pl.DataFrame(rows | {"weight": [1.0, 1.0, 2.0, 1.0, 1.0, 1.0]})
    found = nested_means(weighted, ["group"])
    a, b = found.groups.sort("group").iter_rows(named=True)
    assert a["mean"] == pytest.approx((0 + 3 + 6 + 6) / 4)
    assert b["mean"] == pytest.approx(2)
    # (1 + 1 + 2)^2 / (1 + 1 + 4) plays, and 3.
    assert a["variance"] == pytest.approx(found.play_variance * 6 / 16)
    assert b["variance"] == pytest.approx(found.play_variance / 3)


@pytest.mark.parametrize("factor", [2.0, 1e-12])
def test_only_relative_weights_count(drawn, factor):
    some = drawn.head(3000)
    found = nested_means(some, LEVELS).groups
    scaled = nested_means(some.with_columns(pl.col("weight") * factor), LEVELS).groups
    for name in ("mean", "posterior", "posterior_variance"):
        np.testing.assert_allclose(scaled[name], found[name], rtol=1e-6)


def test_a_group_of_next_to_no_weight_leaves_all_numbers_finite():
    """Squares of its weights are 0 in floating point."""
    plays = pl.DataFrame(
        {"group": list("aabbc"), "value": [1.0, 2.0, 5.0, 6.0, 3.0], "weight": [1.0] * 4 + [1e-200]}
    )
    found = nested_means(plays, ["group"])
    assert found.groups["posterior"].is_finite().all()
    assert found.groups.filter(group="c")["mean"].to_list() == [3.0]
    assert found.play_variance == pytest.approx(0.5)


def test_groups_that_differ_by_chance_alone_get_the_mean_above_them():
    values = [-4.0, 4.2, -4.1, 4.0, -4.0, 4.1]
    found = nested_means(table(values, group=[0, 0, 1, 1, 2, 2]), ["group"])
    assert found.level_variances == {"group": 0.0}
    np.testing.assert_allclose(found.groups["posterior"], np.mean(values))
    # And its uncertainty: that of the mean of all six.
    np.testing.assert_allclose(found.groups["posterior_variance"], found.play_variance / 6)


def test_a_passer_with_one_play_is_drawn_most():
    rng = np.random.default_rng(1)
    passer = np.repeat(np.arange(20), 30)
    values = rng.normal(size=20)[passer] + rng.normal(size=600)
    plays = table([*values, 3.0], passer=[*passer, 99])
    groups = nested_means(plays, ["passer"]).groups
    kept = (pl.col("posterior") - pl.col("parent")) / (pl.col("mean") - pl.col("parent"))
    shares = dict(groups.select("passer", kept).rows())
    assert shares.pop(99) < 0.8 < min(shares.values())
    assert groups.sort("posterior_variance")["passer"][-1] == 99


def test_null_is_a_group_too_at_every_level():
    plays = table(
        [1.0, 1.2, 3.0, 3.1, 9.0, 9.1, 5.0, 5.2],
        season=[1, 1, 1, 1, None, None, None, None],
        passer=["a", "a", None, None, "a", "a", None, None],
    )
    found = nested_means(plays, ["season", "passer"]).groups
    assert found.height == 4
    by_name = {(row["season"], row["passer"]): row for row in found.iter_rows(named=True)}
    assert by_name[None, None]["mean"] == pytest.approx(5.1)
    assert by_name[None, "a"]["parent"] == by_name[None, None]["parent"]
    assert by_name[1, None]["parent"] != by_name[None, None]["parent"]


def test_a_single_group_is_its_own_parent():
    found = nested_means(table([1.0, 2.0, 6.0], passer=["a"] * 3), ["passer"])
    row = found.groups.row(0, named=True)
    assert row["mean"] == row["parent"] == row["posterior"] == pytest.approx(3)
    assert row["posterior_variance"] == pytest.approx(7 / 3)  # squares 4 + 1 + 9, over 2, over 3


def test_nothing_is_drawn_where_nothing_tells_how_plays_vary():
    found = nested_means(table([1.0, 5.0], passer=["a", "b"]), ["passer"])
    assert found.play_variance == 0
    assert found.groups["posterior"].to_list() == [1.0, 5.0]


def test_games_asked_for_are_no_level_twice(drawn):
    some = drawn.head(1000)
    assert nested_means(some, LEVELS, within="game").groups.equals(
        nested_means(some, LEVELS).groups
    )


@pytest.mark.parametrize(
    ("plays", "levels", "message"),
    [
        (table([], passer=[]), ["passer"], "at least one play, got an empty set"),
        (table([1.0], passer=["a"]), [], "a column to group by, got none"),
    ],
)
def test_nothing_to_group_is_said(plays, levels, message):
    with pytest.raises(ScoringError, match=message):
        nested_means(plays, levels)
