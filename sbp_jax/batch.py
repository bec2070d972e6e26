"""The one shape in which examples reach a model: masked, padded sequences and static facts."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import NDArray

from sbp_jax.errors import BatchError

# NumPy on the host, JAX on a device: the same fields hold both, which a static checker could
# only follow with a cast at every use.
if TYPE_CHECKING:
    Arrayish = Any
else:
    Arrayish = Array | NDArray

_ROWS: Final = 4096  # checked at once, which bounds the memory in between


class Batch(NamedTuple):
    """Examples with observed steps first and padding after.

    A prediction never depends on what the padding holds nor on how much of it there is. An
    example may have no observed step at all (the first snap of a game).

    Attributes:
        sequence: (B, T, C) features of each step.
        mask: (B, T) True where a step was observed; True values come first in every row.
        static: (B, S) facts about the example as a whole.
        target: (B,) what is to be predicted, in its own unit (yards).

    >>> batch = Batch(np.zeros((2, 3, 4)), np.ones((2, 3), bool), np.zeros((2, 5)), np.zeros(2))
    >>> batch.sequence.shape
    (2, 3, 4)
    """

    sequence: Float[Arrayish, "B T C"]
    mask: Bool[Arrayish, "B T"]
    static: Float[Arrayish, "B S"]
    target: Float[Arrayish, " B"]


def check_batch(
    batch: Batch, *, sequence_names: tuple[str, ...] = (), static_names: tuple[str, ...] = ()
) -> None:
    """Refuse a host-side batch that would poison training, naming the row and the column.

    Args:
        batch: NumPy arrays.
        sequence_names: names of the C columns, for the message.
        static_names: names of the S columns, for the message.

    Raises:
        BatchError: shapes disagree, the set is empty, an observed step follows padding, or a
            value is not finite.

    >>> bad = Batch(np.zeros((1, 1, 1)), np.ones((1, 1), bool), np.array([[np.nan]]), np.zeros(1))
    >>> check_batch(bad, static_names=("air_yards",))
    Traceback (most recent call last):
    sbp_jax.errors.BatchError: static: expected finite values, got nan in row 0, column 'air_yards'
    """
    sequence, mask, static, target = batch
    if sequence.ndim != 3 or mask.ndim != 2 or static.ndim != 2 or target.ndim != 1:
        raise BatchError(
            "expected sequence (B, T, C), mask (B, T), static (B, S), target (B,), got "
            f"{sequence.shape}, {mask.shape}, {static.shape}, {target.shape}"
        )
    rows = {array.shape[0] for array in batch}
    if len(rows) != 1 or mask.shape[1] != sequence.shape[1]:
        raise BatchError(
            "expected equal numbers of rows and steps, got "
            f"{sequence.shape}, {mask.shape}, {static.shape}, {target.shape}"
        )
    if rows == {0}:
        raise BatchError("expected at least one example, got an empty set")
    if mask.dtype != np.bool_:
        raise BatchError(f"mask: expected dtype bool, got {mask.dtype}")
    check_padding_last(mask)
    _check_finite("sequence", sequence, sequence_names, mask)
    _check_finite("static", static, static_names)
    _check_finite("target", target[:, None], ("target",))


def check_padding_last(mask: Bool[Arrayish, "B T"]) -> None:
    """Refuse a mask with padding before an observed step; one that is traced has no value yet.

    Raises:
        BatchError: it says how to turn the padding to the end.

    >>> left = np.array([[False, True, True]])
    >>> check_padding_last(np.take_along_axis(left, np.argsort(~left, 1, "stable"), 1))
    """
    if isinstance(mask, jax.core.Tracer):
        return
    observed = np.asarray(mask, np.bool_)
    if (late := (~observed[:, :-1] & observed[:, 1:]).any(axis=1)).any():
        raise BatchError.of_padding_first(int(np.argmax(late)))


def _check_finite(
    where: str, values: NDArray, names: tuple[str, ...], mask: NDArray | None = None
) -> None:
    """Raise for the first value that is not finite; the last axis holds the named columns."""
    for start in range(0, len(values), _ROWS):
        part = slice(start, start + _ROWS)
        finite = np.isfinite(values[part])
        if mask is not None:
            finite |= ~mask[part, :, None]
        if finite.all():
            continue
        row, *rest = (int(i) for i in np.argwhere(~finite)[0])
        at = (row + start, *rest)
        column = repr(names[at[-1]]) if names else str(at[-1])
        step = f", step {at[1]}" if len(at) == 3 else ""
        raise BatchError(
            f"{where}: expected finite values, got {values[at]} in row {at[0]}{step}, "
            f"column {column}"
        )
