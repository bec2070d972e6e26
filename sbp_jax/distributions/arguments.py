"""Numbers of a family's description: Python's own, whatever scalar they came as.

A family is hashed and compared, and written into files. So scalars of NumPy and JAX are converted
when it is made, and a traced one, which has no value yet, is refused where it may not stand.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from sbp_jax.errors import InputError

Number = float | int | Any
"""What a family takes for a number: scalars of NumPy and JAX too. It keeps Python's own."""
Whole = int | Any
"""Likewise for a whole number."""
Numbers = Sequence[Number] | np.ndarray | jax.Array | Any
"""Likewise for a row of numbers."""


def number(name: str, value: Any) -> float | int:
    """The value as a float or an int.

    Raises:
        InputError: it is no real number, or traced.

    >>> number("center", np.float32(0.5)), number("center", 7)
    (0.5, 7)
    """
    found = _scalar(name, value, "a number")
    if isinstance(found, bool | str | bytes | complex):
        raise _no(name, "a number", value)
    if type(found) is int and abs(found) < 2**1000:
        return found
    try:
        return float(found)
    except (TypeError, ValueError, OverflowError) as error:
        raise _no(name, "a number", value) from error


def whole(name: str, value: Any, least: int) -> int:
    """The value as an int.

    Raises:
        InputError: it is no whole number from `least` on, or traced.

    >>> whole("components", np.int64(3), 1)
    3
    """
    expected = f"a whole number >= {least}"
    found = _scalar(name, value, expected)
    if type(found) is not int or found < least:
        raise _no(name, expected, value)
    return found


def lengths(name: str, values: Any) -> tuple[int, ...]:
    """Lengths of axes as ints; one number is one axis, as it is to NumPy.

    Raises:
        InputError: they are not all whole numbers from 0 on, or traced.

    >>> lengths("shape", 5), lengths("shape", [2, np.int64(3)])
    ((5,), (2, 3))
    """
    refuse_traced(name, values, "whole numbers")
    alone = isinstance(values, str) or np.ndim(values) == 0
    return tuple(whole(name, value, 0) for value in ([values] if alone else values))


def flag(name: str, value: Any) -> bool:
    """The value as a bool.

    Raises:
        InputError: it is neither true nor false, or traced.
    """
    found = _scalar(name, value, "True or False")
    if not isinstance(found, bool | int) or found not in (0, 1):
        raise _no(name, "True or False", value)
    return bool(found)


def row(name: str, values: Any) -> np.ndarray:
    """The values as an array of float64, of whatever shape it is.

    Raises:
        InputError: not all of them are real numbers, or some are traced.

    >>> row("levels", [0.25, np.float32(0.5), 1]).tolist()
    [0.25, 0.5, 1.0]
    """
    refuse_traced(name, values, "numbers")
    try:
        array = np.asarray(values)
        numeric = array.dtype.kind not in "USc"
        array = array.astype(np.float64) if numeric else array
    except (TypeError, ValueError) as error:
        raise _no(name, "numbers in one row", values) from error
    if not numeric:
        raise _no(name, "numbers in one row", values)
    return array


def pair(name: str, values: Any) -> tuple[float, float]:
    """Two values as floats.

    Raises:
        InputError: they are not two real numbers, or traced.
    """
    array = row(name, values)
    if array.shape != (2,):
        raise _no(name, "two numbers", values)
    return array[0].item(), array[1].item()


def family_of(name: str, value: Any, kind: type | None = None) -> Any:
    """The value itself.

    Raises:
        InputError: it is no family, or not of that kind.
    """
    fits = hasattr(value, "constrain") if kind is None else isinstance(value, kind)
    if isinstance(value, type) or not fits:
        what = "a family, such as Gaussian()" if kind is None else f"a family {kind.__name__}(...)"
        raise _no(name, what, value)
    return value


def refuse_traced(name: str, value: Any, expected: str = "a number") -> None:
    """InputError where a value, or one in it, is traced."""
    for leaf in jax.tree.leaves(value):
        if isinstance(leaf, jax.core.Tracer):
            raise InputError(
                f"{name}: expected {expected} known when the program is built, got a traced one, "
                f"{jax.typeof(leaf)}; make it outside of jax.jit, vmap and grad, of NumPy or Python"
            )


def _scalar(name: str, value: Any, expected: str) -> Any:
    """What a scalar of NumPy or JAX is in Python."""
    refuse_traced(name, value, expected)
    if not (hasattr(value, "item") and hasattr(value, "dtype")):
        return value
    if np.ndim(value):
        raise _no(name, expected, value)
    return value.item()


def _no(name: str, expected: str, value: Any) -> InputError:
    return InputError(f"{name}: expected {expected}, got {value!r}")
