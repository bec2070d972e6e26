"""What people have, as one batch: tables, sequences of unequal length, facts beside them.

A table is (B, S) or a data frame of numbers; sequences are (B, T, C) with a mask, or a list of
arrays (T_i, C). Names of a data frame's columns are kept, and the same names are asked for later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from sbp_jax.batch import Batch, check_batch
from sbp_jax.errors import InputError

Table = Any
"""Array of (B, S) numbers, or a pandas or polars data frame of them."""

_ROWS: Final = 2  # axes of a table


@dataclass(frozen=True)
class Columns:
    """Names of the columns that a model was fitted on; None where they had none.

    Attributes:
        static: of the table, or of the facts beside sequences.
        sequence: of a step; empty without sequences.
    """

    static: tuple[str, ...]
    sequence: tuple[str, ...]
    named: bool

    @property
    def has_sequence(self) -> bool:
        """Whether there are sequences."""
        return bool(self.sequence)


def read_inputs(
    x: Any,
    *,
    mask: Any = None,
    static: Table | None = None,
    columns: Columns | None = None,
) -> tuple[Batch, Columns]:
    """One batch of whatever was given; its target is 0.

    Args:
        x: a table, or sequences; or a `Batch`, which has mask and static in it.
        mask: (B, T) True where a step was observed, of sequences that are one array; observed
            steps come first. Left out, all were observed.
        static: facts beside sequences, a table.
        columns: those that the model knows; others are refused.

    Raises:
        InputError: text, missing or infinite numbers, sizes that disagree, a mask with holes, or
            other columns than the model's.
    """
    if isinstance(x, Batch):
        return _as_given(x, mask, static, columns)
    if is_sequences(x):
        sequence, observed = _sequences(x, mask)
        facts, names, named = _static_beside(static, len(sequence))
        steps = tuple(f"step {i}" for i in range(sequence.shape[2]))
    else:
        if mask is not None:
            raise InputError("mask: expected none with a table, got one")
        if static is not None:
            raise InputError("static: expected none with a table, whose columns are x, got one")
        facts, names, named = read_table("x", x)
        sequence = np.zeros((len(facts), 1, 1), np.float32)
        observed, steps = np.zeros((len(facts), 1), np.bool_), ()
    found = Columns(names, steps, named)
    if columns is not None:
        facts = _as_known(facts, found, columns)
        found = columns
    if not len(facts):
        raise InputError("x: expected at least one row, got none")
    target = np.zeros(len(facts), np.float32)
    return Batch(sequence, observed, facts.astype(np.float32), target), found


def is_sequences(x: Any) -> bool:
    """Whether x is sequences: an array of three axes, or a list of arrays of two."""
    if isinstance(x, list | tuple):
        return bool(x) and np.ndim(x[0]) == _ROWS
    return getattr(x, "ndim", 0) == _ROWS + 1


def read_table(what: str, x: Table) -> tuple[Float[NDArray, "B S"], tuple[str, ...], bool]:
    """Numbers of a table, names of its columns, and whether these are the user's own.

    Raises:
        InputError: it is no table of finite numbers.
    """
    named = hasattr(x, "columns")
    try:
        values = np.asarray(x.to_numpy() if named else x)
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: expected numbers, got {_text_in(x, error)}") from error
    if numbers.ndim != _ROWS:
        raise InputError(f"{what}: expected two axes, rows and columns, got shape {numbers.shape}")
    names = tuple(map(str, x.columns)) if named else tuple(f"x{i}" for i in range(values.shape[1]))
    check_finite(what, numbers, names)
    return numbers, names, named


def read_target(y: Any, rows: int) -> Float[NDArray, " B"]:
    """The target as numbers.

    Raises:
        InputError: it is not `rows` finite numbers.
    """
    try:
        values = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"y: expected numbers, got {error}") from error
    values = values[:, 0] if values.ndim == _ROWS and values.shape[1] == 1 else values
    if values.shape != (rows,):
        raise InputError(f"y: expected shape ({rows},), as many as x has rows, got {values.shape}")
    check_finite("y", values[:, None], ("y",))
    return values


def check_finite(what: str, values: NDArray, names: Sequence[str]) -> None:
    """Refuse missing and infinite numbers; the first is named by row and column.

    Raises:
        InputError: there is one.
    """
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            f"{what}: expected finite numbers, got {values[row, column]} in row {row}, column "
            f"{names[column]!r}; fill in what is missing before, or drop those rows"
        )


def _sequences(x: Any, mask: Any) -> tuple[Float[NDArray, "B T C"], Bool[NDArray, "B T"]]:
    if isinstance(x, list | tuple):
        if mask is not None:
            raise InputError("mask: expected none with a list of arrays, got one")
        return _padded(x)
    values = _numbers("x", x)
    observed = np.ones(values.shape[:2], np.bool_) if mask is None else np.asarray(mask)
    if observed.shape != values.shape[:2] or observed.dtype != np.bool_:
        raise InputError(
            f"mask: expected booleans of shape {values.shape[:2]}, got {observed.dtype} of "
            f"{observed.shape}"
        )
    if (observed[:, 1:] & ~observed[:, :-1]).any():
        row = int(np.argwhere(observed[:, 1:] & ~observed[:, :-1])[0, 0])
        raise InputError(
            f"mask: expected observed steps first and padding after, got others in row {row}"
        )
    return _checked_steps(values, observed), observed


def _padded(x: Sequence[Any]) -> tuple[Float[NDArray, "B T C"], Bool[NDArray, "B T"]]:
    arrays = [_numbers(f"x[{i}]", each) for i, each in enumerate(x)]
    for i, each in enumerate(arrays):
        if each.ndim != _ROWS or each.shape[1] != arrays[0].shape[1]:
            raise InputError(
                f"x[{i}]: expected steps of {arrays[0].shape[1]} columns, got shape {each.shape}"
            )
    lengths = np.array([len(each) for each in arrays])
    observed = np.arange(max(int(lengths.max()), 1)) < lengths[:, None]
    values = np.zeros((*observed.shape, arrays[0].shape[1]))
    values[observed] = np.concatenate(arrays)
    return _checked_steps(values, observed), observed


def _numbers(what: str, x: Any) -> NDArray:
    try:
        return np.asarray(x).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: expected numbers, got {error}") from error


def _checked_steps(
    values: Float[NDArray, "B T C"], observed: Bool[NDArray, "B T"]
) -> Float[NDArray, "B T C"]:
    """Steps in float32, zeros in the padding, whatever it held."""
    bad = ~np.isfinite(values).all(axis=2) & observed
    if bad.any():
        row, step = np.argwhere(bad)[0]
        raise InputError(f"x: expected finite numbers, got others in row {row}, step {step}")
    return np.where(observed[..., None], values, 0.0).astype(np.float32)


def _static_beside(
    static: Table | None, rows: int
) -> tuple[Float[NDArray, "B S"], tuple[str, ...], bool]:
    if static is None:
        return np.zeros((rows, 0)), (), False
    facts, names, named = read_table("static", static)
    if len(facts) != rows:
        raise InputError(f"static: expected {rows} rows, as many as x, got {len(facts)}")
    return facts, names, named


def _as_known(
    facts: Float[NDArray, "B S"], found: Columns, columns: Columns
) -> Float[NDArray, "B S"]:
    """The columns that a model knows, in its order; of a data frame they go by name."""
    if len(found.sequence) != len(columns.sequence):
        raise InputError(
            f"x: expected steps of {len(columns.sequence)} columns, got {len(found.sequence)}"
        )
    if found.named and columns.named:
        if missing := [name for name in columns.static if name not in found.static]:
            raise InputError(f"x: expected the columns {list(columns.static)}, got no {missing}")
        return facts[:, [found.static.index(name) for name in columns.static]]
    if facts.shape[1] != len(columns.static):
        raise InputError(f"x: expected {len(columns.static)} columns, got {facts.shape[1]}")
    return facts


def _as_given(
    batch: Batch, mask: Any, static: Any, columns: Columns | None
) -> tuple[Batch, Columns]:
    """A batch that comes whole, its target 0."""
    if mask is not None or static is not None:
        raise InputError("mask, static: expected none with a Batch, which holds them, got some")
    batch = Batch(*map(np.asarray, batch))._replace(target=np.zeros(len(batch.static), np.float32))
    if columns is None:
        steps = batch.sequence.shape[2] if batch.mask.any() else 0
        columns = Columns(
            static=tuple(f"x{i}" for i in range(batch.static.shape[1])),
            sequence=tuple(f"step {i}" for i in range(steps)),
            named=False,
        )
    check_batch(batch, static_names=columns.static, sequence_names=columns.sequence)
    found = batch.static.shape[1], batch.sequence.shape[2] if columns.has_sequence else 0
    if found != (expected := (len(columns.static), len(columns.sequence))):
        raise InputError(
            f"x: expected a Batch with {expected[0]} static columns and steps of {expected[1]}, "
            f"got {found[0]} and {found[1]}"
        )
    return batch, columns


def _text_in(x: Table, error: Exception) -> str:
    """Which column of a data frame is no numbers."""
    for name in getattr(x, "columns", ()):
        try:
            np.asarray(x[name].to_numpy()).astype(np.float64)
        except (TypeError, ValueError):
            return f"others in column {str(name)!r}; encode text as numbers before"
    return str(error)
