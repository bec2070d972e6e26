"""Which plays of a build are in which split, in their order."""

from pathlib import Path

import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.assemble import Build
from sbp_jax.nfl.tracking.parts import open_part
from sbp_jax.nfl.tracking.splits import SPLITS, split_of_games


def rows_by_split(build: Build) -> dict[str, list[tuple[Path, Int[NDArray, " rows"]]]]:
    """Of each split, the parts that have plays of it, and which rows of the part those are.

    Parts stand in the order of the build, rows ascend: that is the order of a split's plays.

    Raises:
        BuildError: there are fewer than three games, or a part is damaged.
    """
    plays = pl.concat(
        open_part(folder)
        .plays.select("game_id", "season", "week")
        .with_columns(part=pl.lit(part), row=pl.int_range(pl.len()), kept=kept)
        for part, (folder, kept) in enumerate(zip(build.folders, build.kept, strict=True))
    ).filter("kept")
    plays = plays.join(split_of_games(plays), on="game_id", maintain_order="left")
    shards: dict[str, list[tuple[Path, Int[NDArray, " rows"]]]] = {split: [] for split in SPLITS}
    for (split, part), rows in plays.group_by("split", "part", maintain_order=True):
        shards[str(split)].append((build.folders[int(part)], rows["row"].to_numpy()))
    return shards
