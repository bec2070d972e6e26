"""A table must have the columns that are read from it."""

from collections.abc import Iterable

import polars as pl

from sbp_jax.errors import SbpJaxError


def require_columns(
    table: object, frame: pl.DataFrame, needed: Iterable[str], error: type[SbpJaxError]
) -> None:
    """Refuse a table that lacks columns, and name them.

    Args:
        table: what messages call it, or its path.
        frame: the table.
        needed: names of columns.
        error: what to raise.

    >>> from sbp_jax.errors import BatchError
    >>> require_columns("plays", pl.DataFrame({"down": [1]}), ["down", "yards"], BatchError)
    Traceback (most recent call last):
    sbp_jax.errors.BatchError: plays: expected the columns yards, which are missing
    """
    if missing := [name for name in needed if name not in frame.columns]:
        raise error(f"{table}: expected the columns {', '.join(missing)}, which are missing")
