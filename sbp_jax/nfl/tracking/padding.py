"""Plays of all lengths to one batch: scaled, padded on the right, checked.

Plays are put into buckets of like length by the training alone (`training.length_buckets`), which
cuts them to the longest of their bucket.

Legend: K plays, N frames of all of them, C physical and M scaled columns, S statics, 22 players.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch, check_batch
from sbp_jax.errors import BatchError
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, scale_sequence
from sbp_jax.nfl.tracking.static import TRACKING_STATIC


class Portion(NamedTuple):
    """Some plays, one after the other.

    Attributes:
        lengths: (K,) frames of each.
        values: (N, C) `SEQUENCE_FEATURES` of all their frames.
        player_mask: (K, 22) True where the source has the player.
        static: (K, S) `TRACKING_STATIC`.
        target: (K,) yards gained.
    """

    lengths: Int[NDArray, " K"]
    values: Float[NDArray, "N C"]
    player_mask: Bool[NDArray, "K 22"]
    static: Float[NDArray, "K S"]
    target: Float[NDArray, " K"]


def pad_plays(portions: Sequence[Portion]) -> Batch:
    """One batch of all plays in their order, sequences `MODEL_FEATURES` as float16.

    Args:
        portions: the plays; only one portion is scaled at a time, so that memory is that of the
            batch and of the portions.

    Raises:
        BatchError: there are no plays, or a value is not finite (named by row and column).
    """
    if not sum(len(portion.lengths) for portion in portions):
        raise BatchError("expected at least one example, got an empty set")
    lengths = np.concatenate([portion.lengths for portion in portions])
    mask = np.arange(lengths.max()) < lengths[:, None]
    sequence = np.zeros((*mask.shape, len(MODEL_FEATURES)), np.float16)
    first = 0
    for portion in portions:
        rows = slice(first, first := first + len(portion.lengths))
        of_frames = np.repeat(portion.player_mask, portion.lengths, axis=0)
        sequence[rows][mask[rows]] = scale_sequence(portion.values, of_frames)
    batch = Batch(
        sequence,
        mask,
        np.concatenate([portion.static for portion in portions]),
        np.concatenate([portion.target for portion in portions]),
    )
    check_batch(batch, sequence_names=MODEL_FEATURES, static_names=tuple(TRACKING_STATIC))
    return batch
