"""Signs of life: how a database knows that the process of a trial is dead, on whatever host.

Only servers need them: where files are shared, all processes are told by `sbp_jax.sweeps.owner`.
"""

import contextlib
import threading
from collections.abc import Iterator, Sequence

import optuna
from optuna.storages._heartbeat import BaseHeartbeat  # no public name tells which storages beat
from optuna.trial import Trial
from sqlalchemy.exc import SQLAlchemyError


def beat_seconds(study: optuna.Study) -> int | None:
    """How often to give a sign of life; None where the storage keeps none.

    Optuna takes a process that has given none for twice as long for a dead one.
    """
    storage = study._storage
    return storage.get_heartbeat_interval() if isinstance(storage, BaseHeartbeat) else None


def beat(study: optuna.Study, trials: Sequence[Trial]) -> None:
    """Give a sign of life for trials, where their storage keeps such signs."""
    storage = study._storage
    if isinstance(storage, BaseHeartbeat) and beat_seconds(study) is not None:
        for trial in trials:
            storage.record_heartbeat(trial._trial_id)


@contextlib.contextmanager
def beating(study: optuna.Study, trials: Sequence[Trial]) -> Iterator[None]:
    """Give signs of life for trials while they are trained, from a thread of their own."""
    interval = beat_seconds(study)
    if interval is None:
        yield
        return
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(interval):
            # A server that is away for a moment is told the next time.
            with contextlib.suppress(SQLAlchemyError):
                beat(study, trials)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
