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

from sbp_jax.arrays.tables import Table, as_numbers, check_finite, read_table
from sbp_jax.batch import Batch, check_batch, check_padding_last
from sbp_jax.errors import BatchError, InputError

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
    missing: bool = False,
) -> tuple[Batch, Columns]:
    """One batch of whatever was given, in float64; its target is 0.

    Args:
        x: a table, or sequences; or a `Batch`, which has mask and static in it.
        mask: (B, T) True where a step was observed, of sequences that are one array; observed
            steps come first. Left out, all were observed.
        static: facts beside sequences, a table.
        columns: those that the model knows; others are refused.
        missing: whether numbers may be missing; they are NaN in the batch.

    Raises:
        InputError: text, missing or infinite numbers, sizes that disagree, a mask with holes, or
            other columns than the model's.
    """
    if isinstance(x, Batch):
        return _as_given(x, mask, static, columns)
    if is_sequences(x):
        sequence, observed = _sequences(x, mask)
        facts, names, named = _static_beside(static, len(sequence), missing)
        steps = tuple(f"step {i}" for i in range(sequence.shape[2]))
        check_finite("x", sequence, steps, missing=missing)
    else:
        if mask is not None:
            raise InputError("mask: expected none with a table, got one")
        if static is not None:
            raise InputError("static: expected none with a table, whose columns are x, got one")
        facts, names, named = read_table("x", x, missing=missing)
        sequence = np.zeros((len(facts), 1, 1))
        observed, steps = np.zeros((len(facts), 1), np.bool_), ()
    found = Columns(names, steps, named)
    if columns is not None:
        facts = _as_known(facts, found, columns)
        found = columns
    if not len(facts):
        raise InputError("x: expected at least one row, got none")
    if not found.static and not found.sequence:
        raise InputError("x: expected at least one column, got none")
    return Batch(sequence, observed, facts, np.zeros(len(facts), np.float32)), found


def is_sequences(x: Any) -> bool:
    """Whether x is sequences: an array of three axes, or a list of arrays of two."""
    if isinstance(x, list | tuple):
        try:
            return bool(x) and np.ndim(x[0]) == _ROWS
        except ValueError:  # lists of unequal length, which whoever reads them will refuse
            return False
    return getattr(x, "ndim", 0) == _ROWS + 1


def _sequences(x: Any, mask: Any) -> tuple[Float[NDArray, "B T C"], Bool[NDArray, "B T"]]:
    if isinstance(x, list | tuple):
        if mask is not None:
            raise InputError("mask: expected none with a list of arrays, got one")
        return _padded(x)
    values = as_numbers("x", x)
    if not values.shape[2]:
        raise InputError(f"x: expected columns, got shape {values.shape}")
    try:
        observed = np.ones(values.shape[:2], np.bool_) if mask is None else np.asarray(mask)
    except ValueError as error:
        raise InputError(f"mask: expected rows of equal length, got others ({error})") from None
    if observed.shape != values.shape[:2] or observed.dtype != np.bool_:
        raise InputError(
            f"mask: expected booleans of shape {values.shape[:2]}, got {observed.dtype} of "
            f"{observed.shape}"
        )
    try:
        check_padding_last(observed)
    except BatchError as error:
        raise InputError(str(error).replace("sequence", "x")) from None
    if not values.shape[1]:  # as a list of arrays without a step
        values, observed = (
            np.pad(part, [(0, 0), (0, 1), (0, 0)][: part.ndim]) for part in (values, observed)
        )
    return np.where(observed[..., None], values, 0.0), observed


def _padded(x: Sequence[Any]) -> tuple[Float[NDArray, "B T C"], Bool[NDArray, "B T"]]:
    arrays = [as_numbers(f"x[{i}]", each) for i, each in enumerate(x)]
    columns = arrays[0].shape[1]
    for i, each in enumerate(arrays):
        if each.ndim != _ROWS or each.shape[1] != columns or not columns:
            raise InputError(
                f"x[{i}]: expected steps of {columns or 'some'} columns, got shape {each.shape}"
            )
    lengths = np.array([len(each) for each in arrays])
    observed = np.arange(max(int(lengths.max()), 1)) < lengths[:, None]
    values = np.zeros((*observed.shape, arrays[0].shape[1]))
    values[observed] = np.concatenate(arrays)
    return values, observed


def _static_beside(
    static: Table | None, rows: int, missing: bool
) -> tuple[Float[NDArray, "B S"], tuple[str, ...], bool]:
    if static is None:
        return np.zeros((rows, 0)), (), False
    facts, names, named = read_table("static", static, missing=missing)
    if len(facts) != rows:
        raise InputError(f"static: expected {rows} rows, as many as x, got {len(facts)}")
    return facts, names, named


def _as_known(
    facts: Float[NDArray, "B S"], found: Columns, columns: Columns
) -> Float[NDArray, "B S"]:
    """The columns that a model knows, in its order; of a data frame they go by name."""
    if found.has_sequence != columns.has_sequence:
        kinds = {True: "sequences", False: "a table"}
        raise InputError(
            f"x: expected {kinds[columns.has_sequence]}, as the model was fitted on, got "
            f"{kinds[found.has_sequence]}"
        )
    if len(found.sequence) != len(columns.sequence):
        raise InputError(
            f"x: expected steps of {len(columns.sequence)} columns, got {len(found.sequence)}"
        )
    what = "static" if columns.has_sequence else "x"
    if found.named and columns.named:
        if missing := [name for name in columns.static if name not in found.static]:
            raise InputError(
                f"{what}: expected the columns {list(columns.static)}, got no {missing}"
            )
        return facts[:, [found.static.index(name) for name in columns.static]]
    if facts.shape[1] != len(columns.static):
        raise InputError(f"{what}: expected {len(columns.static)} columns, got {facts.shape[1]}")
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
