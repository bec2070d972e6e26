"""Small seasons of made-up plays, written as the files of each source.

Tests spoil the tables through the ``edit`` of `write_season`.
"""

import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from .small_play import AWAY, LINEMEN, PASSER, PLAYERS, RUSHERS, TARGET, SmallPlay, nfl_id
from .small_rows import tracking
from .small_tables import season_tables

__all__ = [
    "AWAY",
    "LINEMEN",
    "NAMES",
    "PASSER",
    "PLAYERS",
    "RUSHERS",
    "TARGET",
    "TRACKING",
    "Edit",
    "SmallPlay",
    "nfl_id",
    "season_tables",
    "tracking",
    "write_season",
    "write_table",
]

Edit = Callable[[pl.DataFrame], pl.DataFrame]
TRACKING = "tracking"
NAMES = {
    "2021": "week{}",
    "2023": "week{}",
    "2025": "tracking_week_{}",
    "2026": "input_2023_w{:02d}",
}


def write_season(
    folder: Path,
    layout: str,
    plays: Sequence[SmallPlay],
    *,
    suffix: str = ".csv",
    edit: Mapping[str, Edit] | None = None,
) -> Path:
    """Write all tables and a tracking file a week; returns the folder.

    Args:
        folder: made if it is not there.
        layout: "2021", "2023", "2025" or "2026".
        plays: at least one.
        suffix: ".csv", ".csv.gz" or ".parquet".
        edit: what to do to a table before it is written, by its name without suffix;
            `TRACKING` stands for every tracking file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    edit = dict(edit or {})
    tables = season_tables(layout, plays)
    for week in sorted({play.week for play in plays}):
        rows = tracking(layout, [play for play in plays if play.week == week])
        tables[NAMES[layout].format(week)] = edit.get(TRACKING, lambda table: table)(rows)
    for name, table in tables.items():
        write_table(folder / f"{name}{suffix}", edit.get(name, lambda table: table)(table), layout)
    return folder


def write_table(path: Path, table: pl.DataFrame, layout: str) -> None:
    """Write a table in the format of its suffix."""
    if path.suffix == ".parquet":
        table.write_parquet(path)
        return
    missing = "" if layout == "2021" else "NA"
    text = table.write_csv(null_value=missing).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
