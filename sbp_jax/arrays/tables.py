"""Numbers of whatever people keep tables and targets in, or one clear error."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.errors import InputError
from sbp_jax.export.arrays import LARGEST

Table = Any
"""Array of (B, S) numbers, or a pandas or polars data frame of them."""

_ROWS: Final = 2  # axes of a table
_WORDS: Final = {"U": "text", "S": "text", "M": "dates", "m": "durations", "c": "complex numbers"}


def read_table(
    what: str, x: Table, *, missing: bool = False
) -> tuple[Float[NDArray, "B S"], tuple[str, ...], bool]:
    """Numbers of a table, names of its columns, and whether these are the user's own.

    Args:
        what: name of the argument, for messages.
        x: the table.
        missing: whether numbers may be missing; they are NaN in what is returned.

    Raises:
        InputError: it is no table of finite numbers, or two columns have one name.
    """
    named = hasattr(x, "to_numpy") and hasattr(x, "columns")
    numbers = _of_frame(what, x) if named else as_numbers(what, x)
    if numbers.ndim != _ROWS:
        raise InputError(
            f"{what}: expected two axes, rows and columns, got shape {numbers.shape}"
            + (
                "; a column is x.reshape(-1, 1), a row x.reshape(1, -1)"
                if numbers.ndim == 1
                else ""
            )
        )
    names = tuple(map(str, x.columns)) if named else tuple(f"x{i}" for i in range(numbers.shape[1]))
    check_finite(what, numbers, names, missing=missing)
    return numbers, names, named


def read_target(y: Any, rows: int) -> Float[NDArray, " B"]:
    """The target as numbers.

    Raises:
        InputError: it is not `rows` finite numbers.
    """
    values = as_numbers("y", y.to_numpy() if hasattr(y, "to_numpy") else y)
    values = values[:, 0] if values.ndim == _ROWS and values.shape[1] == 1 else values
    if values.shape != (rows,):
        raise InputError(f"y: expected shape ({rows},), as many as x has rows, got {values.shape}")
    check_finite("y", values[:, None], ("y",))
    return values


def as_numbers(what: str, x: Any) -> NDArray[np.float64]:
    """An array of numbers; what is masked or None is NaN.

    Raises:
        InputError: text, dates, complex numbers, rows of unequal length, or no array at all.
    """
    try:
        values = np.ma.asarray(x) if isinstance(x, np.ma.MaskedArray) else np.asarray(x)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: expected an array of numbers, got {error}") from error
    if values.ndim == 0 and values.dtype.kind == "O":
        raise InputError(f"{what}: expected an array of numbers, got {_type_of(x)}")
    if values.dtype.kind == "O":
        # float() reads text: "7" is a number there, and is none of ours.
        odd = next((each for each in values.flat if isinstance(each, str | bytes)), None)
        if odd is not None:
            raise InputError(f"{what}: expected numbers, got text, {odd!r}; encode it before")
        values = np.array([None if _is_missing(each) else each for each in values.flat], object)
        values = values.reshape(np.shape(x))
    if values.dtype.kind in _WORDS:
        raise InputError(
            f"{what}: expected numbers, got {_WORDS[values.dtype.kind]}; encode them before"
        )
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{what}: expected numbers, got others: {error}") from error
    return np.ma.filled(numbers, np.nan)


def check_finite(
    what: str, values: NDArray, names: Sequence[str], *, missing: bool = False
) -> None:
    """Refuse numbers that are infinite or beyond 1e30, and missing ones; the first is named.

    Args:
        what: name of the argument.
        values: (..., S) numbers.
        names: of the S columns.
        missing: allow NaN.

    Raises:
        InputError: there is one.
    """
    good = np.abs(values) <= LARGEST
    if missing:
        good |= np.isnan(values)
    if good.all():
        return
    row, *step, column = np.argwhere(~good)[0]
    found = values[row, *step, column]
    place = f"row {row}, " + (f"step {step[0]}, " if step else "") + f"column {names[column]!r}"
    if np.isfinite(found):
        raise InputError(f"{what}: expected numbers within 1e30, got {found:g} in {place}")
    advice = "fill in what is missing before, or drop those rows"
    if what != "y":
        advice += ", or fit with missing='fill'"
    raise InputError(
        f"{what}: expected finite numbers, got {found} in {place}"
        + (f"; {advice}" if np.isnan(found) else "")
    )


def _of_frame(what: str, x: Table) -> NDArray[np.float64]:
    """Numbers of a data frame, column by column, so that a message can name the column."""
    names = [str(name) for name in x.columns]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{what}: expected columns of different names, got {doubled} twice")
    if not names:
        return np.zeros((len(x), 0))
    columns = [
        as_numbers(f"{what}, column {name!r}", x[key].to_numpy())
        for key, name in zip(x.columns, names, strict=True)
    ]
    return np.stack(columns, axis=-1)


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType"


def _type_of(x: Any) -> str:
    return "None" if x is None else f"a {type(x).__name__}"
