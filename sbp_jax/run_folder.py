"""The folder that one run lives in, and the config that guards it.

``config.json`` is written before anything else and decides whether a folder may be continued: a
run of another config would silently mix two experiments. All files are written beside their
place and renamed into it, so a reader or a restart never meets half a file.

Layout: config.json, checkpoints/, metrics.jsonl, evaluation.json, scores.csv, weights.npz,
figures/*.png, report.md.
"""

import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sbp_jax.errors import RunFolderError

CONFIG = "config.json"
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
        if differing := list(_differences(wanted, found)):
            more = f" (and {len(differing) - 3} more)" if len(differing) > 3 else ""
            raise RunFolderError(
                f"{folder} holds a run of another config: {'; '.join(differing[:3])}{more}; "
                "choose another folder or remove this one"
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise RunFolderError(f"{folder}: expected a run or an empty folder, got files without one")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, {**wanted, VERSIONS: versions()})


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


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain types as indented JSON."""
    write_text(path, json.dumps(values, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a run's numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


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
