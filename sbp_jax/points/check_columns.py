"""A table must have the columns that are read from it."""

from collections.abc import Iterable

import polars as pl

from sbp_jax.points.errors import PointsError


def check_columns(table: str, frame: pl.DataFrame, needed: Iterable[str]) -> None:
    """Refuse a table that lacks columns, and name them.

    Raises:
        PointsError: a column is missing.
    """
    if missing := [name for name in needed if name not in frame.columns]:
        raise PointsError(f"{table}: expected the columns {', '.join(missing)}, which are missing")
