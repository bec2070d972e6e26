"""One process at a time, for folders that several may write into."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = True, name: str = LOCK) -> Iterator[None]:
    """Keep other processes out of a folder, once none is in it.

    The system lets go of the lock when its process dies, however it dies.

    Args:
        folder: made if it is not there.
        wait: for the process that is in it.
        name: of the file that is locked; one of its own for what may go on beside the folder's.

    Raises:
        BlockingIOError: another process is in it, and ``wait`` is false; see `holder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Opened without truncating: until the lock is ours, the file is about another process.
    with (folder / name).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(folder: Path) -> str:
    """The number of the process that last entered the folder; empty where none ever did."""
    try:
        return (folder / LOCK).read_text()
    except FileNotFoundError:
        return ""
