r"""Correlation of ratings with an outcome, with standard errors that respect clusters.

Pearson's r of x and y under weights w_i, and Spearman's rho, which is r of the mid-ranks: equal
values share the mean of the ranks they take up. With x = y = 0 at the means,

    r = sum w x y / sqrt(sum w x^2  sum w y^2)

A passer's seasons are not independent, so the cluster bootstrap [1] draws whole clusters with
replacement, as many as there are. In a draw every row weighs c_i, the number of times its cluster
was drawn; r of the resampled rows is r under these weights. Spearman's ranks are those of the
resampled rows, ranked anew in each draw: a row whose value is shared by t resampled rows, with b
resampled rows below, has rank b + (t + 1) / 2.

All ratings are correlated in the same draws, so that the standard error of a difference between
two of them has what they share cancelled. The standard error is the standard deviation over the
draws, the interval goes from the 2.5 % to the 97.5 % quantile of the draws. A correlation is
undefined, NaN, where either side is constant. If that is so in a draw, standard error and
interval are NaN, as no draw is left out.

References:
    [1] Cameron, Gelbach, Miller (2008), "Bootstrap-based improvements for inference with
    clustered errors", Review of Economics and Statistics 90.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.moments import centred, correlation_of, mid_ranks, moments
from sbp_jax.evaluation.rows import check_rows
from sbp_jax.runs.ranges import Seed, Several, refuse_unless

Kind = Literal["pearson", "spearman"]
Vector = Float[np.ndarray, " N"]
Draws = Float[np.ndarray, " D"]

_INTERVAL: Final = (0.025, 0.975)
_BLOCK: Final = 100  # draws that are ranked at a time, to bound memory


class Correlation(NamedTuple):
    """A correlation, or a difference of two, with its standard error and its 95 % interval."""

    estimate: float
    standard_error: float
    low: float
    high: float


class Correlations(NamedTuple):
    """Correlations of several ratings with one outcome.

    Attributes:
        kind: "pearson" or "spearman".
        ratings: by rating.
        reference: the rating that others are compared with.
        differences: correlation of a rating minus that of the reference, by rating, without the
            reference.
        rows: number of rows.
        clusters: number of clusters.
    """

    kind: Kind
    ratings: dict[str, Correlation]
    reference: str
    differences: dict[str, Correlation]
    rows: int
    clusters: int


def pearson(x: Vector, y: Vector) -> float:
    """Pearson's correlation; NaN where either side is constant.

    Args:
        x: (N,) finite numbers.
        y: (N,) likewise.

    Raises:
        EvaluationError: lengths differ, no numbers, or one that is not finite.

    >>> round(pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 3)
    0.5
    """
    check_rows({"x": x, "y": y}, x.size)
    return float(correlation_of(moments(centred(x), centred(y)).sum(axis=0)))


def spearman(x: Vector, y: Vector) -> float:
    """Spearman's rank correlation, with mid-ranks; NaN where either side is constant.

    Args:
        x: (N,) finite numbers.
        y: (N,) likewise.

    Raises:
        EvaluationError: lengths differ, no numbers, or one that is not finite.

    >>> round(spearman(np.array([1.0, 2.0, 9.0]), np.array([1.0, 3.0, 2.0])), 3)
    0.5
    """
    check_rows({"x": x, "y": y}, x.size)
    once = np.ones((1, x.size), np.int64)
    return float(_spearman(x, y, once)[0])


def bootstrap_correlations(
    ratings: Mapping[str, Vector],
    outcome: Vector,
    clusters: Shaped[np.ndarray, " N"],
    *,
    reference: str | None = None,
    kind: Kind = "pearson",
    draws: int = 2000,
    seed: int = 0,
) -> Correlations:
    """Correlate ratings with an outcome and compare them; formulas at the top of this module.

    Args:
        ratings: (N,) finite numbers by the name of the rating, all of the same rows.
        outcome: (N,) what they are to follow.
        clusters: (N,) what is drawn whole: the passer of each row, numbers or strings.
        reference: the rating that others are compared with; None means the first.
        kind: "pearson" or "spearman".
        draws: of the bootstrap, at least 2. The standard error has itself a relative error of
            about 1 / sqrt(2 draws).
        seed: of the draws.

    Raises:
        EvaluationError: no rating or no row, lengths differ, a number that is not finite (leave
            such rows out for all ratings), an unknown kind or reference, or too few draws.

    >>> wins = np.array([0.2, 0.4, 0.5, 0.7, 0.8, 0.9])
    >>> ratings = {"good": wins**2, "poor": np.array([1.0, 0.0, 1.0, 0.0, 1.0, 1.0])}
    >>> found = bootstrap_correlations(ratings, wins, np.array(["A", "A", "B", "C", "D", "E"]))
    >>> {name: round(each.estimate, 2) for name, each in found.ratings.items()}
    {'good': 0.98, 'poor': 0.1}
    >>> round(found.differences["poor"].estimate, 2), found.clusters
    (-0.89, 5)
    """
    if reference is None:
        reference = next(iter(ratings), "none")
    if reference not in ratings:
        raise EvaluationError(
            f"reference: expected one of the ratings given, {', '.join(ratings) or 'none'}, "
            f"got {reference!r}"
        )
    if kind not in ("pearson", "spearman"):
        raise EvaluationError(f"kind: expected 'pearson' or 'spearman', got {kind!r}")
    named = {f"rating {name}": each for name, each in ratings.items()}
    check_rows({**named, "outcome": outcome, "clusters": clusters}, outcome.size)
    names, cluster = np.unique(clusters, return_inverse=True)
    counts = draw_clusters(names.size, draws, seed)
    estimate, resample = (pearson, _pearson_draws) if kind == "pearson" else (spearman, _ranked)
    whole = {name: estimate(each, outcome) for name, each in ratings.items()}
    drawn = {name: resample(each, outcome, cluster, counts) for name, each in ratings.items()}
    return Correlations(
        kind=kind,
        ratings={name: _summary(whole[name], drawn[name]) for name in ratings},
        reference=reference,
        differences={
            name: _summary(whole[name] - whole[reference], drawn[name] - drawn[reference])
            for name in ratings
            if name != reference
        },
        rows=outcome.size,
        clusters=names.size,
    )


def draw_clusters(clusters: int, draws: int, seed: int) -> Int[np.ndarray, "D clusters"]:
    """How often each cluster is drawn, when as many as there are are drawn with replacement.

    Raises:
        EvaluationError: fewer than 2 draws, of which there is no standard deviation, or a seed
            out of its range.

    >>> draw_clusters(4, 3, seed=0).sum(axis=1)
    array([4, 4, 4])
    """
    refuse_unless(Several, EvaluationError, draws=draws)
    refuse_unless(Seed, EvaluationError, seed=seed)
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)


def _pearson_draws(
    x: Vector, y: Vector, cluster: Int[np.ndarray, " N"], counts: Int[np.ndarray, "D clusters"]
) -> Draws:
    """Pearson's r of each draw: sums of the clusters, by how often each was drawn."""
    of_row = moments(centred(x), centred(y))
    sums = np.stack([np.bincount(cluster, each, counts.shape[1]) for each in of_row.T], axis=-1)
    return correlation_of(counts @ sums)


def _ranked(
    x: Vector, y: Vector, cluster: Int[np.ndarray, " N"], counts: Int[np.ndarray, "D clusters"]
) -> Draws:
    """Spearman's rho of each draw."""
    blocks = np.array_split(counts, -(-len(counts) // _BLOCK))
    return np.concatenate([_spearman(x, y, block[:, cluster]) for block in blocks])


def _spearman(x: Vector, y: Vector, times: Int[np.ndarray, "D N"]) -> Draws:
    """Spearman's rho of rows that occur so many times."""
    of_row = moments(mid_ranks(x, times), mid_ranks(y, times))
    return correlation_of(np.einsum("dn,dnk->dk", times, of_row))


def _summary(estimate: float, drawn: Draws) -> Correlation:
    low, high = np.quantile(drawn, _INTERVAL)
    return Correlation(estimate, float(drawn.std(ddof=1)), float(low), float(high))
