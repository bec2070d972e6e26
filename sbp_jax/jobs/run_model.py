"""The networks of a finished run as a model, which forecasts plays that they never saw."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import jax
import numpy as np

from sbp_jax.arrays.inputs import Columns
from sbp_jax.arrays.model import Model
from sbp_jax.arrays.scaling import Scaling
from sbp_jax.errors import InputError, RunFolderError
from sbp_jax.jobs import compare_objectives, passing_score, tracking, wins
from sbp_jax.jobs.tracking_results import FINISHED as TRACKING_FINISHED
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.nfl.plays.history import HISTORY_FEATURES
from sbp_jax.nfl.plays.static import STATIC_FEATURES
from sbp_jax.nfl.ratings.fold_fit import HowToFit
from sbp_jax.nfl.ratings.outcome import outcome_named
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES
from sbp_jax.nfl.tracking.static import TRACKING_STATIC
from sbp_jax.runs.config_file import overlaid
from sbp_jax.runs.run_folder import read_config
from sbp_jax.training.restore import restore_fit


class Networks(NamedTuple):
    """What an experiment trained.

    Attributes:
        heads: by name, a forecaster and the folders, within the run's, that it was trained in.
        static: names of the static columns.
        sequence: names of a step's columns; empty if it is not read.
        step: width of a cell of the target, which networks count in.
    """

    heads: Mapping[str, tuple[Forecaster, Sequence[str]]]
    static: tuple[str, ...]
    sequence: tuple[str, ...]
    step: float = 1.0


class Trained(NamedTuple):
    """An experiment that keeps its networks.

    Attributes:
        default: its settings.
        finished: file that a run has once its networks are trained.
        networks: of some settings.
    """

    default: Any
    finished: str
    networks: Callable[[Any], Networks]


def load_run(folder: Path, head: str | None = None) -> Model:
    """The model of a run; arguments and errors are those of `sbp_jax.load`."""
    config = read_config(folder)
    name = config.get("experiment")
    if not isinstance(name, str) or name not in _TRAINED:
        raise RunFolderError(
            f"{folder}: expected a run of {', '.join(_TRAINED)}, which keep networks, got {name!r}"
        )
    experiment = _TRAINED[name]
    if not (folder / experiment.finished).exists():
        raise RunFolderError(
            f"{folder}: expected a finished run, got one without {experiment.finished}; start its "
            "experiment again to go on with it"
        )
    try:
        settings = overlaid(experiment.default, config.get("settings"))
    except ValueError as error:
        raise RunFolderError(f"{folder}: a run of other settings than ours: {error}") from error
    found = experiment.networks(settings)
    head = next(iter(found.heads)) if head is None else head
    if head not in found.heads:
        raise InputError(f"head: expected one of {', '.join(found.heads)}, got {head!r}")
    forecaster, places = found.heads[head]
    columns = {"static": len(found.static), "sequence": len(found.sequence) or 1}
    fits = [restore_fit(folder / place, forecaster, **columns) for place in places]
    return Model(
        forecaster=forecaster,
        params=jax.tree.map(lambda *x: np.stack(x), *(fit.params for fit in fits)),
        columns=Columns(found.static, found.sequence, named=True),
        scaling=_in_cells(found),
        cell=found.step,
        history=[fit.history for fit in fits],
    )


def _in_cells(networks: Networks) -> Scaling:
    """Plays come scaled; only the target may be counted in cells of another width than 1."""
    static, steps = len(networks.static), len(networks.sequence) or 1
    return Scaling(
        np.zeros(static), np.ones(static), np.zeros(steps), np.ones(steps), 0.0, networks.step
    )


def _of_passes(config: passing_score.PassingScore) -> Networks:
    heads = passing_score.make_heads(config)
    folders = passing_score.FOLDERS
    return Networks(
        {name: (head.forecaster, [folders[name]]) for name, head in heads.items()},
        tuple(STATIC_FEATURES),
        HISTORY_FEATURES,
    )


def _of_objectives(config: compare_objectives.CompareObjectives) -> Networks:
    heads = compare_objectives.make_heads(config)
    return Networks(
        {n: (head.forecaster, [compare_objectives.folder_of(n)]) for n, head in heads.items()},
        tuple(STATIC_FEATURES),
        HISTORY_FEATURES,
    )


def _of_tracking(config: tracking.Tracking) -> Networks:
    heads = tracking.make_heads(config)
    return Networks(
        {name: (head.forecaster, [tracking.FOLDERS[name]]) for name, head in heads.items()},
        tuple(TRACKING_STATIC),
        MODEL_FEATURES,
    )


def _of_wins(config: wins.Wins) -> Networks:
    outcome = outcome_named(config.outcome)
    how = HowToFit(outcome, config.network, config.train, config.tail_mass)
    folds = [f"folds/{number + 1}" for number in range(config.folds)]
    return Networks(
        {"mixture of the folds": (how.forecaster(), folds)}, outcome.static_names, (), outcome.step
    )


_TRAINED: Final[Mapping[str, Trained]] = {
    "passing_score": Trained(passing_score.PassingScore(), passing_score.FINISHED, _of_passes),
    "wins": Trained(wins.Wins(), wins.SCORED, _of_wins),
    "tracking": Trained(tracking.Tracking(), TRACKING_FINISHED, _of_tracking),
    "compare_objectives": Trained(
        compare_objectives.CompareObjectives(), "table.txt", _of_objectives
    ),
}
