"""Ranges of settings: written at the field, said in one way, refused in one way.

Arguments of functions that are settings too are held against the same types (`refuse_unless`).

A field's type says what it may be: a ``Share`` is a number in [0, 1), a ``Count | None`` a whole
number from 1 on or nothing, and of a ``Literal`` only its values will do. What no range is written
at, a path or a flag, is not looked at.
"""

import functools
import math
import sys
import types
from dataclasses import fields
from numbers import Integral, Real
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np

from sbp_jax.errors import SbpJaxError, SettingError


class Range(NamedTuple):
    """Numbers from ``low`` to ``high``; an infinite one is never among them.

    Attributes:
        low: the least.
        high: the largest.
        above: whether ``low`` itself is left out.
        below: whether ``high`` itself is.

    >>> str(Range(0, 1, below=True)), str(Range(0, above=True)), str(Range())
    ('in [0, 1)', '> 0', '')
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def holds(self, x: float) -> bool:
        """Whether a number is in it; NaN never is."""
        above = x > self.low if self.above else x >= self.low
        below = x < self.high if self.below else x <= self.high
        return above and below and abs(x) < math.inf

    def __str__(self) -> str:
        if self.high < math.inf:
            ends = "(" if self.above else "[", ")" if self.below else "]"
            return f"in {ends[0]}{self.low:g}, {_short(self.high)}{ends[1]}"
        if self.low > -math.inf:
            return f"{'>' if self.above else '>='} {self.low:g}"
        return ""


class NotEmpty:
    """Written at a tuple that has at least one entry."""


Count = Annotated[int, Range(1)]
"""1, 2, 3 ..."""

Whole = Annotated[int, Range(0)]
"""0, 1, 2 ..."""

Seed = Annotated[int, Range(0, 2**31, below=True)]
Positive = Annotated[float, Range(0, above=True)]
NotNegative = Annotated[float, Range(0)]
Finite = Annotated[float, Range()]

Share = Annotated[float, Range(0, 1, below=True)]
"""Of something of which a part is left."""

Probability = Annotated[float, Range(0, 1)]

Several = Annotated[int, Range(2)]
"""2, 3 ...: of fewer there is no standard deviation."""

TailMass = Annotated[float, Range(0, 0.5, above=True, below=True)]
"""Probability of one of two tails."""


def refuse_out_of_range(settings: Any, error: type[SbpJaxError] = SettingError) -> None:
    """Raise for the first field of a dataclass that is not what its type says.

    Numbers may be those of NumPy and JAX, and become Python's, which can be written to a file and
    compared. Traced ones have no value yet: whoever traces them has checked them before.

    Args:
        settings: the dataclass, in its ``__post_init__``.
        error: type of what is raised.

    Raises:
        SettingError: or the type that was asked for; it names field, range and value.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Settings:
    ...     dropout: Share = 0.0
    ...
    ...     def __post_init__(self) -> None:
    ...         refuse_out_of_range(self)
    >>> Settings(dropout=1.5)
    Traceback (most recent call last):
    sbp_jax.errors.SettingError: dropout: expected a number in [0, 1), got 1.5
    """
    of: type = type(settings)
    for name, hint in limited_fields(of).items():
        value = getattr(settings, name)
        refuse_unless(hint, error, **{name: value})
        object.__setattr__(settings, name, _plain(value))  # the dataclass may be frozen


def refuse_unless(hint: Any, error: type[SbpJaxError] = SettingError, **values: Any) -> None:
    """Raise for the first argument that is not what a type with a range says.

    Args:
        hint: the type, such as ``Count``.
        error: type of what is raised.
        values: arguments by name.

    Raises:
        SettingError: or the type that was asked for; it names argument, range and value.

    >>> refuse_unless(Count, draws=10, bins=0)
    Traceback (most recent call last):
    sbp_jax.errors.SettingError: bins: expected a whole number >= 1, got 0
    """
    for name, value in values.items():
        if not _fits(value, hint):
            raise error(f"{name}: expected {_said(hint)}, got {value!r}")


@functools.cache
def limited_fields(of: type) -> dict[str, Any]:
    """The fields of a dataclass that have a range, and their types.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Settings:
    ...     name: str
    ...     epochs: Count
    >>> list(limited_fields(Settings))
    ['epochs']
    """
    hints = get_type_hints(of, include_extras=True)
    names = [field.name for field in fields(of)]
    return {name: hints[name] for name in names if _is_limited(hints[name])}


def _is_limited(hint: Any) -> bool:
    inner = [x for x in get_args(hint) if x not in (types.NoneType, Ellipsis)]
    match get_origin(hint):
        case origin if origin is Annotated:
            notes = hint.__metadata__
            return any(isinstance(x, Range) or x is NotEmpty for x in notes) or _is_limited(
                inner[0]
            )
        case origin if origin is Literal:
            return True
        case origin if origin in (Union, types.UnionType, tuple):
            return bool(inner) and all(map(_is_limited, inner))
    return False


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        ranges = [note for note in hint.__metadata__ if isinstance(note, Range)]
        if ranges:
            return _is_traced(value) or _is_number(value, inner[0], ranges)
        return _fits(value, inner[0]) and (NotEmpty not in hint.__metadata__ or len(value) > 0)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        of_each = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(value) == len(of_each) and all(map(_fits, value, of_each))
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    return hint is not types.NoneType or value is None


def _plain(value: Any) -> Any:
    """Numbers of NumPy and JAX as Python's, also in a tuple; all else as it is."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    is_array = isinstance(value, np.generic | np.ndarray) or _is_of_jax(value)
    return value.item() if is_array and value.shape == () and not _is_traced(value) else value


def _is_of_jax(value: Any) -> bool:
    """Whether it is an array of JAX, which is not imported for those who have none."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def _is_traced(value: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer)


def _is_number(value: Any, of: type, ranges: list[Range]) -> bool:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, Integral if of is int else Real):
        return False
    return all(one.holds(value) for one in ranges)  # type: ignore[arg-type]


def _said(hint: Any) -> str:
    """What is expected, in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        ranges = [note for note in hint.__metadata__ if isinstance(note, Range)]
        if not ranges:
            return f"{_said(inner[0])}, at least one"
        open_ended = ranges[0].high == math.inf or ranges[0].low == -math.inf
        number = "whole number" if inner[0] is int else "finite number" if open_ended else "number"
        return f"a {number} {ranges[0]}".rstrip()
    if origin is Literal:
        return f"one of {inner}"
    if origin is tuple:
        if inner[-1] is Ellipsis:
            each = _said(inner[0])
            return f"a tuple of {each.removeprefix('a ').replace('number', 'numbers')}"
        return f"a tuple of {' and '.join(map(_said, inner))}"
    if origin in (Union, types.UnionType):
        return " or ".join(sorted(map(_said, inner), key="None".__ne__))
    return "None" if hint is types.NoneType else hint.__name__


def _short(number: float) -> str:
    """Powers of two from 2**16 on are written as such."""
    power = math.log2(number) if number >= 2**16 else 0.5
    return f"2**{power:.0f}" if power == int(power) else f"{number:g}"
