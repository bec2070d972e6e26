"""The plays of a split of a build: which rows of which parts, read and padded."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.tracking.assemble import Build
from sbp_jax.nfl.tracking.padding import Portion, pad_plays
from sbp_jax.nfl.tracking.parts import Part, open_part
from sbp_jax.nfl.tracking.splits import SPLITS, split_of_games


class PartRows(NamedTuple):
    """Plays of one part that are in a split.

    Attributes:
        folder: of the part.
        rows: numbers of the plays in it, ascending.
    """

    folder: Path
    rows: Int[NDArray, " rows"]


def rows_of_splits(build: Build) -> Mapping[str, list[PartRows]]:
    """Which plays of a build train, validate and test: by split, in the order of the parts.

    Raises:
        BuildError: there are fewer than three games.
    """
    plays = pl.concat(
        open_part(folder)
        .plays.select("game_id", "season", "week")
        .with_columns(part=pl.lit(part), row=pl.int_range(pl.len()), kept=kept)
        for part, (folder, kept) in enumerate(zip(build.folders, build.kept, strict=True))
    ).filter("kept")
    plays = plays.join(split_of_games(plays), on="game_id", maintain_order="left")
    splits: dict[str, list[PartRows]] = {split: [] for split in SPLITS}
    for (split, part), rows in plays.group_by("split", "part", maintain_order=True):
        splits[str(split)].append(PartRows(build.folders[int(part)], rows["row"].to_numpy()))
    return splits


def load_split(build: Build, split: str) -> Examples:
    """All plays of a split: their table, `tables.PLAY_COLUMNS`, and one padded batch.

    Args:
        build: of `build_parts`.
        split: "train", "valid" or "test".

    Raises:
        BuildError: there are fewer than three games, or a part was damaged.
        BatchError: a value is not finite.
        ValueError: no split has this name.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {SPLITS}, got {split!r}")
    parts = [(open_part(folder), rows) for folder, rows in rows_of_splits(build)[split]]
    batch = pad_plays([_portion(part, rows) for part, rows in parts])
    return Examples(pl.concat([part.plays[rows] for part, rows in parts]), batch)


def physical_play(
    build: Build, split: str, row: int
) -> tuple[Float[NDArray, "T C"], Bool[NDArray, " 22"]]:
    """`SEQUENCE_FEATURES` of one play's frames, float32, and which players the source has.

    Args:
        build: of `build_parts`.
        split: as of `load_split`.
        row: of the split's table.
    """
    for folder, rows in rows_of_splits(build)[split]:
        if row < len(rows):
            part, place = open_part(folder), int(rows[row])
            frames = slice(part.offsets[place], part.offsets[place + 1])
            return part.values[frames].astype(np.float32), np.asarray(part.player_mask[place])
        row -= len(rows)
    raise IndexError(f"row: expected one of the plays of {split}, got {row} beyond the last")


def _portion(part: Part, rows: Int[NDArray, " rows"]) -> Portion:
    lengths = np.diff(part.offsets)
    chosen = np.isin(np.arange(len(lengths)), rows)
    return Portion(
        lengths[rows],
        # A week's file is mostly of one split: then it stays mapped, rather than copied.
        part.values if chosen.all() else part.values[np.repeat(chosen, lengths)],
        part.player_mask[rows],
        part.static[rows],
        part.target[rows],
    )
