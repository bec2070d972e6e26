"""One file for a trained model: arrays under flat names, and the description they belong to.

The file is an ordinary ``.npz``: ``numpy.load`` reads it without pickles and without this library.
An array's name is its path in the nested parameters, joined by "/". The description is JSON under
the name "config_json".
"""

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import ExportError

FORMAT = 1
CONFIG_NAME = "config_json"

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
        ExportError: a name that is reserved or has a "/", an array of no NumPy dtype or with a
            value that is not finite, or a config that JSON cannot hold.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(f"{folder}/weights.npz", {"raw": {"bias": np.zeros(2)}}, {"note": "x"})
    ...     load_weights(f"{folder}/weights.npz")
    ({'raw': {'bias': array([0., 0.])}}, {'format': 1, 'note': 'x'})
    """
    path = Path(path)
    members = dict(_flatten(params, ""))
    members[CONFIG_NAME] = np.array(_to_json(config))
    # Beside the target, since a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            _write_members(file, members)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(path: str | Path) -> tuple[dict[str, Any], Config]:
    """Read what `save_weights` wrote: nested parameters, and the config as JSON gives it back.

    Raises:
        ExportError: no such file, not an npz, damaged, without a config, or of another format.
    """
    flat, config = read_flat(path)
    nested: dict[str, Any] = {}
    for name, array in flat.items():
        *parents, leaf = name.split("/")
        branch = nested
        for key in parents:
            branch = branch.setdefault(key, {})
            if not isinstance(branch, dict):
                raise ExportError(f"{path}: {name!r} lies below a name that is itself an array")
        branch[leaf] = array
    return nested, config


def read_flat(path: str | Path) -> tuple[Flat, Config]:
    """Arrays by flat name, and the config; errors as in `load_weights`."""
    path = Path(path)
    if not path.is_file():
        raise ExportError(f"{path}: expected a weights file, found none")
    members = _read_members(path)
    if CONFIG_NAME not in members:
        raise ExportError(f"{path}: expected a config named {CONFIG_NAME!r}, found none")
    try:
        config = json.loads(str(members.pop(CONFIG_NAME)))
    except ValueError as error:
        raise ExportError(f"{path}: {CONFIG_NAME!r} is not JSON: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = config.get("format") if isinstance(config, dict) else type(config).__name__
        raise ExportError(f"{path}: expected format {FORMAT}, found {found!r}")
    return members, config


def _write_members(file: IO[bytes], members: Flat) -> None:
    """What ``numpy.savez`` does, which would take a name such as "file" for its own argument."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_members(path: Path) -> Flat:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ExportError(f"{path}: expected an npz file, found a single array")
        with archive:
            members = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ExportError(f"{path}: not an npz file, or a damaged one: {error}") from error
    # A zip file of anything else is opened too, with its members as bytes.
    foreign = [name for name, array in members.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise ExportError(f"{path}: not an npz file: {foreign[0]!r} is not an array")
    return members


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, NDArray]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if not key or "/" in key or name == CONFIG_NAME:
            raise ExportError(f"parameter {name!r}: the name is reserved, empty or has a '/'")
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}/")
        else:
            yield name, _checked(name, value)


def _checked(name: str, value: Any) -> NDArray:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":  # bfloat16 and its like, text, objects
        raise ExportError(f"parameter {name!r}: expected a NumPy number dtype, got {array.dtype}")
    if not np.isfinite(array).all():
        raise ExportError(f"parameter {name!r}: expected finite values, got others")
    return array


def _to_json(config: Mapping[str, Any]) -> str:
    if config.get("format", FORMAT) != FORMAT:
        raise ExportError(f"config: expected format {FORMAT}, got {config['format']!r}")
    try:
        return json.dumps({"format": FORMAT, **config}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ExportError(f"config: expected what JSON can hold: {error}") from error
