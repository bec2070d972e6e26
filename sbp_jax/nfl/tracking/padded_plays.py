"""Plays of any length to one padded batch that a device takes.

Legend: K plays, N frames of all of them together, T steps of the longest, C physical and M scaled
columns, S statics, 22 players.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch, check_batch
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, scale_sequence
from sbp_jax.nfl.tracking.static import TRACKING_STATIC


class Records(NamedTuple):
    """Some plays as they are stored, one after the other.

    Attributes:
        lengths: (K,) frames of each.
        values: (N, C) `SEQUENCE_FEATURES` of all their frames.
        player_mask: (K, 22) True where the source has the player.
        static: (K, S) `TRACKING_STATIC`.
        target: (K,) yards gained.
        plays: K rows of `sbp_jax.nfl.tracking.tables.FACT_COLUMNS`.
    """

    lengths: Int[NDArray, " K"]
    values: Float[NDArray, "N C"]
    player_mask: Bool[NDArray, "K 22"]
    static: Float[NDArray, "K S"]
    target: Float[NDArray, " K"]
    plays: pl.DataFrame


class TrackedPlays(NamedTuple):
    """Plays of a split: what each is, and what a network is given of them.

    Attributes:
        plays: `sbp_jax.nfl.tracking.tables.FACT_COLUMNS`, K rows, in the source's own units.
        batch: the same plays in the same order. The sequence holds
            `sbp_jax.nfl.tracking.scaling.MODEL_FEATURES` as float16, the statics
            `sbp_jax.nfl.tracking.static.TRACKING_STATIC`, the target yards gained.
    """

    plays: pl.DataFrame
    batch: Batch


def pad_plays(records: Iterable[Records], lengths: Int[NDArray, " K"]) -> TrackedPlays:
    """Scale all plays and pad them to the longest.

    Beside the result there is never more in memory than a portion of the records.

    Args:
        records: all plays in their order, in portions.
        lengths: frames of all of them, so that memory is taken once.

    Raises:
        BatchError: a value is not finite.
    """
    mask = np.arange(lengths.max()) < lengths[:, None]
    sequence = np.zeros((*mask.shape, len(MODEL_FEATURES)), np.float16)
    static = np.empty((len(lengths), len(TRACKING_STATIC)), np.float32)
    target = np.empty(len(lengths), np.float32)
    plays, end = [], 0
    for portion in records:
        here = slice(end, end := end + len(portion.lengths))
        present = np.repeat(portion.player_mask, portion.lengths, axis=0)
        sequence[here][mask[here]] = scale_sequence(portion.values, present)
        static[here], target[here] = portion.static, portion.target
        plays.append(portion.plays)
    batch = Batch(sequence, mask, static, target)
    check_batch(batch, sequence_names=MODEL_FEATURES, static_names=tuple(TRACKING_STATIC))
    return TrackedPlays(pl.concat(plays), batch)
