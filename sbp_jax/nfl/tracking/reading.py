"""One tracking file to frames: what is kept, dropped and repaired is told, never passed over."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking import drops
from sbp_jax.nfl.tracking.canonical import yards_to_endzone
from sbp_jax.nfl.tracking.drops import Sieve
from sbp_jax.nfl.tracking.motion import Motion, complete, scatter
from sbp_jax.nfl.tracking.motion_checks import MotionCheck
from sbp_jax.nfl.tracking.play_frames import NOBODY, PLAYERS, PlayFrames, Role
from sbp_jax.nfl.tracking.play_players import (
    assign_columns,
    check_sides,
    find_passer_and_target,
    list_players,
    player_table,
    roles,
)
from sbp_jax.nfl.tracking.snap_to_throw import cut_windows, find_spans, number_ends
from sbp_jax.nfl.tracking.tables import PLAY_COLUMNS
from sbp_jax.nfl.tracking.tracking_folder import (
    TrackingFolder,
    open_folder,
    plays_without_tracking,
)
from sbp_jax.nfl.tracking.tracking_rows import BALL, read_rows
from sbp_jax.runs.ranges import Count, NotNegative, Whole, refuse_out_of_range

__all__ = [
    "ReadConfig",
    "Reading",
    "TrackingFolder",
    "open_folder",
    "plays_without_tracking",
    "read_tracking_file",
]

_KEYS: Final = ("game_id", "play_id")


@dataclass(frozen=True)
class ReadConfig:
    """What a play must be like to be kept.

    Attributes:
        min_frames: fewest frames from the snap to the throw, both included; >= 1.
        max_frames: most frames, >= min_frames.
        max_hole: most frames on end that a player may be missing; they are interpolated. >= 0.
        max_speed: yards per second, >= 0; whoever is faster makes the play impossible.
        max_off_field: yards that a player may be off the field, beyond end zones and sidelines;
            >= 0.

    Raises:
        TrackingError: a number out of its range.
    """

    min_frames: Count = 8
    max_frames: Count = 100
    max_hole: Whole = 5
    max_speed: NotNegative = 15.0
    max_off_field: NotNegative = 20.0

    def __post_init__(self) -> None:
        """Refuse what no play can be like."""
        refuse_out_of_range(self, TrackingError)
        if self.min_frames > self.max_frames:
            raise TrackingError(
                "min_frames, max_frames: expected min_frames <= max_frames, got "
                f"{self.min_frames} and {self.max_frames}"
            )


class Reading(NamedTuple):
    """What a tracking file gives.

    Attributes:
        frames: of the kept plays.
        plays: `PLAY_COLUMNS`, a row for each play of ``frames``, in the same order, which is that
            of game_id and play_id.
        drops: `DROP_COLUMNS` of the candidate plays of the file that were not kept.
        problems: how often something had to be repaired or passed over, by kind.
    """

    frames: PlayFrames
    plays: pl.DataFrame
    drops: pl.DataFrame
    problems: Mapping[str, int]


def read_tracking_file(
    folder: TrackingFolder, path: Path, config: ReadConfig = ReadConfig()
) -> Reading:
    """Read the candidate plays of one tracking file.

    Args:
        folder: that the file belongs to.
        path: of the file.
        config: which plays are kept.

    Raises:
        LayoutError: a column is missing.
        TrackingFileError: the file cannot be read or holds a bad value.
    """
    rows, strangers = read_rows(path, folder.source, folder.plays)
    sieve = Sieve(folder.plays, path.name)
    problems = _passed_over(rows, strangers, folder)
    spans = find_spans(rows, folder.source, sieve, config.min_frames, config.max_frames)
    window = cut_windows(rows, spans, folder.plays.height)
    del rows  # most of the file
    spans = number_ends(window, spans)
    window = window.filter(pl.col("nfl_id").is_not_null() & (pl.col("side") != BALL))
    spans = spans.join(
        _lines_and_directions(window, folder, sieve), on="play", maintain_order="left"
    )
    players = list_players(sieve.keep(window), folder.players, _numbered(folder))
    check_sides(players, folder.source, sieve)
    players = sieve.keep(players)
    thrown = find_passer_and_target(players, folder.plays, sieve)
    players = assign_columns(roles(sieve.keep(players), thrown))
    spans = sieve.keep(spans).join(thrown, on="play", how="left", maintain_order="left")
    return _finish(sieve.keep(window), spans, players, folder, sieve, config, problems)


def _finish(
    window: pl.DataFrame,
    spans: pl.DataFrame,
    players: pl.DataFrame,
    folder: TrackingFolder,
    sieve: Sieve,
    config: ReadConfig,
    problems: Counter[str],
) -> Reading:
    """The arrays of the plays that got so far, the last checks, and the tables."""
    number = spans.with_row_index("row").select("play", pl.col("row").cast(pl.Int64))
    players = players.join(number, on="play", maintain_order="left")
    offsets = _offsets(spans["frames"].to_numpy())
    role = player_table(players, "role", spans.height, Role.ABSENT)
    player_id = player_table(players, "nfl_id", spans.height, NOBODY)
    raw, repeated, different = scatter(_placed(window, players, offsets), int(offsets[-1]))
    problems["repeated rows merged"] = repeated
    problems["repeated rows that differ, the first kept"] = different
    right, line = spans["right"].to_numpy(), spans["line"].to_numpy()
    seasons = folder.plays["season"].gather(spans["play"])
    motion = complete(
        raw,
        offsets,
        line,
        right,
        seasons.is_in(folder.source.turned_orientation).to_numpy(),
        config.max_hole,
    )
    plays = spans["play"].to_numpy()
    check = MotionCheck(
        sieve, plays, offsets, spans["snap_frame"].to_numpy(), player_id, role != Role.ABSENT
    )
    check.holes(motion, config.max_hole)
    check.positions(raw, config.max_off_field)
    check.speeds(motion, config.max_speed)
    check.directions(motion)
    keep = sieve.kept[plays]
    frames = _select(motion, offsets, player_id, role, keep, problems)
    return Reading(
        frames=frames,
        plays=_play_table(spans.filter(pl.Series(keep, dtype=pl.Boolean)), folder, sieve.file),
        drops=sieve.table(),
        problems=dict(problems),
    )


def _passed_over(
    rows: pl.DataFrame, strangers: pl.DataFrame, folder: TrackingFolder
) -> Counter[str]:
    known = pl.concat([folder.plays.select(_KEYS), folder.drops.select(_KEYS)])
    nameless = pl.col("nfl_id").is_null() & (pl.col("side") != BALL)
    counts = rows.select(nameless=nameless.sum(), timeless=pl.col("ms").null_count())
    return Counter(
        {
            "plays that are not in the plays table": strangers.join(
                known, on=_KEYS, how="anti"
            ).height,
            "rows without a player's id": counts["nameless"].item(),
            "rows without a time": counts["timeless"].item(),
        }
    )


def _lines_and_directions(
    window: pl.DataFrame, folder: TrackingFolder, sieve: Sieve
) -> pl.DataFrame:
    """play, right, line (of the file's coordinates), yards_to_endzone; bad ones are dropped."""
    lines = folder.plays.select("line").with_row_index("play")
    tracked = [pl.col("line").first()] if "line" in window.columns else []
    found = window.group_by("play", maintain_order=True).agg(
        pl.col("right").first(),
        (pl.col("right").is_null().any() | (pl.col("right").n_unique() > 1)).alias("unclear"),
        *tracked,
    )
    if not tracked:
        found = found.join(lines.with_columns(pl.col("play").cast(pl.Int64)), on="play")
    sieve.drop(found.filter("unclear")["play"].to_numpy(), drops.BAD_DIRECTION)
    found = found.filter(~pl.col("unclear"))
    yards = yards_to_endzone(found["line"].to_numpy(), found["right"].to_numpy())
    found = found.with_columns(yards_to_endzone=pl.Series(yards).round())
    on_field = pl.col("yards_to_endzone").is_between(1, 99).fill_null(False)
    off = found.filter(~on_field)
    details = [f"absolute line {line}" for line in off["line"]]
    sieve.drop(off["play"].to_numpy(), drops.BAD_LINE, details)
    return found.filter(on_field).drop("unclear")


def _numbered(folder: TrackingFolder) -> pl.DataFrame:
    """The duties by number of the play."""
    numbers = folder.plays.select(*_KEYS, play=pl.int_range(pl.len()))
    return folder.duties.join(numbers, on=_KEYS).select("play", "nfl_id", "duty")


def _offsets(lengths: Int[NDArray, " K"]) -> Int[NDArray, " K1"]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _placed(
    window: pl.DataFrame, players: pl.DataFrame, offsets: Int[NDArray, " K1"]
) -> pl.DataFrame:
    """The rows with index, their place in an array of (N, 22)."""
    starts = pl.DataFrame({"row": np.arange(len(offsets) - 1), "start": offsets[:-1]})
    places = players.join(starts, on="row").select("play", "nfl_id", "start", "column")
    index = (pl.col("start") + pl.col("tick")) * PLAYERS + pl.col("column")
    return window.join(places, on=["play", "nfl_id"]).with_columns(index=index)


def _select(
    motion: Motion,
    offsets: Int[NDArray, " K1"],
    player_id: Int[NDArray, "K 22"],
    role: Int[NDArray, "K 22"],
    keep: NDArray[np.bool_],
    problems: Counter[str],
) -> PlayFrames:
    """The frames of the kept plays, and what was repaired in them."""
    lengths = np.diff(offsets)
    rows = np.repeat(keep, lengths)
    there = np.repeat(role[keep] != Role.ABSENT, lengths[keep], axis=0)
    kept = Motion(*(value[rows] * there for value in map(np.nan_to_num, motion)))
    problems["player's frames interpolated or held"] = int((kept.hole > 0).sum())
    problems["angles interpolated or held"] = int(kept.angles_filled.sum())
    problems["angles missing, the other or 0 taken"] = int(kept.angles_replaced.sum())
    return PlayFrames(
        _offsets(lengths[keep]),
        kept.x,
        kept.y,
        kept.speed,
        kept.direction,
        kept.orientation,
        player_id[keep],
        role[keep],
    )


def _play_table(spans: pl.DataFrame, folder: TrackingFolder, file: str) -> pl.DataFrame:
    told = folder.plays.drop("line").with_columns(play=pl.int_range(pl.len()))
    plays = spans.join(told, on="play", how="left", maintain_order="left")
    return plays.with_columns(file=pl.lit(file)).select(
        pl.col(name).cast(dtype) for name, dtype in PLAY_COLUMNS.items()
    )
