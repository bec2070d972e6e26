"""Rounds of a sweep: ask for settings of one structure, train them together, tell the study."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
import optuna
from jaxtyping import Float
from numpy.typing import NDArray
from optuna.trial import Trial

from sbp_jax.sweeps.heartbeat import beating
from sbp_jax.sweeps.reclaim import reclaim, settle
from sbp_jax.sweeps.space import SearchSpace, member_of, with_settings
from sbp_jax.sweeps.study import (
    ask_round,
    count_ended,
    report_epoch,
    tell_finished,
)
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.population import MemberFit, OnEpoch

T = TypeVar("T")

Train = Callable[[T, Sequence[Hyperparameters], OnEpoch], list[MemberFit]]
"""(config that gives the structure, members, on_epoch) to what became of the members."""


def search(
    study: optuna.Study,
    space: SearchSpace,
    config: T,
    train: Train[T],
    *,
    trials: int,
    population: int,
) -> None:
    """Go on until so many trials are complete or pruned, by all processes together.

    Several processes may end with a few more, by what the others were at. Trials whose process
    died are run again, and none is left running at the end.

    Args:
        study: from `open_study`.
        space: what is varied.
        config: of the experiment: what is not varied, with the parts ``network`` and ``train``.
        train: trains settings of one structure together.
        trials: complete or pruned ones to reach.
        population: trials of a round, at most.
    """
    while (missing := trials - count_ended(study)) > 0:
        if left := reclaim(study):
            print(f"{left} trials of a process that is no more are run again", flush=True)
        groups = ask_round(study, space, min(population, missing))
        with beating(study, list(chain.from_iterable(groups))):
            for group in groups:
                train_group(study, group, space, config, train)
    settle(study)


def train_group(
    study: optuna.Study, group: Sequence[Trial], space: SearchSpace, config: T, train: Train[T]
) -> None:
    """Train trials of one structure together, and tell the study what became of each."""
    configs = [with_settings(config, space.settings(trial.params)) for trial in group]
    members = [member_of(each) for each in configs]
    epochs = configs[0].train.epochs  # type: ignore[attr-defined]
    structure = ", ".join(f"{name} {group[0].params[name]}" for name in space.structural)
    print(f"{len(group)} trials from {group[0].number}: {structure}", flush=True)

    def on_epoch(epoch: int, scores: Float[NDArray, " K"]) -> list[bool]:
        return report_epoch(study, group, epoch, scores.tolist(), last=epoch + 1 == epochs)

    fits = train(configs[0], members, on_epoch)
    for trial, fit in zip(group, fits, strict=True):
        if fit.ending == "finished":
            scores = [metrics[VALIDATION_SCORE] for metrics in fit.history]
            best = int(np.argmin(scores))
            tell_finished(study, trial, scores[best], best, len(scores))
