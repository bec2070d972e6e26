"""A folder of raw files: which source it is of, its plays, and its tracking files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sbp_jax.nfl.tracking import drops
from sbp_jax.nfl.tracking.columns import read_columns
from sbp_jax.nfl.tracking.drops import drop_table
from sbp_jax.nfl.tracking.duties import read_duties
from sbp_jax.nfl.tracking.play_frames import Role
from sbp_jax.nfl.tracking.plays_table import read_plays_table
from sbp_jax.nfl.tracking.season_files import find_source, find_tracking_files, needed_table
from sbp_jax.nfl.tracking.sources import Layout, Source

_KEYS = ("game_id", "play_id")


@dataclass(frozen=True)
class TrackingFolder:
    """What the tables of a folder say, before any tracking is read.

    Attributes:
        source: schema of the files.
        tracking_files: sorted.
        plays: passes that may be kept, sorted by game_id and play_id; columns as of `PlaysTable`.
        drops: `DROP_COLUMNS` of all other plays of the plays table.
        seen: different plays in the plays table: those of ``plays`` and of ``drops``.
        players: nfl_id, name, position; empty where the tracking says it.
        duties: `DUTIES` of ``plays``.
        problems: how often something in the tables had to be repaired, by kind.
    """

    source: Source
    tracking_files: tuple[Path, ...]
    plays: pl.DataFrame
    drops: pl.DataFrame
    seen: int
    players: pl.DataFrame
    duties: pl.DataFrame
    problems: Mapping[str, int]


def open_folder(folder: Path, layout: Layout | Source | None = None) -> TrackingFolder:
    """Read the tables of a folder of raw files.

    Args:
        folder: with the files of one source as they are published, as CSV, gzip CSV or parquet;
            tracking files may be in folders right in it.
        layout: the source, if it shall not be told by the columns of the plays table; one that is
            not among `sbp_jax.nfl.tracking.sources.SOURCES` is given as a `Source`.

    Raises:
        NoTrackingError: the folder, its tracking files or a table are missing.
        LayoutError: the files are of no known source, of another than asked for, or lack a column.
        TrackingFileError: a table cannot be read or holds a bad value.
    """
    source = find_source(folder, layout)
    tracking_files = find_tracking_files(folder, source)
    table = read_plays_table(folder, source)
    duties = read_duties(folder, source).join(table.plays, on=_KEYS, how="semi")
    targeted = duties.filter(pl.col("duty") == Role.TARGET.value)
    candidates, dropped = table.plays, table.reasons
    if source.duties.table:  # else only the tracking tells who was targeted
        silent = candidates.filter(pl.col("target_first").is_null())
        nobody = silent.select(_KEYS).join(targeted, on=_KEYS, how="anti")
        candidates = candidates.join(nobody, on=_KEYS, how="anti", maintain_order="left")
        reason = nobody.with_columns(reason=pl.lit(drops.NO_TARGET), detail=pl.lit(""))
        dropped = pl.concat([dropped, reason]).sort(_KEYS)
    if source.players:
        players = read_columns(needed_table(folder, "players", source), source.players)
    else:
        players = pl.DataFrame(
            schema={"nfl_id": pl.Int64, "name": pl.String, "position": pl.String}
        )
    return TrackingFolder(
        source=source,
        tracking_files=tracking_files,
        plays=candidates,
        drops=drop_table(
            dropped.select(_KEYS),
            file="",
            reason=dropped["reason"].to_list(),
            detail=dropped["detail"].to_list(),
        ),
        seen=candidates.height + dropped.height,
        players=players.unique("nfl_id", keep="first"),
        duties=duties,
        problems={"repeated rows of the plays table merged": table.repeated},
    )


def plays_without_tracking(folder: TrackingFolder, in_files: pl.DataFrame) -> pl.DataFrame:
    """The candidate plays that are in no tracking file, as `DROP_COLUMNS`.

    Args:
        folder: an open folder.
        in_files: game_id and play_id of the plays that were kept or dropped in any file.
    """
    lost = folder.plays.select(_KEYS).join(
        in_files.select(_KEYS), on=_KEYS, how="anti", maintain_order="left"
    )
    return drop_table(lost, file="", reason=drops.NO_TRACKING, detail="")
