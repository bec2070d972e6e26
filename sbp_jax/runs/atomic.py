"""Files and folders that are there whole or not at all.

They are written beside their place and renamed into it, so that neither a reader nor a restart
meets half of one, whatever instant the writer was killed at.
"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

UNFINISHED = ".unfinished-"
"""How names of unfinished folders begin."""

ABANDONED_SECONDS = 3600.0
"""Older unfinished folders are of a process that was killed."""


def partial_file(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(f".{path.name}.partial")


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let a function write a file, which is there whole or not at all.

    Args:
        path: of the file; one that is there is replaced.
        write: called with the open file.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a.txt"), lambda file: file.write(b"all"))
    ...     Path(folder, "a.txt").read_text()
    'all'
    """
    partial = partial_file(path)
    try:
        with partial.open("wb") as file:
            write(file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain types as indented JSON, whole or not at all."""
    write_text(path, json.dumps(values, indent=2) + "\n")


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Write a folder that is there whole or not at all: inside, it is an unfinished one beside.

    Args:
        folder: new or empty; those on the way to it are made.

    Raises:
        OSError: it cannot be written, or holds something.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home:
    ...     with whole_folder(Path(home, "a")) as unfinished:
    ...         _ = (unfinished / "table").write_text("all")
    ...     [path.name for path in Path(home).rglob("*")]
    ['a', 'table']
    """
    with unfinished_folder(folder.parent) as unfinished:
        yield unfinished
        unfinished.rename(folder)


@contextlib.contextmanager
def unfinished_folder(beside: Path) -> Iterator[Path]:
    """A hidden folder to write into, on the file system of what it is for; gone at the end.

    What killed processes left there is removed once it is `ABANDONED_SECONDS` old: one at work
    makes a file more often.

    Args:
        beside: folder that it is made in; made if absent.
    """
    beside.mkdir(parents=True, exist_ok=True)
    for other in beside.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(other)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=beside))
    try:
        unfinished.chmod(0o755)  # mkdtemp's is for nobody else to read
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
