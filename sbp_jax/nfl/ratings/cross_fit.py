"""Score every season by a model that never saw it: expected points, network and all."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from sbp_jax.batch import Batch
from sbp_jax.distributions import Law
from sbp_jax.evaluation.verdict import concatenate
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.plays import PlayTables
from sbp_jax.nfl.plays.examples import targeted_passes
from sbp_jax.nfl.points.expected_points import ExpectedPoints, fit_expected_points
from sbp_jax.nfl.points.pass_value import PassEnds
from sbp_jax.nfl.points.play_ends import Start, can_be_valued
from sbp_jax.nfl.points.sack_value import SackEnds
from sbp_jax.nfl.ratings.dropback import Dropbacks, Expectation, expect_dropbacks, with_dropbacks
from sbp_jax.nfl.ratings.fold_fit import (
    ASKED,
    FoldFit,
    HowToFit,
    as_batch,
    cell_forecasts,
    law_on,
    verdict_on,
)
from sbp_jax.nfl.ratings.folds import Fold
from sbp_jax.nfl.ratings.outcome import Measured, Outcome, measure, sack_yards
from sbp_jax.nfl.ratings.rate import rate
from sbp_jax.nfl.ratings.scored_plays import PLAY, SCORE_COLUMNS, scored_plays
from sbp_jax.runs.hosts import is_first
from sbp_jax.training.forecast_verdict import forecast_verdict
from sbp_jax.training.loop import fit
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head


@dataclass(frozen=True)
class CrossFit:
    """Scored plays, and the models that scored them.

    Attributes:
        plays: scored plays, in the order of the passes, with their fold.
        folds: a model for each fold.
        forecaster: of all of them.
        left_out: targeted passes and sacks that the feed says too little of to be valued.
        untargeted: attempts without a target, spikes among them, which are not scored.
    """

    plays: pl.DataFrame
    folds: list[FoldFit]
    forecaster: Forecaster
    left_out: int
    untargeted: int

    def cells(self, throws: pl.DataFrame, outcome: Outcome) -> Float[np.ndarray, "B cells"]:
        """Forecast probabilities of all cells of the bins, for a few of the scored throws.

        Raises:
            ScoringError: a throw is none of those that were scored.
        """
        cells = (outcome.lowest, outcome.highest)
        found = np.zeros((throws.height, cells[1] - cells[0] + 1), np.float32)
        for fold, at, batch in self._by_fold(throws):
            found[at] = cell_forecasts(self.forecaster, fold.fit.params, batch, cells)
        return found

    def law(self, throws: pl.DataFrame, outcome: Outcome) -> Law:
        """The law of each of a few of the scored throws, in the unit of the outcome.

        Each by the model that its season had no part in. A value on the outcome's grid stands for
        a cell of `outcome.step` about it.

        Raises:
            ScoringError: no throws, or one that is none of those that were scored.
        """
        if not throws.height:
            raise ScoringError("throws: expected at least one, got none")
        asked = list(self._by_fold(throws))
        laws = [law_on(self.forecaster, fold.fit.params, batch) for fold, _, batch in asked]
        params = jax.tree.map(
            lambda *leaves: np.concatenate(leaves), *(each.params for each in laws)
        )
        order = np.argsort(np.concatenate([at for _, at, _ in asked]))
        return Law(self.forecaster.family, params)[order].affine(0.0, outcome.step)

    def _by_fold(
        self, throws: pl.DataFrame
    ) -> Iterator[tuple[FoldFit, Int[np.ndarray, " n"], Batch]]:
        """The throws that each fold scored: which of those asked for, and as its network has them.

        Raises:
            ScoringError: a throw is none of those that were scored.
        """
        asked, others = throws.select(PLAY).with_row_index("at"), throws.height
        for fold in self.folds:
            numbered = fold.plays.with_row_index("row")
            own = asked.join(numbered, on=PLAY, maintain_order="left")
            if own.height:
                rows = own["row"].to_numpy()
                yield fold, own["at"].to_numpy(), Batch(*(leaf[rows] for leaf in fold.batch))
                others -= own.height
        if others:
            raise ScoringError(f"throws: expected some that were scored, got {others} others")

    def score(self, passes: pl.DataFrame, outcome: Outcome, fold: FoldFit) -> pl.DataFrame:
        """Any passes, scored by the model of one fold: throws alone, on a reference of their own.

        Raises:
            ScoringError: no passes.
            PointsError: a pass cannot be valued (`sbp_jax.nfl.points.play_ends.can_be_valued`).
        """
        values = None if fold.points is None else PassEnds(passes).value(fold.points)
        measured = measure(outcome, passes, values)
        found = verdict_on(self.forecaster, fold.fit.params, as_batch(measured))
        return scored_plays(
            passes,
            outcome=measured.exact,
            expected=np.asarray(found.mean) * outcome.step,
            pit_lower=np.asarray(found.pit_lower),
            pit_upper=np.asarray(found.pit_upper),
        )

    def seconds_to_score(self, throws: pl.DataFrame, outcome: Outcome) -> float:
        """Seconds from the passes of a season to rated passers, programs compiled before.

        Args:
            throws: scored ones, of whose last season it is.
            outcome: of the models.
        """
        last = self.folds[-1]
        season = throws.filter(pl.col("season") == throws["season"].max())
        passes = season.drop(SCORE_COLUMNS)
        self.score(passes, outcome, last)
        start = time.perf_counter()
        rate(self.score(passes, outcome, last))
        return time.perf_counter() - start


def cross_fit(
    tables: PlayTables,
    folds: Sequence[Fold],
    how: HowToFit,
    *,
    devices: Devices,
    folder: Path,
    operations: Operations | None = None,
) -> CrossFit:
    """Fit a model for each fold and score the seasons it never saw, playoffs included.

    Expected points, where the outcome needs them, are fitted anew for each fold, without its
    test seasons, and value its training plays too. A fold that was trained before is not trained
    again.

    Args:
        tables: plays of all seasons of the folds.
        folds: which seasons train, validate and test.
        how: the models.
        devices: to run on.
        folder: of the run; each fold trains in a folder in it.
        operations: how to run it.

    Raises:
        ScoringError: no pass is left.
        TrainingError: a loss stopped being finite.
    """
    thrown = targeted_passes(tables.passes)
    passes = thrown.filter(can_be_valued())
    if passes.is_empty():
        raise ScoringError("passes: expected some with down, distance and place, got none")
    sacks = tables.snaps.filter(pl.col("kind") == "sack")
    scored = {season for fold in folds for season in fold.test}
    if strangers := sorted(set(passes["season"]) - scored):
        raise ScoringError(f"folds: expected one that scores each season, got none for {strangers}")
    valued = sacks.filter(can_be_valued() & pl.col("passer_id").is_not_null())
    models: list[ExpectedPoints | None] = [None] * len(folds)
    if how.outcome.name == "points":
        models = [*fit_expected_points(tables.snaps, tables.games, without=[x.test for x in folds])]
    examples, outcomes = _examples(passes, valued, models, how.outcome)
    seasons = passes["season"].to_numpy()
    fits = []
    for number, fold in enumerate(folds):
        if is_first():
            print(f"fold {number + 1} of {len(folds)}: to score {_named(fold.test)}", flush=True)
        fits.append(
            _fit_fold(
                models[number],
                passes.select(PLAY),
                as_batch(examples[number]),
                {part: np.isin(seasons, getattr(fold, part)) for part in fold._fields},
                how,
                devices,
                folder / "folds" / str(number + 1),
                operations,
            )
        )
    plays = _score(passes, examples, fits, how.outcome)
    plays = _with_sacks(plays, valued, examples, outcomes, folds)
    left_out = thrown.height - passes.height + sacks.height - valued.height
    untargeted = tables.passes.height - thrown.height
    return CrossFit(plays, fits, how.forecaster(), left_out, untargeted)


def _examples(
    passes: pl.DataFrame,
    sacks: pl.DataFrame,
    models: list[ExpectedPoints | None],
    outcome: Outcome,
) -> tuple[list[Measured], list[Float[np.ndarray, " K"]]]:
    """All passes as each fold's model sees them, and the outcomes of all sacks."""
    if outcome.name != "points":
        measured, lost = measure(outcome, passes), sack_yards(outcome, sacks)
        return [measured] * len(models), [lost] * len(models)
    ends, sack_ends = PassEnds(passes), SackEnds(sacks)
    fitted = [model for model in models if model is not None]
    return (
        [measure(outcome, passes, ends.value(model)) for model in fitted],
        [sack_ends.value(model) for model in fitted],
    )


