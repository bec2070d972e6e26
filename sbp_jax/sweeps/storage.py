"""Where a study is kept, opened by any number of processes at once."""

import copy
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from sbp_jax.errors import MissingExtraError, SweepError
from sbp_jax.runs.file_lock import locked

_JOURNAL: Final = "journal:"
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.2
_BEAT_SECONDS: Final = 30  # between signs of life that are given to a server

with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
    _RETRY: Final = RetryHeartbeatStaleTrialCallback(max_retry=3)


@contextmanager
def opened_storage(storage: str) -> Iterator[optuna.storages.BaseStorage]:
    """Open a storage, or start it; what is inside goes on while no other process does so.

    So whoever comes first makes the tables and the study, and the others find them. The files are
    those of one database of SQLite; elsewhere processes are not kept apart, and one that finds
    another making its tables tries again.

    Args:
        storage: as of `open_study`.

    Raises:
        MissingExtraError: the driver of a PostgreSQL is not installed.
        SweepError: it cannot be opened.
    """
    try:
        with _alone(storage):
            yield _open(storage)
    except (SQLAlchemyError, ImportError, OSError, optuna.exceptions.OptunaError) as error:
        if isinstance(error, ImportError) and storage.startswith("postgresql"):
            raise MissingExtraError(
                f"{shown(storage)}: expected the driver of its database, got none: pip install "
                '"sbp-jax[postgres]" for postgresql+psycopg://...'
            ) from error
        first_line = str(error).partition("\n")[0]
        raise SweepError(f"{shown(storage)}: cannot be opened: {first_line}") from error


def shown(storage: str) -> str:
    """A storage as it may be printed: without a password.

    >>> shown("postgresql+psycopg://me:secret@host/sweeps")
    'postgresql+psycopg://me:***@host/sweeps'
    """
    try:
        return make_url(storage).render_as_string(hide_password=True)
    except ArgumentError:  # a journal, or nonsense
        return storage


def run_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue the settings of a trial whose process died, unless four of them have."""
    again = copy.deepcopy(trial)
    again.user_attrs = {}  # they say whose it was
    _RETRY(study, again)


@contextmanager
def _alone(storage: str) -> Iterator[None]:
    path = _sqlite_file(storage)
    with nullcontext() if path is None else locked(path.parent, name=f".{path.name}.lock"):
        yield


def _sqlite_file(storage: str) -> Path | None:
    """Of a database that is a file in a folder that is there; None of all others."""
    if storage.startswith(_JOURNAL):
        return None  # it has a lock of its own, which network disks know too
    url = make_url(storage)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    path = Path(str(url.database).removeprefix("file:").partition("?")[0])
    return path if path.parent.is_dir() else None


def _open(storage: str) -> optuna.storages.BaseStorage:
    if storage.startswith(_JOURNAL):
        backend = JournalFileBackend(storage.removeprefix(_JOURNAL))
        return optuna.storages.JournalStorage(backend)
    options = _options(storage)
    for _ in range(_TRIES - 1):
        try:
            return optuna.storages.RDBStorage(storage, **options)
        except SQLAlchemyError as error:
            # Optuna asks whether tables and versions are there and then makes them.
            if not (isinstance(error, IntegrityError) or "already exists" in str(error)):
                raise
            time.sleep(_PAUSE_SECONDS)
    return optuna.storages.RDBStorage(storage, **options)


def _options(storage: str) -> dict[str, Any]:
    if storage.startswith("sqlite"):
        # Processes that write at once wait for each other; by default SQLite gives up after 5 s.
        return {"engine_kwargs": {"connect_args": {"timeout": 60}}}
    return {
        "engine_kwargs": {"pool_pre_ping": True},  # a server may have been restarted meanwhile
        "heartbeat_interval": _BEAT_SECONDS,
        "heartbeat_stale_trial_callback": run_again,
    }
