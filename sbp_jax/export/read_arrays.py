"""What people ask a served model about: tables, data frames, sequences of unequal length.

The rules of `sbp_jax.arrays.inputs`, with NumPy alone; what is wrong is told by `inputs`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import BatchError
from sbp_jax.export import inputs


class Columns(NamedTuple):
    """Columns that a model was fitted on, and whether the static ones' names are the user's."""

    static: tuple[str, ...]
    sequence: tuple[str, ...]
    named: bool


def read_arrays(x: Any, mask: Any, static: Any, columns: Columns) -> tuple[Any, Any, Any]:
    """Sequence, mask and static of whatever was given; None for what a model does not read.

    Args:
        x: a table (B, S) or a data frame; or sequences (B, T, C), or a list of arrays (T_i, C).
        mask: of sequences that are one array; all steps were observed if left out.
        static: a table beside sequences.
        columns: of the model.

    Raises:
        BatchError: a mask or a table where none belongs, a column that is missing, or sequences
            that are none.
    """
    if not columns.sequence:
        if mask is not None or static is not None:
            raise BatchError("mask, static: expected none with a table, whose columns are x")
        return None, None, _table("x", x, columns)
    if isinstance(x, list | tuple):
        if mask is not None:
            raise BatchError("mask: expected none with a list of arrays, got one")
        sequence, observed = _padded(x, len(columns.sequence))
    else:
        sequence = inputs.columns("x", x, columns.sequence, 3)
        observed = np.ones(sequence.shape[:2], np.bool_) if mask is None else mask
    facts = np.zeros((len(sequence), 0)) if static is None else _table("static", static, columns)
    return sequence, observed, facts


def _table(what: str, x: Any, columns: Columns) -> NDArray:
    """The columns that the model knows, in its order; of a data frame they go by name."""
    if not (hasattr(x, "to_numpy") and hasattr(x, "columns")):
        return inputs.numbers(what, x)
    names = [str(name) for name in x.columns]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise BatchError(f"{what}: expected columns of different names, got {doubled} twice")
    values = inputs.numbers(what, x.to_numpy())
    if not columns.named:
        return values
    if missing := [name for name in columns.static if name not in names]:
        raise BatchError(f"{what}: expected the columns {list(columns.static)}, got no {missing}")
    return values[:, [names.index(name) for name in columns.static]]


def _padded(x: Sequence[Any], channels: int) -> tuple[NDArray, NDArray[np.bool_]]:
    arrays = [inputs.numbers(f"x[{i}]", each) for i, each in enumerate(x)]
    if not arrays:
        raise BatchError("x: expected at least one row, got none")
    for i, each in enumerate(arrays):
        if each.ndim != 2 or each.shape[1] != channels:
            raise BatchError(f"x[{i}]: expected steps of {channels} columns, got {each.shape}")
    lengths = np.array([len(each) for each in arrays], int)
    observed = np.arange(max(lengths.max(), 1)) < lengths[:, None]
    values = np.zeros((*observed.shape, channels))
    values[observed] = np.concatenate(arrays)
    return values, observed
