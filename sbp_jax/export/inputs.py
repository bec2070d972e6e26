"""Checks of what a user asks a served model about.

Like `sbp_jax.batch.check_batch`, which needs more than NumPy, but for a model that knows its
columns.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbp_jax.errors import BatchError

_LARGEST: Final = float(np.finfo(np.float32).max)  # networks compute in float32


def numbers(where: str, values: Any) -> NDArray:
    """Return values as an array of numbers; None, pandas' NA and what is masked are NaN.

    >>> numbers("x", [[1.0, None]])
    array([[ 1., nan]])
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise BatchError(f"{where}: expected an array of numbers, got {error}") from error
    if array.dtype.kind == "O" and array.ndim:
        array = _of_objects(array)
    if array.dtype.kind not in "biuf":
        raise BatchError(f"{where}: expected numbers, got dtype {array.dtype}")
    if isinstance(values, np.ma.MaskedArray):
        array = np.where(np.ma.getmaskarray(values), np.nan, array)
    return array


def _of_objects(array: NDArray) -> NDArray:
    """The numbers among them, or the array as it is if some are none; float() would read text."""
    if any(isinstance(each, str | bytes) for each in array.flat):
        return array
    try:
        found = [np.nan if _is_missing(each) else float(each) for each in array.flat]
    except (TypeError, ValueError, OverflowError):
        return array
    return np.array(found, np.float64).reshape(array.shape)


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType"


def columns(where: str, values: ArrayLike, names: tuple[str, ...], ndim: int) -> NDArray:
    """Return values as an array of that many dimensions, the last one holding the named columns.

    >>> columns("static", np.zeros((2, 3)), ("down", "distance"), 2)
    Traceback (most recent call last):
    sbp_jax.errors.BatchError: static: expected (B, 2) with columns down, distance, got (2, 3)
    """
    array = numbers(where, values)
    if array.ndim != ndim or array.shape[-1] != len(names):
        axes = ("B", "T")[: ndim - 1]
        expected = ", ".join((*axes, str(len(names))))
        raise BatchError(
            f"{where}: expected ({expected}) with columns {', '.join(names)}, got {array.shape}"
        )
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


def finite(
    where: str,
    values: NDArray,
    names: tuple[str, ...],
    mask: NDArray | None,
    largest: float = _LARGEST,
) -> None:
    """BatchError for the first value that is not finite or is too large, padding excepted.

    >>> finite("static", np.array([[np.nan]]), ("down",), None)
    Traceback (most recent call last):
    sbp_jax.errors.BatchError: static: expected finite values, got nan in row 0, column 'down'
    """
    if values.dtype.kind != "f":
        return
    odd = ~(np.abs(values) <= min(largest, float(np.finfo(values.dtype).max)))
    if mask is not None:
        odd &= mask[..., None]
    if not odd.any():
        return
    at = tuple(int(i) for i in np.argwhere(odd)[0])
    step = f", step {at[1]}" if len(at) == 3 else ""
    expected = f"numbers within {largest:.2g}" if np.isfinite(values[at]) else "finite values"
    raise BatchError(
        f"{where}: expected {expected}, got {values[at]} in row {at[0]}{step}, "
        f"column {names[at[-1]]!r}"
    )
