"""Plays of like length together, so that little of a padded batch is padding."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.errors import TrackingError

DEFAULT_EDGES: Final = (16, 24, 32, 40, 56, 100)
"""Longest plays of the buckets, in frames: most real passes are thrown after 2 to 6 seconds. With
these, padding is about a seventh of all steps. A bucket is a shape of its own, which a program is
compiled for, so there are not more of them."""


class Bucket(NamedTuple):
    """Plays that are padded to the same length.

    Attributes:
        steps: that length.
        rows: (B,) numbers of the plays, ascending.
    """

    steps: int
    rows: Int[NDArray, " B"]


def check_edges(edges: Sequence[int]) -> None:
    """Refuse edges that are not ascending lengths.

    Raises:
        TrackingError: they are not.
    """
    if not edges or edges[0] < 1 or any(early >= late for early, late in pairwise(edges)):
        raise TrackingError(f"edges: expected ascending lengths from 1 on, got {tuple(edges)}")


def bucket_of(lengths: Int[NDArray, " K"], edges: Sequence[int]) -> Int[NDArray, " K"]:
    """The first edge that a length does not exceed, by its number.

    Args:
        lengths: of K plays.
        edges: ascending.

    Raises:
        TrackingError: the edges do not ascend, or a length exceeds the last of them.

    >>> bucket_of(np.array([8, 16, 17, 100]), (16, 32, 100))
    array([0, 0, 1, 2])
    """
    check_edges(edges)
    bucket = np.searchsorted(np.asarray(edges), lengths)
    if (longer := bucket == len(edges)).any():
        row = int(np.argmax(longer))
        raise TrackingError(
            f"edges: expected the last to be at least the longest play's length, got {edges[-1]} "
            f"and a play of {lengths[row]} frames in row {row}"
        )
    return bucket


def make_buckets(lengths: Int[NDArray, " K"], edges: Sequence[int]) -> tuple[Bucket, ...]:
    """The plays of each edge that has any.

    >>> [(b.steps, b.rows.tolist()) for b in make_buckets(np.array([30, 9, 31]), (16, 20, 32))]
    [(16, [1]), (32, [0, 2])]
    """
    of = bucket_of(lengths, edges)
    return tuple(Bucket(int(edges[i]), np.flatnonzero(of == i)) for i in np.unique(of).tolist())


def padding_share(lengths: Int[NDArray, " K"], edges: Sequence[int]) -> float:
    """The share of all padded steps that are padding.

    >>> padding_share(np.array([10, 15, 32]), (16, 32))
    0.109375
    """
    padded = np.asarray(edges)[bucket_of(lengths, edges)]
    return float(1 - lengths.sum() / padded.sum())
