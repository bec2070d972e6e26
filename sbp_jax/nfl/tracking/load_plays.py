"""From the parts of a build to the plays of a split that a model is trained on, or to one of them.

Legend: T frames of a play, C = 181 physical columns, 22 players; N frames of several plays.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.assemble import Build
from sbp_jax.nfl.tracking.padded_plays import Records, TrackedPlays, pad_plays
from sbp_jax.nfl.tracking.parts import open_part
from sbp_jax.nfl.tracking.split_plays import rows_by_split
from sbp_jax.nfl.tracking.tables import FACT_COLUMNS

_PORTION: Final = 512  # plays scaled at once, which bounds the memory in between


def load_split(build: Build, split: str) -> TrackedPlays:
    """All plays of a split, scaled and padded to the longest.

    They stand in the order of the tracking files' names and of the plays in each.

    Args:
        build: of `sbp_jax.nfl.tracking.build.build_parts`.
        split: "train", "valid" or "test".

    Raises:
        BuildError: there are fewer than three games, or a part was damaged since it was built.
        ValueError: no split has this name.
    """
    shards = rows_by_split(build)
    if split not in shards:
        raise ValueError(f"split: expected one of {', '.join(shards)}, got {split!r}")
    lengths = [np.diff(open_part(folder).offsets)[rows] for folder, rows in shards[split]]
    records = (portion for folder, rows in shards[split] for portion in _records(folder, rows))
    return pad_plays(records, np.concatenate(lengths))


def play_in_yards(
    build: Build, game_id: int, play_id: int
) -> tuple[Float[NDArray, "T C"], Bool[NDArray, " 22"]]:
    """`SEQUENCE_FEATURES` of one play, neither scaled nor padded, and which players there are.

    Raises:
        TrackingError: the build has no such play.
        BuildError: a part was damaged since it was built.
    """
    wanted = (pl.col("game_id") == game_id) & (pl.col("play_id") == play_id)
    for folder, kept in zip(build.folders, build.kept, strict=True):
        part = open_part(folder)
        for row in np.flatnonzero(part.plays.select(wanted).to_series().to_numpy() & kept):
            values = part.values[part.offsets[row] : part.offsets[row + 1]]
            return values.astype(np.float32), np.asarray(part.player_mask[row])
    raise TrackingError(f"expected game {game_id}, play {play_id} in the build, found none")


def _records(folder: Path, rows: Int[NDArray, " rows"]) -> Iterator[Records]:
    """Portions of these rows of a part."""
    part = open_part(folder)
    lengths, target = np.diff(part.offsets), part.target
    plays = part.plays.select(FACT_COLUMNS)
    for start in range(0, len(rows), _PORTION):
        some = rows[start : start + _PORTION]
        yield Records(
            lengths=lengths[some],
            values=np.concatenate(
                [part.values[part.offsets[row] : part.offsets[row + 1]] for row in some.tolist()]
            ),
            player_mask=part.player_mask[some],
            static=part.static[some],
            target=target[some],
            plays=plays[some],
        )
