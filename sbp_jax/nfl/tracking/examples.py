"""Padded plays in buckets of like length, and the batches that training takes from them.

Legend: K plays, M and S columns; B plays of a bucket, T steps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.nfl.errors import TrackingError


@dataclass(frozen=True)
class Examples:
    """All plays of a split.

    Attributes:
        buckets: padded plays; a bucket's plays are padded to the same length. Sequences hold
            `sbp_jax.nfl.tracking.scaling.MODEL_FEATURES` as float16, statics
            `sbp_jax.nfl.tracking.static.TRACKING_STATIC`, targets yards gained.
        rows: (B,) of each bucket: where its plays stand among the K plays of the split.
        plays: K rows, which play each is: `sbp_jax.nfl.tracking.parts.ID_COLUMNS`.
    """

    buckets: tuple[Batch, ...]
    rows: tuple[Int[NDArray, " B"], ...]
    plays: pl.DataFrame

    def __len__(self) -> int:
        """K."""
        return self.plays.height

    def padded(self) -> Batch:
        """All plays in the order of the split, padded to the longest bucket; a copy."""
        steps = max(bucket.mask.shape[1] for bucket in self.buckets)
        sequence = np.zeros(
            (len(self), steps, self.buckets[0].sequence.shape[2]), self.buckets[0].sequence.dtype
        )
        mask = np.zeros((len(self), steps), np.bool_)
        for bucket, rows in zip(self.buckets, self.rows, strict=True):
            sequence[rows, : bucket.mask.shape[1]] = bucket.sequence
            mask[rows, : bucket.mask.shape[1]] = bucket.mask
        static = self.restore([bucket.static for bucket in self.buckets])
        return Batch(sequence, mask, static, self.target())

    def target(self) -> NDArray:
        """(K,) yards gained, in the order of the split."""
        return self.restore([bucket.target for bucket in self.buckets])

    def restore(self, of_buckets: Sequence[NDArray]) -> NDArray:
        """What was found for each bucket, put together in the order of the split.

        Args:
            of_buckets: (B, ...) for each bucket, such as predictions; all of one type, and of the
                same shape but for B.

        Returns:
            (K, ...).

        Raises:
            TrackingError: there are not as many as the buckets and their plays.
        """
        found = [len(values) for values in of_buckets]
        if found != (expected := [len(rows) for rows in self.rows]):
            raise TrackingError(f"of_buckets: expected lengths {expected}, got {found}")
        restored = np.empty((len(self), *np.shape(of_buckets[0])[1:]), of_buckets[0].dtype)
        for rows, values in zip(self.rows, of_buckets, strict=True):
            restored[rows] = values
        return restored


class Draw(NamedTuple):
    """Plays of one batch.

    Attributes:
        bucket: that all of them are in, by its number.
        places: (b,) in the bucket.
    """

    bucket: int
    places: Int[NDArray, " b"]


def draw_batches(
    sizes: Sequence[int], batch_size: int, *, seed: int, epoch: int, drop_last: bool = False
) -> list[Draw]:
    """The batches of an epoch: a pure function of its arguments.

    Every bucket is shuffled and cut into batches, then the batches are shuffled. Another seed or
    another epoch gives another order.

    Args:
        sizes: plays of each bucket.
        batch_size: of every batch but, perhaps, the last of a bucket.
        seed: 0 or more.
        epoch: 0 or more.
        drop_last: leave out what does not fill a batch, so that a program is compiled for one
            shape a bucket. Other plays are left out every epoch.

    Raises:
        ValueError: the size is not positive, or seed or epoch are negative.

    >>> sorted(place for draw in draw_batches([3, 2], 2, seed=0, epoch=0) for place in draw.places)
    [np.int64(0), np.int64(0), np.int64(1), np.int64(1), np.int64(2)]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: expected 1 or more, got {batch_size}")
    if min(seed, epoch) < 0:
        raise ValueError(f"seed, epoch: expected 0 or more, got {seed} and {epoch}")
    rng = np.random.default_rng((seed, epoch))
    draws = []
    for bucket, size in enumerate(sizes):
        order = rng.permutation(size)
        end = size - size % batch_size if drop_last else size
        draws += [
            Draw(bucket, order[start : start + batch_size]) for start in range(0, end, batch_size)
        ]
    return [draws[i] for i in rng.permutation(len(draws))]


def iter_batches(
    examples: Examples, batch_size: int, *, seed: int, epoch: int, drop_last: bool = False
) -> Iterator[Batch]:
    """Padded batches of an epoch, each of one bucket, in the order of `draw_batches`.

    Each is a copy, fit to be sent to a device.

    Args:
        examples: to draw from.
        batch_size: of every batch but, perhaps, the last of a bucket.
        seed: with ``epoch``, decides the order.
        epoch: counted from 0.
        drop_last: leave out what does not fill a batch.

    Raises:
        ValueError: the size is not positive, or seed or epoch are negative.
    """
    sizes = [len(rows) for rows in examples.rows]
    for bucket, places in draw_batches(
        sizes, batch_size, seed=seed, epoch=epoch, drop_last=drop_last
    ):
        yield Batch(*(np.take(array, places, axis=0) for array in examples.buckets[bucket]))
