r"""How stable a rating is within a season: split-half reliability.

The games of each passer-season are split at random into two halves of
equal number (of an odd number of games, one goes to either side by chance), the rating is made
from each half, and the two are correlated over passer-seasons. A half has half the games, so
that correlation r is stepped up to whole seasons by the formula of Spearman and Brown [1],

    reliability = 2 r / (1 + r),       averaged over many splits.

If a rating is t + e, with variance tau^2 of t over passer-seasons and sigma^2 / n of e over n
games, this estimates tau^2 / (tau^2 + sigma^2 / n). Whole games are split because plays of a
game have more in common than the passer.

A rating need not be a mean of plays: what is split are totals of games, which are added up
within each half before the rating is made of them.

The standard error is the jackknife's [2] over C clusters, passers with all their seasons: with
R_c the reliability without cluster c, over the same splits, and R their mean,

    SE = sqrt((C - 1) / C  sum_c (R_c - R)^2)

References:
    [1] Spearman (1910), "Correlation calculated from faulty data"; Brown (1910), "Some
    experimental results in the correlation of mental abilities", British Journal of Psychology 3.
    [2] Efron, Stein (1981), "The jackknife estimate of variance", Annals of Statistics 9.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.moments import centred, correlation_of, moments
from sbp_jax.evaluation.rows import check_rows
from sbp_jax.runs.ranges import Seed, Several, refuse_unless

Plays = Float[np.ndarray, " B"]
Labels = Shaped[np.ndarray, " B"]
Statistic = Callable[[Float[np.ndarray, "*any k"]], Float[np.ndarray, "*any"]]


class SplitHalf(NamedTuple):
    """Split-half reliability of a rating.

    Attributes:
        estimate: the mean over splits, for whole groups.
        spread: standard deviation over splits; that of the estimate by the choice of splits is
            `spread / sqrt(draws)`.
        standard_error: by jackknife over clusters (NaN for a single one).
        groups: number of groups that were split.
        left_out: number of groups with a single game, which cannot be.
        clusters: number of clusters.
    """

    estimate: float
    spread: float
    standard_error: float
    groups: int
    left_out: int
    clusters: int


def split_half(
    values: Plays,
    weights: Plays,
    groups: Labels,
    games: Labels,
    *,
    clusters: Labels | None = None,
    draws: int = 200,
    seed: int = 0,
) -> SplitHalf:
    """Split-half reliability of the weighted mean of plays; formulas at the top of this module.

    Args:
        values: (B,) one finite number per play.
        weights: (B,) of the plays, at least 0.
        groups: (B,) what has a rating: the passer-season of each play, numbers or strings.
        games: (B,) the game of each play.
        clusters: (B,) what is left out together for the standard error: the passer of each play;
            None means the groups.
        draws: number of random splits, at least 2.
        seed: of the splits.

    Raises:
        EvaluationError: as `split_half_of`, or a weight below 0.

    >>> values = np.array([1.0, 3.0, 5.0, 7.0, 8.0, 9.0])
    >>> groups, games = np.array(["A", "A", "B", "B", "C", "C"]), np.array([1, 2, 1, 2, 1, 2])
    >>> found = split_half(values, np.ones(6), groups, games)
    >>> found.groups, found.left_out, 0.9 < found.estimate < 1
    (3, 0, True)
    """
    rows = {"values": values, "weights": weights, "groups": groups, "games": games}
    check_rows(rows | ({} if clusters is None else {"clusters": clusters}), groups.size)
    if below := int(np.count_nonzero(weights < 0)):
        raise EvaluationError(f"weights: expected numbers of at least 0, got {below} below")
    _, group = np.unique(groups, return_inverse=True)
    names, game = np.unique(games, return_inverse=True)
    _, first, of = np.unique(group * names.size + game, return_index=True, return_inverse=True)
    totals = np.stack([np.bincount(of, weights * values), np.bincount(of, weights)], axis=-1)
    return split_half_of(
        lambda total: total[..., 0] / total[..., 1],
        totals,
        groups[first],
        clusters=None if clusters is None else clusters[first],
        draws=draws,
        seed=seed,
    )


def split_half_of(
    statistic: Statistic,
    totals: Float[np.ndarray, "B k"],
    groups: Labels,
    *,
    clusters: Labels | None = None,
    draws: int = 200,
    seed: int = 0,
) -> SplitHalf:
    """Split-half reliability of any function of totals; formulas at the top of this module.

    Args:
        statistic: from totals (..., k) of several games to the rating (...).
        totals: (B, k) one row per group and game, of what is added up: attempts, yards, ...
        groups: (B,) what has a rating: the passer-season of each row.
        clusters: (B,) what is left out together for the standard error: the passer of each row;
            None means the groups.
        draws: number of random splits, at least 2.
        seed: of the splits.

    Raises:
        EvaluationError: lengths differ, a number that is not finite, no group with two games, a
            group in two clusters, too few draws, or a half without a finite rating.

    >>> games = np.array([[3.0, 10], [4, 10], [6, 10], [5, 10], [9, 10], [8, 10]])
    >>> groups = np.array(["A", "A", "B", "B", "C", "C"])
    >>> split_half_of(lambda t: t[..., 0] / t[..., 1], games, groups).estimate > 0.9
    True
    """
    clusters = groups if clusters is None else clusters
    check_rows({"totals": totals, "groups": groups, "clusters": clusters}, groups.size)
    refuse_unless(Several, EvaluationError, draws=draws)
    refuse_unless(Seed, EvaluationError, seed=seed)
    names, group, games = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.flatnonzero(games[group] > 1)
    order = order[np.argsort(group[order], kind="stable")]
    games = games[games > 1]
    if not games.size:
        raise EvaluationError(f"groups: expected one with two games, got none of {names.size}")
    starts = np.cumsum(games) - games
    cluster = _cluster_of(clusters[order], groups[order], starts)
    first = random_halves(games, draws, seed)
    x, y = (
        _rated(statistic, np.add.reduceat(half[..., None] * totals[order], starts, axis=1))
        for half in (first, ~first)
    )
    whole, without = _stepped_up(x, y, cluster)
    return SplitHalf(
        estimate=float(whole.mean()),
        spread=float(whole.std(ddof=1)),
        standard_error=_jackknife(without.mean(axis=0)),
        groups=games.size,
        left_out=names.size - games.size,
        clusters=without.shape[1],
    )


def random_halves(
    games: Int[np.ndarray, " groups"], draws: int, seed: int
) -> Bool[np.ndarray, "draws B"]:
    """Which games are in the first half, for groups of so many games one after the other.

    Args:
        games: (groups,) number of games of each group.
        draws: number of splits.
        seed: of the splits.

    >>> random_halves(np.array([4, 2]), 2, seed=0).astype(int)
    array([[0, 0, 1, 1, 1, 0],
           [1, 0, 1, 0, 0, 1]])
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(games.size), games)
    # By group and at random within it: places in this order belong to the groups of the rows.
    order = np.argsort(group + rng.random((draws, group.size)), axis=1)
    place = np.arange(group.size) - np.repeat(np.cumsum(games) - games, games)
    odd_one = rng.integers(0, 2, (draws, games.size)) * (games % 2)
    halves = np.empty(order.shape, bool)
    np.put_along_axis(halves, order, place < (games // 2 + odd_one)[:, group], axis=1)
    return halves


def _cluster_of(
    clusters: Labels, groups: Labels, starts: Int[np.ndarray, " groups"]
) -> Int[np.ndarray, " groups"]:
    """The cluster of each group, as a number, of rows group by group."""
    names, cluster = np.unique(clusters, return_inverse=True)
    least, most = np.minimum.reduceat(cluster, starts), np.maximum.reduceat(cluster, starts)
    if (bad := least != most).any():
        which = int(np.argmax(bad))
        raise EvaluationError(
            f"clusters: expected one for the whole group {groups[starts[which]]}, "
            f"got {names[least[which]]} and {names[most[which]]}"
        )
    return least


def _rated(statistic: Statistic, totals: Float[np.ndarray, "D G k"]) -> Float[np.ndarray, "D G"]:
    """Ratings of halves."""
    with np.errstate(divide="ignore", invalid="ignore"):  # what comes of it is told below
        ratings = np.asarray(statistic(totals), np.float64)
    if ratings.shape != totals.shape[:-1]:
        raise EvaluationError(
            f"statistic: expected the shape {totals.shape[:-1]} from totals of shape "
            f"{totals.shape}, got {ratings.shape}"
        )
    if bad := int(np.count_nonzero(~np.isfinite(ratings).all(axis=0))):
        raise EvaluationError(
            f"statistic: expected a finite rating of every half, got others in {bad} of "
            f"{ratings.shape[1]} groups"
        )
    return ratings


def _stepped_up(
    x: Float[np.ndarray, "D G"], y: Float[np.ndarray, "D G"], cluster: Int[np.ndarray, " G"]
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D C"]]:
    """Reliability in each split: of all groups, and without each of the clusters."""
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    of_group = moments(centred(x), centred(y))[:, order]
    of_cluster = np.add.reduceat(of_group, starts, axis=1)
    whole = of_cluster.sum(axis=1)
    return (
        _spearman_brown(correlation_of(whole)),
        _spearman_brown(correlation_of(whole[:, None] - of_cluster)),
    )


def _spearman_brown(r: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    with np.errstate(divide="ignore"):  # -inf where halves are each other's opposite
        return 2 * r / (1 + r)


def _jackknife(without: Float[np.ndarray, " C"]) -> float:
    count = without.size
    return float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
