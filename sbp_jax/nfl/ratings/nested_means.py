r"""Means of nested groups, small ones drawn towards the group they are part of: empirical Bayes.

Groups are nested in the order of their columns, as season / passer / down: a play belongs to a
down of a passer of a season. Values vary at every level,

    value of a play = mu + a_season + b_passer + c_down + e,      all independent,

with variances tau_l^2 of the groups of level l around the group above, and sigma^2 of plays, all
estimated from the values themselves. A play may weigh more than another, by what was known before
its outcome; n plays of weights w then count as (sum w)^2 / sum w^2.

Upwards: a group of plays has mean x and variance v = sigma^2 / n. A group of groups has

    x = sum_c x_c / (v_c + tau^2) / sum_c 1 / (v_c + tau^2),     v = 1 / sum_c 1 / (v_c + tau^2)

so that a game with few plays counts less than one with many, and neither counts by plays alone.

Downwards: with m and s^2 the posterior mean and variance of the group above,

    posterior mean = m + k (x - m),     variance = k v + (1 - k)^2 s^2,     k = tau^2 / (tau^2 + v)

tau^2 is the moment estimate of DerSimonian and Laird [1], pooled over all groups above; where
groups differ by less than chance explains it is 0, and all of them get the mean above them. Taking
the estimated variances as known makes intervals a little too short where groups are few [2].

References:
    [1] DerSimonian, Laird (1986), "Meta-analysis in clinical trials", Controlled Clinical Trials 7.
    [2] Morris (1983), "Parametric empirical Bayes inference", JASA 78.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from sbp_jax.nfl.errors import ScoringError

VALUE: Final = "value"
WEIGHT: Final = "weight"


@dataclass(frozen=True)
class NestedMeans:
    """Means of the groups of one level, and the variances they were drawn by.

    Attributes:
        groups: a row per group: its columns; plays; mean, the weighted mean of its plays or
            groups; variance, of that mean around what it estimates; parent, posterior mean of the
            group above; posterior, drawn towards it; posterior_variance.
        play_variance: sigma^2.
        level_variances: tau^2 by column, of groups within the one above.
    """

    groups: pl.DataFrame
    play_variance: float
    level_variances: dict[str, float]


def nested_means(
    plays: pl.DataFrame, levels: Sequence[str], *, within: str | None = None
) -> NestedMeans:
    """Draw the means of the last level's groups towards those above; formulas as above.

    Args:
        plays: columns `value` and `weight` (> 0) and those of the levels; null is a group too.
        levels: columns, outermost first; at least one.
        within: a column whose groups vary within the last level but are not asked for: games,
            whose plays have something in common.

    Raises:
        ScoringError: no plays, or no level.

    >>> plays = pl.DataFrame(
    ...     {
    ...         "passer": ["A"] * 3 + ["B"] * 3 + ["C"],
    ...         "value": [1.0, 1.1, 0.9, -1.0, -1.1, -0.9, 5.0],
    ...         "weight": [1.0] * 7,
    ...     }
    ... )
    >>> found = nested_means(plays, ["passer"])
    >>> [round(x, 2) for x in found.groups.sort("passer")["posterior"]]
    [1.0, -1.0, 4.99]
    """
    if plays.is_empty():
        raise ScoringError("expected at least one play, got an empty set")
    if not levels:
        raise ScoringError("expected a column to group by, got none")
    deepest = [*levels, *([within] if within and within not in levels else [])]
    groups, play_variance = _leaves(plays, deepest)
    variances: dict[str, float] = {}
    stages = [groups]
    for depth in range(len(deepest), 0, -1):
        above, level = deepest[: depth - 1], deepest[depth - 1]
        variances[level] = _variance_between(groups, above)
        groups = _combined(groups, above, variances[level])
        stages.append(groups)
    below = stages[::-1]  # from the whole down
    posterior = below[0].with_columns(posterior="mean", posterior_variance="variance")
    for depth, level in enumerate(levels, start=1):
        posterior = _drawn(below[depth], posterior, deepest[: depth - 1], variances[level])
    return NestedMeans(posterior, play_variance, {level: variances[level] for level in deepest})


def _leaves(plays: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, float]:
    """Groups of plays, and the variance of plays within them."""
    w, y = pl.col(WEIGHT), pl.col(VALUE)
    relative = w / w.max()  # squares of weights that are all tiny would be 0
    groups = plays.group_by(columns, maintain_order=True).agg(
        plays=pl.len(),
        mean=(relative * y).sum() / relative.sum(),
        _total=w.sum(),
        _counted=relative.sum() ** 2 / (relative**2).sum(),
        _scatter=(w * (y - (relative * y).sum() / relative.sum()) ** 2).sum(),
    )
    freedom = float((groups["_total"] * (1 - 1 / groups["_counted"])).sum())
    # One play in every group says nothing of how plays vary; then nothing is drawn anywhere.
    variance = float(groups["_scatter"].sum()) / freedom if freedom > 1e-9 else 0.0
    return groups.with_columns(variance=variance / pl.col("_counted")).drop(
        "_total", "_counted", "_scatter"
    ), variance


def _by(columns: list[str]) -> list[str | pl.Expr]:
    """What to group by; all rows in one group where there are no columns."""
    return [*columns] if columns else [pl.lit(0).alias("_all")]


def _variance_between(groups: pl.DataFrame, above: list[str]) -> float:
    """Moment estimate of the variance of groups around the mean of the group above."""
    exact = groups.filter(pl.col("variance") > 0)
    a, x = 1 / pl.col("variance"), pl.col("mean")
    centred = x - (a * x).sum() / a.sum()
    found = (
        exact.group_by(_by(above), maintain_order=True)
        .agg(
            freedom=pl.len() - 1.0,
            scatter=(a * centred**2).sum(),
            scale=a.sum() - (a**2).sum() / a.sum(),
        )
        .filter(pl.col("freedom") > 0)
    )
    scatter, freedom, scale = (float(found[x].sum()) for x in ("scatter", "freedom", "scale"))
    return max(0.0, (scatter - freedom) / scale) if scale > 0 else 0.0


def _combined(groups: pl.DataFrame, above: list[str], between: float) -> pl.DataFrame:
    """Groups of the level above, each the mean of its own by their precisions."""
    spread = pl.col("variance") + between
    # No variance at all: nothing is known of it, and groups count alike.
    a = pl.when(spread > 0).then(1 / spread).otherwise(1.0)
    combined = groups.group_by(_by(above), maintain_order=True).agg(
        plays=pl.col("plays").sum(),
        mean=(a * pl.col("mean")).sum() / a.sum(),
        variance=pl.when(spread.max() > 0).then(1 / a.sum()).otherwise(0.0),
    )
    return combined if above else combined.drop("_all")


def _drawn(
    groups: pl.DataFrame, parents: pl.DataFrame, above: list[str], between: float
) -> pl.DataFrame:
    """Groups with their means drawn towards their parents'."""
    prior = parents.select(
        *above,
        parent="posterior",
        _parent_variance="posterior_variance",
    )
    joined = (
        groups.join(prior, on=above, nulls_equal=True, maintain_order="left")
        if above
        else groups.join(prior, how="cross")
    )
    v, m = pl.col("variance"), pl.col("parent")
    spread = v + between
    k = pl.when(spread > 0).then(between / spread).otherwise(1.0)
    return joined.with_columns(
        posterior=m + k * (pl.col("mean") - m),
        posterior_variance=k * v + (1 - k) ** 2 * pl.col("_parent_variance"),
    ).drop("_parent_variance")
