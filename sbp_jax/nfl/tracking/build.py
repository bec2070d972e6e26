"""From a folder of raw files to parts with features, one tracking file at a time."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tqdm import tqdm

from sbp_jax.nfl.errors import BuildError
from sbp_jax.nfl.tracking.assemble import Build, assemble
from sbp_jax.nfl.tracking.parts import (
    make_part,
    part_folder,
    read_account,
    remove_unfinished,
    stamp_of_tables,
    write_part,
)
from sbp_jax.nfl.tracking.reading import (
    ReadConfig,
    TrackingFolder,
    open_folder,
    read_tracking_file,
)
from sbp_jax.nfl.tracking.sources import Layout, Source
from sbp_jax.runs.file_lock import locked
from sbp_jax.runs.user_cache import user_cache

TOGETHER_BYTES: Final = 600_000_000
"""Of CSV in two files that are read at once; reading takes up to twice its size of memory."""

EXPANSION: Final = 8
"""How much larger the CSV is than a compressed file, or parquet, that holds the same."""


@dataclass(frozen=True)
class BuildConfig:
    """How raw files become parts.

    Attributes:
        read: which plays are kept.
        layout: of the files; told by the columns of the plays table if left out. A `Source` of
            one's own is given as it is.
    """

    read: ReadConfig = field(default_factory=ReadConfig)
    layout: Layout | Source | None = None


def build_parts(
    source: Path,
    work: Path | None = None,
    config: BuildConfig | None = None,
    *,
    progress: bool = True,
) -> Build:
    """Turn a folder of raw files into parts; those that are there already are not made again.

    Memory is bounded by the largest tracking file; small ones are read two at once. A build that
    was stopped, however it was, goes on from the last whole part. A play that is in two files is
    kept from the first of them that has it usable. Other processes that build into the same folder
    wait.

    Args:
        source: folder of raw files as they are published.
        work: folder of parts; None means one in the user's cache.
        config: what to keep.
        progress: show a bar, if on a terminal.

    Raises:
        NoTrackingError: the folder, its tracking files or a table are missing.
        LayoutError: the files are of no known source, or lack a column.
        TrackingFileError: a file is truncated or holds a bad value.
        BuildError: not one play is kept, or the work folder cannot be used.
    """
    start = time.perf_counter()
    work = user_cache("tracking") if work is None else work
    config = config or BuildConfig()
    folder = open_folder(source, config.layout)
    tables = stamp_of_tables(source, folder.source)
    folders = [part_folder(work, file, tables, config.read) for file in folder.tracking_files]
    try:
        with locked(work):
            remove_unfinished(work)
            made = _make_missing(folder, folders, config.read, progress)
            seconds = time.perf_counter() - start
            return assemble(source, folder, folders, made=made, seconds=seconds)
    except OSError as error:
        raise BuildError(f"{work}: cannot be used ({error}); give another folder") from error


def _make_missing(
    folder: TrackingFolder, folders: Sequence[Path], config: ReadConfig, progress: bool
) -> int:
    """Make the parts that are not there; how many those were."""
    missing = [
        (file, part)
        for file, part in zip(folder.tracking_files, folders, strict=True)
        if read_account(part) is None
    ]
    sizes = [file.stat().st_size for file, _ in missing]
    pool = ThreadPoolExecutor(_files_at_once([file for file, _ in missing]))
    try:
        making = [pool.submit(_make, folder, file, part, config) for file, part in missing]
        with tqdm(
            total=sum(sizes),
            desc="reading tracking",
            unit="B",
            unit_scale=True,
            disable=None if progress else True,  # None: no bar unless on a terminal
        ) as bar:
            for future, size in zip(making, sizes, strict=True):
                future.result()
                bar.update(size)
    finally:
        pool.shutdown(cancel_futures=True)
    return len(missing)


def _files_at_once(files: Sequence[Path]) -> int:
    """Two, if both fit into memory, else one.

    Polars parses with all cores, but what is done with the rows keeps only one busy: two files at
    once take a sixth less time than one after the other.
    """
    sizes = [file.stat().st_size * (1 if file.suffix == ".csv" else EXPANSION) for file in files]
    return 2 if sum(sorted(sizes)[-2:]) <= TOGETHER_BYTES else 1


def _make(folder: TrackingFolder, file: Path, part: Path, config: ReadConfig) -> None:
    start = time.perf_counter()
    reading = read_tracking_file(folder, file, config)
    made = make_part(reading)
    seconds = time.perf_counter() - start
    write_part(part, made, file=file, problems=reading.problems, seconds=seconds)
