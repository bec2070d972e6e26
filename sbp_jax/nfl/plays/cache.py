"""Seasons already parsed, kept as parquet.

One folder per season, named for a stamp of all that the tables depend on, so a folder is never
changed: other files or another version of the tables make another folder. It is written under a
temporary name and renamed when whole. Deleting any of it, at any time, only costs a new parse.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sbp_jax.nfl.plays.report import SeasonReport
from sbp_jax.nfl.plays.source import Source
from sbp_jax.nfl.plays.tables import Frames

TABLES_VERSION = 1
"""Raise it with every change that makes other tables of the same files."""


def season_folder(cache: Path, source: Source, season: int) -> Path:
    """Where the tables of a season of a source belong.

    The name depends on the version of the tables, and on name and size of every file; for files
    that no distribution's version vouches for, also on when each was changed.
    """
    stamp = hashlib.sha256(f"{TABLES_VERSION} {source.name if source.pinned else ''}".encode())
    for file in source.of_season(season):
        changed = "" if source.pinned else file.modified_ns
        stamp.update(f"\n{file.path.name} {file.size} {changed}".encode())
    return cache / f"{season}-{stamp.hexdigest()[:20]}"


def write_season(folder: Path, frames: Frames, report: SeasonReport) -> None:
    """Write the tables and the report of a season into an empty folder."""
    for name, frame in frames._asdict().items():
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd")
    (folder / "report.json").write_text(json.dumps(report.as_json()))


def finish(unfinished: Path, folder: Path) -> None:
    """Make a complete folder visible under its own name, in one step."""
    try:
        unfinished.rename(folder)
    except OSError:
        # Another process finished the same season first, with the same contents.
        if not folder.is_dir():
            raise


def read_report(folder: Path) -> SeasonReport | None:
    """The report of a season that is in the cache, else None."""
    try:
        return SeasonReport.from_json(json.loads((folder / "report.json").read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_seasons(folders: Sequence[Path]) -> Frames:
    """The tables of several seasons, one after the other."""
    return Frames(
        *(
            pl.read_parquet([folder / f"{name}.parquet" for folder in folders])
            for name in Frames._fields
        )
    )