def _with_sacks(
    plays: pl.DataFrame,
    sacks: pl.DataFrame,
    examples: list[Measured],
    outcomes: list[Float[np.ndarray, " K"]],
    folds: Sequence[Fold],
) -> pl.DataFrame:
    """Scored passes and sacks, each expected by what was learnt from other seasons."""
    situations = [Start(frame).features for frame in (plays, sacks)]
    seasons = [frame["season"].to_numpy() for frame in (plays, sacks)]
    throw, sack = (
        Expectation(np.zeros(frame.height), np.zeros(frame.height)) for frame in (plays, sacks)
    )
    outcome = np.zeros(sacks.height)
    for fold, measured, lost in zip(folds, examples, outcomes, strict=True):
        test = [np.isin(x, fold.test) for x in seasons]
        kinds = (
            Dropbacks(features, values, ~rows, rows)
            for features, values, rows in zip(situations, (measured.exact, lost), test, strict=True)
        )
        for found, whole, rows in zip(expect_dropbacks(*kinds), (throw, sack), test, strict=True):
            for part, into in zip(found, whole, strict=True):
                into[rows] = part
        outcome[test[1]] = lost[test[1]]
    return with_dropbacks(
        plays, sacks, throw_expected=throw, sack_expected=sack, sack_outcome=outcome
    )


