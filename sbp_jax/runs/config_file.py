"""Settings of an experiment in a JSON file, nested as its dataclass.

A file holds what shall differ from the defaults, ``{"train": {"learning_rate": 0.003}}``, or
everything. It is read onto an instance, so that whatever it leaves out stays as it was.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sbp_jax.errors import ConfigFileError
from sbp_jax.runs.run_folder import write_json

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
        entries = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigFileError(f"{path}: expected a JSON file, got {error}") from error
    if not isinstance(entries, dict):
        raise ConfigFileError(f"{path}: expected a JSON object, got {type(entries).__name__}")
    try:
        return _overlaid(default, entries, "")
    except _RefusedError as refused:
        raise ConfigFileError(f"{path}: {refused}") from refused


def save_config(path: Path, config: Any) -> None:
    """Write settings so that `load_config` reads them, whole or not at all.

    Args:
        path: where to; the folder must exist.
        config: a dataclass, or nested dicts of the entries that matter.
    """
    write_json(path, _plain(asdict(config) if is_dataclass(config) else config))  # type: ignore[arg-type]


class _RefusedError(Exception):
    """An entry that cannot be used; the message names it."""


def _overlaid(default: T, entries: Mapping[str, Any], where: str) -> T:
    """The dataclass with the entries in place of its own values."""
    hints = get_type_hints(type(default))
    changes = {}
    for name, value in entries.items():
        entry = f"{where}{name}"
        if name not in hints:
            known = ", ".join(hints)
            raise _RefusedError(f"{entry}: unknown entry, expected one of {known}")
        current = getattr(default, name)
        if not is_dataclass(current):
            changes[name] = _converted(value, hints[name], entry)
        elif isinstance(value, dict):
            changes[name] = _overlaid(current, value, f"{entry}.")
        else:
            raise _RefusedError(f"{entry}: expected a JSON object, got {value!r}")
    try:
        return replace(default, **changes)  # type: ignore[type-var]
    except ValueError as error:
        raise _RefusedError(f"{where.removesuffix('.') or 'settings'}: {error}") from error


def _converted(value: Any, hint: Any, entry: str) -> Any:
    """A JSON value as the annotated type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _first_that_fits(value, hint, entry)
    if origin is tuple and isinstance(value, list):
        if arguments[-1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(arguments) == len(value):
            pairs = enumerate(zip(value, arguments, strict=True))
            return tuple(_converted(item, kind, f"{entry}[{i}]") for i, (item, kind) in pairs)
    elif origin is Literal:
        if any(value == known and type(value) is type(known) for known in arguments):
            return value
    elif hint is float and type(value) in (int, float):
        return float(value)
    elif hint is Path and isinstance(value, str):
        return Path(value)
    elif hint in (int, bool, str, NoneType) and type(value) is hint:
        return value
    raise _RefusedError(f"{entry}: expected {_described(hint)}, got {value!r}")


def _first_that_fits(value: Any, hint: Any, entry: str) -> Any:
    for kind in get_args(hint):
        try:
            return _converted(value, kind, entry)
        except _RefusedError:
            continue
    raise _RefusedError(f"{entry}: expected {_described(hint)}, got {value!r}")


def _described(hint: Any) -> str:
    """An annotation in the words of JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_described, arguments))
    if origin is Literal:
        return "one of " + ", ".join(map(repr, arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"a list, each {_described(arguments[0])}"
    if origin is tuple:
        return "a list of " + ", ".join(map(_described, arguments))
    words = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a string",
        Path: "a path",
        NoneType: "null",
    }
    return words.get(hint, str(hint))


def _plain(value: Any) -> Any:
    """Plain JSON types: paths become strings, tuples lists."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
