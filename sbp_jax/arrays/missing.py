"""Missing numbers as a choice: refused, or filled with their column's mean and marked as such.

Once inputs are scaled the mean of the training part is 0, so a missing number becomes 0; a column
that lacked numbers in the training part gets another beside it, which is 1 where one is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from sbp_jax.arrays.scaling import Scaling
from sbp_jax.batch import Batch
from sbp_jax.errors import InputError

Missing = Literal["refuse", "fill"]
"""Missing numbers are an error, or filled in."""


@dataclass(frozen=True)
class Filling:
    """How many numbers each column lacked in the training part.

    Attributes:
        static: of the S columns of a table, or of the facts beside sequences.
        sequence: of the C columns of a step, over observed steps.
    """

    static: tuple[int, ...]
    sequence: tuple[int, ...]

    @classmethod
    def of(cls, batch: Batch, *, static: Sequence[str], sequence: Sequence[str]) -> "Filling":
        """That of a training part, NaN where a number is missing.

        Args:
            batch: the training part.
            static: names of its columns.
            sequence: names of a step's columns.

        Raises:
            InputError: a column has no number at all, and so no mean.
        """
        counts = []
        for values, names in (
            (batch.static, static),
            (batch.sequence[batch.mask][:, : len(sequence)], sequence),
        ):
            count = np.isnan(values).sum(axis=0)
            if len(values) and (empty := np.flatnonzero(count == len(values))).size:
                raise InputError(
                    f"x: expected a number in the training part of column {names[empty[0]]!r}, "
                    "got none; drop the column"
                )
            counts.append(tuple(map(int, count)))
        return cls(*counts)

    def __call__(self, scaled: Batch) -> Batch:
        """The scaled batch as a network is given it: filled, marks after the columns."""
        static, steps = np.isnan(scaled.static), np.isnan(scaled.sequence)
        return scaled._replace(
            static=_marked(scaled.static, static, self.static),
            sequence=_marked(scaled.sequence, steps, self.sequence),
        )

    def unforeseen(self, batch: Batch) -> tuple[list[int], list[int]]:
        """How many numbers are missing of each column that lacked none in the training part.

        Args:
            batch: NaN where a number is missing.
        """
        found = np.isnan(batch.static).sum(axis=0), np.isnan(batch.sequence).sum(axis=(0, 1))
        static, sequence = (
            [0 if known else int(count) for count, known in zip(counts, train, strict=False)]
            for counts, train in zip(found, (self.static, self.sequence), strict=True)
        )
        return static, sequence


def prepared(batch: Batch, scaling: Scaling, filling: Filling | None) -> Batch:
    """Inputs, NaN where one is missing, as a network is given them."""
    scaled = scaling.inputs(batch)
    return scaled if filling is None else filling(scaled)


def in_words(counts: Sequence[int], names: Sequence[str]) -> list[str]:
    """Counts above 0, each with its column.

    >>> in_words([0, 3], ["age", "height"])
    ["3 in 'height'"]
    """
    return [f"{n:,} in {name!r}" for n, name in zip(counts, names, strict=False) if n]


def _marked(values: NDArray, missing: Bool[NDArray, "..."], counts: tuple[int, ...]) -> NDArray:
    marks = missing[..., [i for i, count in enumerate(counts) if count]]
    filled = np.where(missing, np.float32(0), values)
    return np.concatenate([filled, marks.astype(np.float32)], axis=-1)
