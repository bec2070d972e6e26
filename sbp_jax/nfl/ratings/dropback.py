r"""From the scores of throws to those of dropbacks: sacks, and the choice of the throw.

What a throw is, and that there was one, is the passer's doing too. With S the situation before the
snap, v the outcome, e(S) its mean given a throw and k(S) given a sack, and q(S) the probability of
a sack, the outcome of a dropback over its expectation is the sum of three parts:

    sack     k(S) is far below e(S), so that getting the throw off is worth something:
             v - d(S) on a sack, e(S) - d(S) = q (e - k) on a throw, d = q k + (1 - q) e
    choice   E[v | throw, S] - e(S): what the throw promised over what throws from here promise
    throw    what came of it over what it promised; in its place stands the throw score, whose
             mean is 0 as well (`sbp_jax.nfl.ratings.play_score`)

Each has mean 0 given all that was known before it, so that no situation favours anybody, and each
is taken less its season's mean. Their sum is the play's standard score. q is a logistic
regression, e and k are linear, all on the situation's features (`nfl.points.situation`), and
fitted without the seasons that they are applied to.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.points.logit import fit_logit
from sbp_jax.nfl.ratings.leverage import leverage
from sbp_jax.nfl.ratings.passer_seasons import SPELLING
from sbp_jax.nfl.ratings.play_score import season_centred

PARTS: Final = ("sack_part", "choice_part", "throw_score")
"""Columns whose sum is the standard score."""

Rows = Bool[np.ndarray, " N"]


class Dropbacks(NamedTuple):
    """Plays of one kind, throws or sacks, as one fold's model sees them.

    Attributes:
        features: (B, F) of the situations before the snap.
        outcome: (B,) in the unit of the score.
        train: (B,) True for plays of the seasons that the fold may learn from.
        test: (B,) True for those that it scores.
    """

    features: Float[np.ndarray, "B F"]
    outcome: Float[np.ndarray, " B"]
    train: Rows
    test: Rows


class Expectation(NamedTuple):
    """What was to be expected before the snap.

    Attributes:
        dropback: (B,) d(S).
        throw: (B,) e(S).
    """

    dropback: Float[np.ndarray, " B"]
    throw: Float[np.ndarray, " B"]


def expect_dropbacks(throws: Dropbacks, sacks: Dropbacks) -> tuple[Expectation, Expectation]:
    """Expectations of the test throws and of the test sacks, from the training plays.

    Raises:
        ScoringError: no throw or no sack to learn from.
    """
    for name, plays in (("throws", throws), ("sacks", sacks)):
        if not plays.train.any():
            raise ScoringError(f"{name}: expected some in the seasons to learn from, got none")
    learnt = [plays.features[plays.train] for plays in (throws, sacks)]
    e = _fit_linear(learnt[0], throws.outcome[throws.train])
    k = _fit_linear(learnt[1], sacks.outcome[sacks.train])
    is_sack = np.repeat([0, 1], [len(rows) for rows in learnt])
    q = fit_logit(np.concatenate(learnt), is_sack, 2)

    def expect(features: Float[np.ndarray, "b F"]) -> Expectation:
        sacked = q.probabilities(features)[:, 1].astype(np.float64)
        throw = e.of(features)
        return Expectation(sacked * k.of(features) + (1 - sacked) * throw, throw)

    return expect(throws.features[throws.test]), expect(sacks.features[sacks.test])


class _Linear(NamedTuple):
    mean: Float[np.ndarray, " F"]
    slopes: Float[np.ndarray, " F"]
    level: float

    def of(self, features: Float[np.ndarray, "b F"]) -> Float[np.ndarray, " b"]:
        return (features - self.mean) @ self.slopes + self.level


def _fit_linear(features: Float[np.ndarray, "b F"], y: Float[np.ndarray, " b"]) -> _Linear:
    """Least squares; where features depend on each other the shortest slopes."""
    mean = features.mean(axis=0, dtype=np.float64)
    slopes, *_ = np.linalg.lstsq(features - mean, y - y.mean(), rcond=1e-3)
    return _Linear(mean, slopes, float(y.mean()))


def with_dropbacks(
    plays: pl.DataFrame,
    sacks: pl.DataFrame,
    *,
    throw_expected: Expectation,
    sack_expected: Expectation,
    sack_outcome: Float[np.ndarray, " K"],
) -> pl.DataFrame:
    """Scored passes with sacks below them, and the three parts of every play.

    Args:
        plays: (B rows) scored passes.
        sacks: (K rows) of the snaps table.
        throw_expected: (B,) for the passes.
        sack_expected: (K,) for the sacks.
        sack_outcome: (K,) of the sacks.

    Returns:
        The passes, then the sacks, with `PARTS` and the standard score as their sum. A sack has
        nothing of a throw, no play score either, but the passer's name, if he threw at all; its
        columns choice_part and throw_score are 0.
    """
    names = plays.group_by("passer_id", maintain_order=True).agg(SPELLING)
    known = sacks.select([x for x in sacks.columns if x in plays.columns])
    promise = plays["expected"].to_numpy() - throw_expected.throw
    thrown = plays.with_columns(
        sack_part=pl.Series(throw_expected.throw - throw_expected.dropback),
        choice_part=pl.Series(season_centred(promise, plays["season"].to_numpy())),
    )
    sacked = known.join(names, on="passer_id", how="left", maintain_order="left").with_columns(
        outcome=pl.Series(sack_outcome),
        expected=pl.Series(sack_expected.dropback),
        sack=pl.lit(value=True),
        leverage=pl.Series(leverage(sacks)),
        sack_part=pl.Series(sack_outcome - sack_expected.dropback),
        choice_part=pl.lit(0.0),
        throw_score=pl.lit(0.0),
    )
    both = pl.concat([thrown, sacked], how="diagonal_relaxed")
    centred = season_centred(both["sack_part"].to_numpy(), both["season"].to_numpy())
    return both.with_columns(sack_part=pl.Series(centred)).with_columns(
        standard_score=sum(map(pl.col, PARTS[1:]), pl.col(PARTS[0]))
    )
