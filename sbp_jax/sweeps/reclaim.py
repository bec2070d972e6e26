"""Trials whose process is no more: found, failed, and queued again."""

import contextlib
import time
import warnings
from datetime import datetime, timedelta
from typing import Final

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from sbp_jax.sweeps.heartbeat import beat_seconds
from sbp_jax.sweeps.owner import OWNER, is_dead
from sbp_jax.sweeps.storage import run_again

_PAUSE_SECONDS: Final = 1
_GRACE: Final = timedelta(minutes=1)
"""After which a trial without an owner is nobody's: its process was killed before it said so."""


def reclaim(study: optuna.Study) -> int:
    """Fail the trials that dead processes left, and queue their settings again.

    A process is dead if it was of this host and is there no more, or has given the storage no
    sign of life for a while. Any number of processes may do so at once.

    Returns:
        How many there were.
    """
    running = _running(study)
    for trial in running:
        if _is_left(trial):
            _fail(study, trial)
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        optuna.storages.fail_stale_trials(study)  # which storages without signs of life have not
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    return len({trial.number for trial in running} & {trial.number for trial in failed})


def _running(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def _fail(study: optuna.Study, trial: FrozenTrial) -> None:
    with contextlib.suppress(UpdateFinishedTrialError):  # another process did so, and queued it
        study._storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL)
        if trial.params:
            run_again(study, trial)


def settle(study: optuna.Study) -> None:
    """Reclaim what dead processes left in a study that is at its end.

    Those whose death only shows by their silence are waited for, so long as it takes; those that
    live are not, and do likewise at their own end.
    """
    interval = beat_seconds(study)
    patience = 0 if interval is None else 2 * interval + 1
    if patience and _running(study):
        print(f"waits up to {patience} s, for trials of processes that may be no more", flush=True)
    deadline = time.monotonic() + patience
    while reclaim(study) or (_running(study) and time.monotonic() < deadline):
        time.sleep(_PAUSE_SECONDS)


def _is_left(trial: FrozenTrial) -> bool:
    owner = trial.user_attrs.get(OWNER)
    if owner is not None:
        return is_dead(owner)
    begun = trial.datetime_start
    return begun is not None and datetime.now() - begun > _GRACE
