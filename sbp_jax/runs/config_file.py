"""Settings of an experiment in a JSON file, nested as its dataclass.

A file holds what shall differ from the defaults, ``{"train": {"learning_rate": 0.003}}``, or
everything. What it leaves out stays as it was.
"""

import contextlib
import io
import json
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import tyro

from sbp_jax.errors import ConfigFileError, SbpJaxError
from sbp_jax.runs.atomic import write_text

T = TypeVar("T")


def load_config(path: Path, default: T) -> T:
    """Read a file onto settings.

    Args:
        path: of a JSON object.
        default: a dataclass, which may hold others; lists of the file become tuples.

    Raises:
        ConfigFileError: no such file, no JSON object, or an entry that is unknown, of the wrong
            type or refused by the dataclass it belongs to.

    >>> from dataclasses import dataclass
    >>> from tempfile import TemporaryDirectory
    >>> @dataclass(frozen=True)
    ... class Settings:
    ...     epochs: int = 6
    ...     widths: tuple[int, ...] = (128, 128)
    >>> with TemporaryDirectory() as folder:
    ...     save_config(Path(folder, "wide.json"), {"widths": [256]})
    ...     load_config(Path(folder, "wide.json"), Settings())
    Settings(epochs=6, widths=(256,))
    """
    try:
        return overlaid(default, json.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigFileError(f"{path}: expected a JSON file, got {error}") from error
    except ValueError as refused:
        raise ConfigFileError(f"{path}: {refused}") from refused


def save_config(path: Path, config: Any) -> None:
    """Write settings so that `load_config` reads them, whole or not at all.

    Args:
        path: where to; the folder must exist.
        config: a dataclass, or nested dicts of the entries that matter.
    """
    entries = asdict(config) if is_dataclass(config) else config  # type: ignore[arg-type]
    write_text(path, json.dumps(entries, indent=2, default=str) + "\n")


def overlaid(default: T, entries: Any, where: str = "") -> T:
    """The dataclass with the entries of a JSON object in place of its own values.

    Args:
        default: a dataclass, which may hold others.
        entries: nested as it is.
        where: what stands before the names in messages.

    Raises:
        ValueError: an entry is unknown, of the wrong type or refused by the dataclass.
    """
    named = where.removesuffix(".")
    if not isinstance(entries, dict):
        at = f"{named}: " if named else ""
        raise ValueError(f"{at}expected a JSON object, got {entries!r}")  # noqa: TRY004  # a file's
    hints, changes = get_type_hints(type(default)), {}
    for name, value in entries.items():
        entry = f"{where}{name}"
        if name not in hints:
            raise ValueError(f"{entry}: unknown entry, expected one of {', '.join(hints)}")
        if is_dataclass(current := getattr(default, name)):
            changes[name] = overlaid(current, value, f"{entry}.")
        else:
            changes[name] = _converted(value, hints[name], entry)
    try:
        return replace(default, **changes)  # type: ignore[type-var]
    except (ValueError, SbpJaxError) as error:
        raise ValueError(f"{named or 'settings'}: {error}") from error


def _converted(value: Any, hint: Any, entry: str) -> Any:
    """What tyro makes of a value's words, which must say just what the file says."""
    words = [str(word) for word in (value if isinstance(value, list) else [value])]
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        found = tyro.cli(hint, args=words, console_outputs=False)
        if json.loads(json.dumps(found, default=str)) == value:
            return found
    expected = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
    raise ValueError(f"{entry}: expected {expected}, got {value!r}")
