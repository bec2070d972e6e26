"""Arrays that must have one entry for each row, all of them known."""

from collections.abc import Mapping

import numpy as np

from sbp_jax.errors import EvaluationError


def check_rows(arrays: Mapping[str, np.ndarray], rows: int) -> None:
    """Refuse arrays that do not fit together or have holes.

    Args:
        arrays: by the name that an error is to give; numbers, strings or objects. What has more
            than one dimension has rows along the first.
        rows: how many there must be, at least one.

    Raises:
        EvaluationError: another number of rows, none, a number that is not finite or a null.

    >>> check_rows({"values": np.array([1.0, np.nan])}, 2)
    Traceback (most recent call last):
    sbp_jax.errors.EvaluationError: values: expected finite numbers, got 1 of 2 rows ...
    """
    for name, each in arrays.items():
        if each.shape[:1] != (rows,):
            raise EvaluationError(f"{name}: expected {rows} rows, got shape {each.shape}")
        if not rows:
            raise EvaluationError(f"{name}: expected at least one row, got none")
        if each.dtype.kind == "f":
            holes, wanted = ~np.isfinite(each), "finite numbers"
        else:
            holes, wanted = np.equal(each, np.array(None)), "no null"
        if bad := int(np.count_nonzero(holes.reshape(rows, -1).any(axis=1))):
            raise EvaluationError(f"{name}: expected {wanted}, got {bad} of {rows} rows without")
