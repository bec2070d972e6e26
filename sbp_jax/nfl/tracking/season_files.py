"""Which files of a folder are what, and of which source they are."""

from pathlib import Path
from typing import Final

from sbp_jax.nfl.errors import LayoutError, NoTrackingError
from sbp_jax.nfl.tracking.columns import SUFFIXES, column_names
from sbp_jax.nfl.tracking.sources import SOURCES, Layout, Source

_PLACES: Final = ("", "*/")
"""The folder itself and the folders right in it, where some sources put the tracking."""


def find_source(folder: Path, layout: Layout | Source | None = None) -> Source:
    """The source that a folder's plays table belongs to, told by its columns.

    Args:
        folder: of raw files.
        layout: the only one to consider, if given: a known one, or a source of one's own.

    Raises:
        NoTrackingError: no folder, or no plays table in it.
        LayoutError: the table is of another source, or of none that is known.
    """
    if not folder.is_dir():
        raise NoTrackingError(f"{folder}: expected a folder of tracking files, found none")
    if layout is None:
        sources = list(SOURCES.values())
    else:
        sources = [layout if isinstance(layout, Source) else SOURCES[layout]]
    tables = {name: find_table(folder, name) for name in {each.plays_table for each in sources}}
    columns = {name: column_names(path) for name, path in tables.items() if path}
    if not columns:
        expected = " or ".join(sorted(f"{name}.csv" for name in tables))
        raise NoTrackingError(f"{folder}: expected a plays table {expected}, found none")
    fitting = [each for each in sources if each.signature in columns.get(each.plays_table, ())]
    if len(fitting) == 1:
        return fitting[0]
    expected = ", ".join(f"{each.signature} ({each.layout})" for each in sources)
    found = "; ".join(f"{name}: {', '.join(names)}" for name, names in columns.items())
    raise LayoutError(
        f"{folder}: expected a plays table with exactly one of the columns {expected}, got {found}"
    )


def find_table(folder: Path, name: str) -> Path | None:
    """The file of a table in any of the formats, or None.

    Raises:
        LayoutError: there are several.
    """
    paths = _existing(folder, name)
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths)
        raise LayoutError(f"{folder}: expected one file of the table {name}, got {names}")
    return paths[0] if paths else None


def needed_table(folder: Path, name: str, source: Source) -> Path:
    """The file of a table that the source cannot do without.

    Raises:
        NoTrackingError: there is none.
        LayoutError: there are several.
    """
    if path := find_table(folder, name):
        return path
    raise NoTrackingError(
        f"{folder}: expected {name}.csv, which layout {source.layout} needs, found none"
    )


def find_tracking_files(folder: Path, source: Source) -> tuple[Path, ...]:
    """The tracking files, sorted.

    Raises:
        NoTrackingError: there is none.
        LayoutError: a file is there in two formats, which would count its plays twice.
    """
    paths = sorted(
        {path for pattern in source.tracking_files for path in _existing(folder, pattern)}
    )
    if not paths:
        expected = " or ".join(f"{pattern}.csv" for pattern in source.tracking_files)
        raise NoTrackingError(f"{folder}: expected tracking files {expected}, found none")
    stems: dict[str, Path] = {}
    for path in paths:
        stem = path.name.partition(".")[0]
        if other := stems.get(stem):
            raise LayoutError(
                f"{folder}: expected each tracking file once, got {other.name} and {path.name}"
            )
        stems[stem] = path
    return tuple(paths)


def _existing(folder: Path, pattern: str) -> list[Path]:
    return sorted(
        path
        for place in _PLACES
        for suffix in SUFFIXES
        for path in folder.glob(f"{place}{pattern}{suffix}")
    )
