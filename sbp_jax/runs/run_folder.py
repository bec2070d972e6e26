"""The folder that one run lives in, and the config that guards it.

``config.json`` is written before anything else and decides whether a folder may be continued: a
run of another config would silently mix two experiments. All files are written beside their
place and renamed into it, so a reader or a restart never meets half a file.

Layout: config.json, checkpoints/, metrics.jsonl, evaluation.json, scores.csv, weights.npz,
figures/*.png, report.md; .lock names the process that works in it.
"""

import contextlib
import json
import platform
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from sbp_jax.errors import RunFolderError
from sbp_jax.runs.atomic import partial_file, write_json
from sbp_jax.runs.file_lock import LOCK, holder, locked

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
VERSIONS = "versions"  # recorded, but a run may be continued with other ones
_PACKAGES = ("sbp-jax", "jax", "flax", "optax", "orbax-checkpoint", "numpy", "polars")


def open_run(folder: Path, config: Mapping[str, Any]) -> None:
    """Start a run in a folder, or continue the run that is there.

    Args:
        folder: made if absent.
        config: everything that decides the run's numbers, as plain JSON types.

    Raises:
        RunFolderError: the folder holds a run of another config (the first differing entries
            are named), or files but no config.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as temporary:
    ...     open_run(Path(temporary) / "run", {"seed": 0})
    ...     open_run(Path(temporary) / "run", {"seed": 1})
    Traceback (most recent call last):
    sbp_jax.errors.RunFolderError: ...run holds a run of another config: seed: expected 1, got 0...
    """
    wanted = json.loads(json.dumps(config))
    if (folder / CONFIG).exists():
        found = read_config(folder)
        found.pop(VERSIONS, None)
        if differing := describe_differences(wanted, found):
            raise RunFolderError(
                f"{folder} holds a run of another config: {differing}; "
                "choose another folder or remove this one"
            )
        return
    _refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, {**wanted, VERSIONS: versions()})


@dataclass
class _Hold:
    """A run that this process holds: how often, and how to let go of it."""

    times: int
    release: contextlib.ExitStack


_held: dict[Path, _Hold] = {}
_holding = threading.Lock()


@contextlib.contextmanager
def hold_run(folder: Path) -> Iterator[None]:
    """Be the only process that works in a run, which need not be started yet.

    The same process may hold a run it already holds. The system frees a run whose process dies.
    Among processes under ``jax.distributed``, the first holds the run for all of them.

    Args:
        folder: of the run; made if absent.

    Raises:
        RunFolderError: another process holds the run, or the folder holds files but no run.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as temporary, hold_run(Path(temporary) / "run"):
    ...     open_run(Path(temporary) / "run", {"seed": 0})
    """
    if jax.process_index() != 0:
        yield
        return
    folder = folder.resolve()
    with _holding:
        if folder not in _held:
            if not (folder / CHECKPOINTS).exists():  # a run may be trained without a config
                _refuse_foreign(folder)
            _held[folder] = _Hold(0, _lock_at_once(folder))
        hold = _held[folder]
        hold.times += 1
    try:
        yield
    finally:
        with _holding:
            hold.times -= 1
            if not hold.times:
                del _held[folder]
                hold.release.close()


def _lock_at_once(folder: Path) -> contextlib.ExitStack:
    release = contextlib.ExitStack()
    try:
        release.enter_context(locked(folder, wait=False))
    except BlockingIOError:
        raise RunFolderError(
            f"{folder}: another process (pid {holder(folder)}) is working in this run; "
            "wait for it, stop it, or choose another folder"
        ) from None
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be locked for this process: {error}") from error
    return release


def _refuse_foreign(folder: Path) -> None:
    """Let a run be started only in an empty folder, but for what a start itself leaves there."""
    if not folder.exists() or (folder / CONFIG).exists():
        return
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: expected a folder, got a file")
    if any(
        path.name not in (LOCK, partial_file(folder / CONFIG).name) for path in folder.iterdir()
    ):
        raise RunFolderError(f"{folder}: expected a run or an empty folder, got files without one")


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a run.

    Raises:
        RunFolderError: there is none, or it cannot be read.
    """
    return read_json(folder / CONFIG)


def read_json(path: Path) -> dict[str, Any]:
    """One of a run's JSON files.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent}: expected a run folder, got no {path.name}") from None
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise RunFolderError(f"{path}: expected a JSON object, got {type(found).__name__}")
    return found


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a run's numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def describe_differences(wanted: Any, found: Any) -> str:
    """Name the first entries in which two configs differ; empty where none does.

    >>> describe_differences({"seed": 0, "net": {"layers": 5}}, {"seed": 0, "net": {"layers": 4}})
    'net.layers: expected 5, got 4'
    """
    differing = list(_differences(wanted, found))
    more = f" (and {len(differing) - 3} more)" if len(differing) > 3 else ""
    return "; ".join(differing[:3]) + more


def _differences(wanted: Any, found: Any, where: str = "") -> Iterator[str]:
    """Describe each entry in which two configs differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys()):
            inner = f"{where}.{key}" if where else key
            yield from _differences(wanted.get(key), found.get(key), inner)
    elif wanted != found:
        yield f"{where}: expected {_short(wanted)}, got {_short(found)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
