"""Padded, model-ready plays on disk: written once, then mapped into memory.

A cache is a folder that is written under a temporary name and renamed when whole. One that was
damaged since is not used but made again. Deleting it, at any time, only costs a new reading of
the data set.

Legend: K plays, C physical and M scaled columns, S statics, 22 players; B plays of a bucket, T
steps.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch, check_batch
from sbp_jax.errors import BatchError
from sbp_jax.nfl.errors import BuildError
from sbp_jax.nfl.tracking.examples import Examples
from sbp_jax.nfl.tracking.growing_npy import GrowingNpy
from sbp_jax.nfl.tracking.length_buckets import bucket_of, make_buckets
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, SCALES, scale_sequence
from sbp_jax.nfl.tracking.static import TRACKING_STATIC
from sbp_jax.runs.file_lock import locked

PADDED_VERSION: Final = 1
"""Raise it with every change that makes another cache of the same data set."""

_UNFINISHED: Final = ".unfinished-"
_ACCOUNT: Final = "account.json"
_PLAYS: Final = "plays.parquet"
_ARRAYS: Final = ("lengths", "static", "target")


class Records(NamedTuple):
    """Some plays of a data set, one after the other.

    Attributes:
        lengths: (K,) frames of each.
        values: (N, C) `SEQUENCE_FEATURES` of all their frames.
        player_mask: (K, 22) True where the source has the player.
        static: (K, S) `TRACKING_STATIC`.
        target: (K,) yards gained.
        plays: K rows, which play each is.
    """

    lengths: Int[NDArray, " K"]
    values: Float[NDArray, "N C"]
    player_mask: Bool[NDArray, "K 22"]
    static: Float[NDArray, "K S"]
    target: Float[NDArray, " K"]
    plays: pl.DataFrame


def padded_folder(cache: Path, name: str, fingerprint: str, edges: Sequence[int]) -> Path:
    """Where the padded plays of a split belong.

    Args:
        cache: folder of caches.
        name: of data set and split, for a reader of the folder.
        fingerprint: of all that is in the split.
        edges: of the buckets.

    Returns:
        A folder whose name depends on all that its contents depend on.
    """
    stamp = hashlib.sha256(
        json.dumps(
            [
                PADDED_VERSION,
                (name, fingerprint),
                list(edges),
                (MODEL_FEATURES, dict(SCALES)),
                list(TRACKING_STATIC),
            ]
        ).encode()
    )
    return cache / f"{name}-{stamp.hexdigest()[:20]}"


def load_padded(
    folder: Path, edges: Sequence[int], records: Callable[[], Iterable[Records]]
) -> Examples:
    """The padded plays of a split, written first if they are not there.

    Other processes that write into the same cache wait.

    Args:
        folder: where they belong, see `padded_folder`.
        edges: of the buckets, ascending.
        records: called if there is something to write; gives the plays in order, in portions that
            fit into memory.

    Returns:
        The plays, their sequences mapped from the disk.

    Raises:
        TrackingError: a play is longer than the last edge.
        BatchError: a value is not finite, or there are no plays.
        BuildError: the cache cannot be written.
    """
    if examples := _open_whole(folder, edges):
        return examples
    try:
        with locked(folder.parent):
            for killed in folder.parent.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(killed)
            if examples := _open_whole(folder, edges):  # another process was quicker
                return examples
            _write(folder, edges, records())
    except OSError as error:
        raise BuildError(f"{folder}: cannot be made ({error}); give another folder") from error
    return _open(folder, edges)


def _write(folder: Path, edges: Sequence[int], records: Iterable[Records]) -> None:
    """Write all under a temporary name and, when it is whole, give it its own."""
    unfinished = folder.with_name(_UNFINISHED + folder.name)
    unfinished.mkdir()
    try:
        _write_files(unfinished, edges, records)
        for bucket in _open(unfinished, edges).buckets:
            check_batch(bucket, sequence_names=MODEL_FEATURES, static_names=tuple(TRACKING_STATIC))
        sizes = {path.name: path.stat().st_size for path in unfinished.iterdir()}
        (unfinished / _ACCOUNT).write_text(json.dumps(sizes))
        shutil.rmtree(folder, ignore_errors=True)  # what is there was found damaged
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_files(folder: Path, edges: Sequence[int], records: Iterable[Records]) -> None:
    rest: list[Records] = []  # without the values, which are most of it
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(
                GrowingNpy(_sequence_file(folder, steps), (steps, len(MODEL_FEATURES)), np.float16)
            )
            for steps in edges
        ]
        for portion in records:
            for bucket, padded in _padded(portion, edges):
                files[bucket].append(padded)
            rest.append(portion._replace(values=portion.values[:0]))
    if not rest:
        raise BatchError("expected at least one example, got an empty set")
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", np.concatenate([getattr(part, name) for part in rest]))
    pl.concat([part.plays for part in rest]).write_parquet(folder / _PLAYS)


def _padded(
    records: Records, edges: Sequence[int]
) -> Iterator[tuple[int, Float[NDArray, "B T M"]]]:
    """Number and padded sequences of each bucket that has any of these plays."""
    lengths = records.lengths
    of = bucket_of(lengths, edges)
    scaled = scale_sequence(records.values, np.repeat(records.player_mask, lengths, axis=0))
    for bucket in np.unique(of).tolist():
        mask = _mask(lengths[of == bucket], edges[bucket])
        padded = np.zeros((*mask.shape, scaled.shape[1]), scaled.dtype)
        padded[mask] = scaled[np.repeat(of == bucket, lengths)]
        yield bucket, padded


def _mask(lengths: Int[NDArray, " B"], steps: int) -> Bool[NDArray, "B T"]:
    return np.arange(steps) < lengths[:, None]


def _sequence_file(folder: Path, steps: int) -> Path:
    return folder / f"sequence-{steps:03d}.npy"


def _open_whole(folder: Path, edges: Sequence[int]) -> Examples | None:
    """None if it is not there, or was damaged: cut short, or without one of its files."""
    try:
        sizes = json.loads((folder / _ACCOUNT).read_text())
        if any((folder / name).stat().st_size != size for name, size in sizes.items()):
            return None
        return _open(folder, edges)
    except (OSError, ValueError, AttributeError, TypeError, pl.exceptions.PolarsError):
        return None


def _open(folder: Path, edges: Sequence[int]) -> Examples:
    lengths, static, target = (np.load(folder / f"{name}.npy") for name in _ARRAYS)
    buckets = make_buckets(lengths, edges)
    return Examples(
        buckets=tuple(
            Batch(
                np.load(_sequence_file(folder, steps), mmap_mode="r"),
                _mask(lengths[rows], steps),
                static[rows],
                target[rows],
            )
            for steps, rows in buckets
        ),
        rows=tuple(rows for _, rows in buckets),
        plays=pl.read_parquet(folder / _PLAYS),
    )
