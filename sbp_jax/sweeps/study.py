"""The study of a sweep: which settings come next, shared by all processes that join it.

Everything is in the study's storage; a process that is killed loses its round and nothing else.
"""

import contextlib
import json
import math
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from sbp_jax.errors import MissingExtraError, SweepError
from sbp_jax.runs.ranges import Count, Seed, Whole, refuse_unless
from sbp_jax.runs.run_folder import describe_differences
from sbp_jax.sweeps.owner import OWNER, this_process
from sbp_jax.sweeps.space import Integers, LogUniform, SearchSpace, Uniform

try:
    import optuna
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import Trial, TrialState

    from sbp_jax.sweeps.heartbeat import beat
    from sbp_jax.sweeps.storage import opened_storage, shown
except ImportError as error:
    raise MissingExtraError(
        'sweeps need optuna, which is not installed: pip install "sbp-jax[sweep]"'
    ) from error

PrunerName = Literal["median", "hyperband", "none"]

DIVERGED: Final = "diverged"  # user attribute of a trial whose loss was not finite or exploded
EPOCHS: Final = "epochs"  # user attribute of a trial: how many it was trained for
_ABOUT: Final = "about"


def open_study(
    storage: str,
    name: str,
    *,
    pruner: PrunerName,
    epochs: int,
    startup_trials: int,
    seed: int | None,
    about: Mapping[str, Any],
) -> optuna.Study:
    """Open a study, or start it; its values are to be minimised.

    Any number of processes may do so at once.

    Args:
        storage: an URL of a database, ``sqlite:///study.db`` for one, or ``journal:FILE`` for a
            file on a disk that all machines see.
        name: of the study within its storage.
        pruner: which trials are stopped early: those worse than the "median" of the finished
            ones at the same epoch, those that "hyperband" halves away, or none.
        epochs: of a trial that is not stopped, >= 1.
        startup_trials: drawn at random, before any are drawn where good ones were; >= 0.
        seed: of what is drawn, in [0, 2**31); None draws anew in every process, as several of them
            must.
        about: plain values that decide the trials' numbers; all processes' must be equal.

    Raises:
        SweepError: a setting out of its range; the storage cannot be opened, or holds a study of
            something else.
    """
    refuse_unless(PrunerName, SweepError, pruner=pruner)
    refuse_unless(Count, SweepError, epochs=epochs)
    refuse_unless(Whole, SweepError, startup_trials=startup_trials)
    refuse_unless(Seed | None, SweepError, seed=seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    about = json.loads(json.dumps(about))  # as it comes back: lists in place of tuples
    quiet = warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning)
    with quiet, opened_storage(storage) as opened:
        study = optuna.create_study(
            storage=opened,
            study_name=name,
            load_if_exists=True,
            direction="minimize",
            # Those that run count as bad, so that a round does not ask the same 16 times.
            sampler=optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=startup_trials, constant_liar=True
            ),
            pruner=_make_pruner(pruner, epochs),
        )
        if _ABOUT not in study.user_attrs:
            study.set_user_attr(_ABOUT, about)
        # Read back: another process may have said so meanwhile.
        if differing := describe_differences(about, study.user_attrs[_ABOUT]):
            raise SweepError(
                f"{shown(storage)}: study {name!r} is of another sweep: {differing}; choose "
                "another study or storage"
            )
    return study


def _make_pruner(name: PrunerName, epochs: int) -> optuna.pruners.BasePruner:
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs)
    return optuna.pruners.MedianPruner() if name == "median" else optuna.pruners.NopPruner()


def ask_round(study: optuna.Study, space: SearchSpace, size: int) -> list[list[Trial]]:
    """Take trials to run, grouped by structure.

    The first asks freely and the others for its structure, unless trials are queued: those come
    first, of whatever structure, and so may trials that another process queued at the same time.

    Args:
        study: to ask.
        space: what is varied.
        size: how many.

    Returns:
        Groups of trials with equal structural settings.
    """
    trials = [_ask(study, space)]
    structure = {name: trials[0].params[name] for name in space.structural}
    while len(trials) < size:
        if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(structure)
        trials.append(_ask(study, space))
    groups: dict[tuple[str, ...], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[tuple(trial.params[name] for name in space.structural)].append(trial)
    return list(groups.values())


def _ask(study: optuna.Study, space: SearchSpace) -> Trial:
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        trial = study.ask()  # it does not know that signs of life are given here
    beat(study, [trial])
    trial.set_user_attr(OWNER, this_process())
    for name, choice in space.structural.items():
        trial.suggest_categorical(name, choice.labels)
    for name, values in space.numeric.items():
        _suggest(trial, name, values)
    return trial


def _suggest(trial: Trial, name: str, values: Uniform) -> None:
    if isinstance(values, Integers):
        trial.suggest_int(name, values.low, values.high)
    else:
        trial.suggest_float(name, values.low, values.high, log=isinstance(values, LogUniform))


def report_epoch(
    study: optuna.Study, trials: Sequence[Trial], epoch: int, scores: Sequence[float], *, last: bool
) -> list[bool]:
    """Report an epoch of trials that are trained together; end those that the pruner is done with.

    One that another process took for a dead one's, and has queued again, is left to it.

    Args:
        study: of the trials.
        trials: K of them.
        epoch: from 0.
        scores: of the trials: inf for one that failed, NaN for one that was stopped earlier.
        last: no trial is pruned after its last epoch.

    Returns:
        Which to stop.
    """
    running = [EPOCHS not in trial.user_attrs for trial in trials]
    taken = set()
    for trial, score, runs in zip(trials, scores, running, strict=True):
        if runs and math.isfinite(score):  # all first: a pruner compares them with each other
            try:
                trial.report(score, epoch)
            except UpdateFinishedTrialError:
                taken.add(trial.number)
    stop = []
    for trial, score, runs in zip(trials, scores, running, strict=True):
        failed = not math.isfinite(score)
        done = failed or trial.number in taken
        stop.append(runs and (done or (not last and trial.should_prune())))
        if stop[-1]:
            with contextlib.suppress(UpdateFinishedTrialError):
                trial.set_user_attr(EPOCHS, epoch + 1)
                trial.set_user_attr(DIVERGED, failed)
                # Not FAIL, of which the sampler would learn nothing.
                study.tell(trial, state=TrialState.PRUNED)
    return stop


def tell_finished(
    study: optuna.Study, trial: Trial, best_score: float, best_epoch: int, epochs: int
) -> None:
    """End a trial that was trained to its last epoch; its value is that of its best epoch."""
    with contextlib.suppress(UpdateFinishedTrialError):  # taken for a dead one's: left to another
        trial.set_user_attr(EPOCHS, epochs)
        trial.set_user_attr("best_epoch", best_epoch)
        study.tell(trial, best_score)


def count_ended(study: optuna.Study) -> int:
    """Trials that are complete or pruned."""
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=ended))
