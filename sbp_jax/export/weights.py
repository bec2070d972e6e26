"""One file for a trained model: its arrays, and the description they belong to.

The file is an ordinary ``.npz``: ``numpy.load`` reads it without pickles and without this library.
An array is named "params/" and its path in the nested parameters, joined by "/". The description
is JSON under the name "config_json".
"""

import json
import os
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import ExportError

FORMAT = 1

Config = dict[str, Any]
Flat = dict[str, NDArray]


def save_weights(path: str | Path, params: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Write parameters and their description; the file appears whole or not at all.

    Args:
        path: the file; an existing one is replaced.
        params: nested mappings of arrays (JAX or NumPy), keys without "/".
        config: what JSON can hold; ``describe`` makes the one that ``load_model`` needs. The
            key "format" is added.

    Raises:
        ExportError: an array of no NumPy dtype or with a value that is not finite, two of one
            path, or a config that JSON cannot hold.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(f"{folder}/weights.npz", {"raw": {"bias": np.zeros(2)}}, {"note": "x"})
    ...     load_weights(f"{folder}/weights.npz")
    ({'raw': {'bias': array([0., 0.])}}, {'note': 'x', 'format': 1})
    """
    path = Path(path)
    members: dict[str, Any] = {}
    for name, array in _flatten(params, "params/"):
        if name in members:
            raise ExportError(f"{name}: expected one array of this path, got two")
        members[name] = array
    try:
        text = json.dumps({**config, "format": FORMAT}, allow_nan=False)
        members["config_json"] = np.array(text)
    except (TypeError, ValueError) as error:
        raise ExportError(f"config: expected what JSON can hold: {error}") from error
    # Beside the target, since a rename is atomic only within one file system.
    writer = f"{os.getpid()}.{threading.get_ident()}"  # others may write the same file meanwhile
    temporary = path.with_name(f".{path.name}.{writer}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **members)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(path: str | Path) -> tuple[dict[str, Any], Config]:
    """Read what `save_weights` wrote: nested parameters, and the config as JSON gives it back.

    Raises:
        ExportError: no such file, or not one of these, damaged, or of another format.
    """
    flat, config = read_flat(path)
    return nest(path, flat), config


def nest(path: str | Path, flat: Flat) -> dict[str, Any]:
    """The nested parameters of a file's arrays.

    Raises:
        ExportError: an array has the path of a group of others.
    """
    nested: dict[str, Any] = {}
    for name, array in flat.items():
        *parents, leaf = name.split("/")
        branch: Any = nested
        for key in parents:
            branch = branch.setdefault(key, {}) if isinstance(branch, dict) else None
        if not isinstance(branch, dict) or leaf in branch:
            raise ExportError(f"{path}: expected {name!r} as an array or as a group, found both")
        branch[leaf] = array
    return nested


def read_flat(path: str | Path) -> tuple[Flat, Config]:
    """Arrays by their path in the parameters, and the config; errors as in `load_weights`."""
    if not Path(path).is_file():
        raise ExportError(f"{path}: expected a weights file, found none")
    damage = (
        OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError,  # an encrypted zip is one
        zipfile.BadZipFile, zlib.error,
    )  # fmt: skip
    try:
        with np.load(path, allow_pickle=False) as archive:
            members = {name: archive[name] for name in archive.files}
        config: Config = json.loads(str(members.pop("config_json")))
        found = config["format"]
    except damage as error:
        raise ExportError(f"{path}: not a weights file, or a damaged one: {error!r}") from error
    if found != FORMAT:
        raise ExportError(f"{path}: expected format {FORMAT}, found {found!r}")
    return {name.removeprefix("params/"): array for name, array in members.items()}, config


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, NDArray]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}/")
            continue
        array = np.asarray(value)
        # JAX's bfloat16 and its like are no dtypes of NumPy, which would write them as bytes.
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise ExportError(f"{name}: expected finite numbers, got others, of {array.dtype}")
        yield name, array