def _fit_fold(
    points: ExpectedPoints | None,
    plays: pl.DataFrame,
    examples: Batch,
    parts: dict[str, Bool[np.ndarray, " N"]],
    how: HowToFit,
    devices: Devices,
    folder: Path,
    operations: Operations | None,
) -> FoldFit:
    """Train on a fold's seasons and forecast those it leaves out."""
    batches = {name: Batch(*(leaf[rows] for leaf in examples)) for name, rows in parts.items()}
    placed = {
        name: place_examples(batch, how.train, devices, shuffle=name == "train")
        for name, batch in batches.items()
    }
    head = Head(how.forecaster(), "interval_nll", cell=1.0)
    found = fit(head, placed["train"], placed["valid"], folder=folder, operations=operations)
    verdict = forecast_verdict(
        head.forecaster, found.params, placed["test"], head.cell, fields=ASKED
    )
    test = parts["test"]
    return FoldFit(points, found, test, plays.filter(test), batches["test"], concatenate([verdict]))


def _score(
    passes: pl.DataFrame, examples: list[Measured], fits: list[FoldFit], outcome: Outcome
) -> pl.DataFrame:
    """Put the folds' forecasts together and score all plays on one reference."""
    columns = {
        name: np.zeros(passes.height)
        for name in ("outcome", "expected", "pit_lower", "pit_upper", "log_score", "fold")
    }
    for number, (measured, fold) in enumerate(zip(examples, fits, strict=True)):
        columns["outcome"][fold.rows] = measured.exact[fold.rows]
        columns["expected"][fold.rows] = fold.verdict.mean * outcome.step
        for name in ("pit_lower", "pit_upper", "log_score"):
            columns[name][fold.rows] = getattr(fold.verdict, name)
        columns["fold"][fold.rows] = number + 1
    plays = scored_plays(
        passes,
        **{name: columns[name] for name in ("outcome", "expected", "pit_lower", "pit_upper")},
    )
    return plays.with_columns(
        log_score=pl.Series(columns["log_score"]),
        fold=pl.Series(columns["fold"]).cast(pl.Int8),
    )


def _named(seasons: Sequence[int]) -> str:
    return ", ".join(map(str, seasons))
