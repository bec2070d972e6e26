r"""Completion percentage over expectation (CPOE): how much more a passer completed than expected.

    cpoe = 100 mean(c - p - d)       over the passes of a passer in a season

with c 1 for a completion, else 0, and p the probability of one given the throw and the situation.
p is a logistic regression on what the expectation of a scored play knows
(`sbp_jax.nfl.plays.expectation`), fitted without the seasons whose passes
it is asked about (cross-fitting [1]), so that no pass has a part in its own expectation. d is the
mean of c - p over all passes of the season, -1.7 (2011) to +3.6 (2018) percentage points: what the
whole league gained, and how readily the feed names a target of an incompletion. So cpoe compares a
passer with the others of his season. It does not change the order of passers within it.

References:
    [1] Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
    parameters", The Econometrics Journal 21.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays.expectation import expectation_features
from sbp_jax.nfl.points.logit import fit_logit


def expected_completion(
    passes: pl.DataFrame, folds: Sequence[Sequence[int]]
) -> Float[np.ndarray, " B"]:
    """Probability that each pass is completed, by a model fitted without the season's fold.

    Args:
        passes: targeted passes that are no spikes (`sbp_jax.nfl.plays.examples.targeted_passes`).
        folds: seasons, each in one fold; those without passes are passed over.

    Returns:
        (B,) probabilities, float64.

    Raises:
        ScoringError: no passes, a pass of which it is not known whether it was completed, a season
            in no fold or in two, or all passes in one fold.
    """
    fold = _fold_of_pass(passes, folds)
    if count := passes["complete"].null_count():
        raise ScoringError(f"passes: expected complete in every row, got null in {count}")
    features = expectation_features(passes)
    complete = passes["complete"].cast(pl.Int32).to_numpy()
    expected = np.empty(passes.height)
    for number in np.unique(fold):
        held = fold == number
        model = fit_logit(features[~held], complete[~held], 2)
        expected[held] = model.probabilities(features[held])[:, 1]
    return expected


def completion_over_expected(
    passes: pl.DataFrame, expected: Float[np.ndarray, " B"]
) -> pl.DataFrame:
    """Completion percentage over expectation of each passer in each season.

    Args:
        passes: (B rows) with the columns season, passer_id and complete.
        expected: (B,) probability of completion of the same rows (`expected_completion`).

    Returns:
        One row per season and passer_id, sorted by both: targeted, the number of passes;
        completion_percent; expected_percent, with the season's d; cpoe, the first less the
        second, in percentage points.

    Raises:
        ScoringError: no passes, a different number of probabilities, or one that is none.

    >>> passes = pl.DataFrame(
    ...     {"season": [2018] * 2, "passer_id": ["1", "2"], "complete": [True, False]}
    ... )
    >>> completion_over_expected(passes, np.array([0.75, 0.25]))["cpoe"].to_list()
    [25.0, -25.0]
    """
    if passes.is_empty():
        raise ScoringError("passes: expected at least one, got an empty set")
    if expected.shape != (passes.height,):
        raise ScoringError(
            f"expected: expected one for each of {passes.height} passes, got shape {expected.shape}"
        )
    if not (fine := (expected >= 0) & (expected <= 1)).all():
        row = int(np.argmin(fine))
        raise ScoringError(f"expected: expected probabilities, got {expected[row]} in row {row}")
    gained = (pl.col("complete").cast(pl.Float64) - pl.col("expected")).mean().over("season")
    return (
        passes.select("season", "passer_id", "complete", expected=pl.Series(expected))
        .with_columns(expected=pl.col("expected") + gained)
        .group_by("season", "passer_id", maintain_order=True)
        .agg(
            targeted=pl.len().cast(pl.Int32),
            completion_percent=100 * pl.col("complete").mean(),
            expected_percent=100 * pl.col("expected").mean(),
        )
        .with_columns(cpoe=pl.col("completion_percent") - pl.col("expected_percent"))
        .sort("season", "passer_id")
    )


def _fold_of_pass(passes: pl.DataFrame, folds: Sequence[Sequence[int]]) -> np.ndarray:
    """Number of the fold of each pass."""
    if passes.is_empty():
        raise ScoringError("passes: expected at least one, got an empty set")
    listed = [season for seasons in folds for season in seasons]
    if twice := sorted({season for season in listed if listed.count(season) > 1}):
        raise ScoringError(f"folds: expected each season once, got {twice} more often")
    seasons = passes["season"].to_numpy()
    if without := sorted(set(seasons.tolist()) - set(listed)):
        raise ScoringError(f"folds: expected every season of the passes, got none with {without}")
    fold = np.empty(len(seasons), np.int64)
    for number, part in enumerate(folds):
        fold[np.isin(seasons, part)] = number
    if (fold == fold[0]).all():
        raise ScoringError("folds: expected passes in at least two, got all of them in one")
    return fold
