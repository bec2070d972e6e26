"""Checks of what a user asks a served model about.

Like `sbp_jax.batch.check_batch`, which needs more than NumPy, but for a model that knows its
columns.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbp_jax.errors import BatchError


def columns(where: str, values: ArrayLike, names: tuple[str, ...], ndim: int) -> NDArray:
    """Return values as an array of that many dimensions, the last one holding the named columns.

    >>> columns("static", np.zeros((2, 3)), ("down", "distance"), 2)
    Traceback (most recent call last):
    sbp_jax.errors.BatchError: static: expected (B, 2) with columns down, distance, got (2, 3)
    """
    array = np.asarray(values)
    if array.ndim != ndim or array.shape[-1] != len(names):
        axes = ("B", "T")[: ndim - 1]
        expected = ", ".join((*axes, str(len(names))))
        raise BatchError(
            f"{where}: expected ({expected}) with columns {', '.join(names)}, got {array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise BatchError(f"{where}: expected numbers, got dtype {array.dtype}")
    return array


def steps(mask: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the mask (B, T); BatchError unless it is bool, of that shape, padding last."""
    array = np.asarray(mask)
    if array.shape != shape or array.dtype != np.bool_:
        raise BatchError(
            f"mask: expected bool of shape {shape}, got {array.dtype} of shape {array.shape}"
        )
    if (late := (~array[:, :-1] & array[:, 1:]).any(axis=1)).any():
        raise BatchError.of_padding_first(int(np.argmax(late)))
    return array


def finite(where: str, values: NDArray, names: tuple[str, ...], mask: NDArray | None) -> None:
    """BatchError for the first value that is not finite, padding excepted.

    >>> finite("static", np.array([[np.nan]]), ("down",), None)
    Traceback (most recent call last):
    sbp_jax.errors.BatchError: static: expected finite values, got nan in row 0, column 'down'
    """
    odd = ~np.isfinite(values)
    if mask is not None:
        odd &= mask[..., None]
    if not odd.any():
        return
    at = tuple(int(i) for i in np.argwhere(odd)[0])
    step = f", step {at[1]}" if len(at) == 3 else ""
    raise BatchError(
        f"{where}: expected finite values, got {values[at]} in row {at[0]}{step}, "
        f"column {names[at[-1]]!r}"
    )
