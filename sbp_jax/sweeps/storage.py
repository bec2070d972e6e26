"""Where a study is kept, opened by any number of processes at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import optuna
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from sbp_jax.errors import SweepError
from sbp_jax.runs.file_lock import locked

_JOURNAL: Final = "journal:"
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.2


@contextmanager
def opened_storage(storage: str) -> Iterator[optuna.storages.BaseStorage]:
    """Open a storage, or start it; what is inside goes on while no other process does so.

    So whoever comes first makes the tables and the study, and the others find them. The files are
    those of one database of SQLite; elsewhere processes are not kept apart, and one that finds
    another making its tables tries again.

    Args:
        storage: as of `open_study`.

    Raises:
        SweepError: it cannot be opened.
    """
    try:
        with _alone(storage):
            yield _open(storage)
    except (SQLAlchemyError, ImportError, OSError, optuna.exceptions.OptunaError) as error:
        first_line = str(error).partition("\n")[0]
        raise SweepError(f"{storage}: cannot be opened: {first_line}") from error


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
    # Processes that write at once wait for each other; by default SQLite gives up after 5 s.
    options = {"connect_args": {"timeout": 60}} if storage.startswith("sqlite") else {}
    for _ in range(_TRIES - 1):
        try:
            return optuna.storages.RDBStorage(storage, engine_kwargs=options)
        except SQLAlchemyError as error:
            # Optuna asks whether tables and versions are there and then makes them.
            if not (isinstance(error, IntegrityError) or "already exists" in str(error)):
                raise
            time.sleep(_PAUSE_SECONDS)
    return optuna.storages.RDBStorage(storage, engine_kwargs=options)
