"""One series from a column of a CSV file."""

from pathlib import Path

import numpy as np
import polars as pl

from sbp_jax.errors import SeriesError
from sbp_jax.series.series import Series, make_series
from sbp_jax.series.times import parse_times


def read_series(
    path: Path | str,
    *,
    value: str = "value",
    timestamp: str | None = "timestamp",
    time_format: str | None = None,
    name: str | None = None,
) -> Series:
    r"""Read a series from a CSV file, which may be compressed (.gz, .zst).

    An empty field, ``NA``, ``nan``, ``None`` or ``null`` is a missing value. Times are numbers, or
    dates that can be read in one way (`parse_times`); they are never compared as text.

    Args:
        path: of the file.
        value: its column of numbers.
        timestamp: its column of times; None to go by the order of the rows.
        time_format: how they are written, such as ``%m/%d/%Y``, where that is not clear.
        name: of the series; the file's name up to its first dot if left out.

    Raises:
        SeriesError: the file is missing or no CSV, a column is missing, a value is no number, or
            anything that `make_series` refuses.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mentions.csv"
    ...     _ = path.write_text("timestamp,value\n2015-02-26 21:42,7\n2015-02-26 21:47,\n"
    ...                         "2015-02-26 21:52,9\n")
    ...     series = read_series(path)
    >>> series.name, series.values.tolist()
    ('mentions', [7.0, nan, 9.0])
    """
    path = Path(path)
    if not path.is_file():
        raise SeriesError(
            f"{path}: expected a CSV file, got {'a folder' if path.exists() else 'none'}"
        )
    wanted = [value] if timestamp is None else [timestamp, value]
    try:
        table = pl.read_csv(
            path,
            infer_schema=False,
            null_values=["", "NA", "nan", "NaN", "None", "null"],
        )
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise SeriesError(f"{path}: cannot be read as CSV: {error}") from None
    for column in wanted:
        if column not in table.columns:
            raise SeriesError(
                f"{path}: expected a column {column!r}, got {', '.join(table.columns)}"
            )
    texts = table[value]
    numbers = texts.str.strip_chars().cast(pl.Float64, strict=False)
    if (bad := numbers.is_null() & texts.is_not_null()).any():
        row = int(bad.arg_max() or 0)
        raise SeriesError(f"{path}: {value}: expected a number, got {texts[row]!r} in row {row}")
    times = None
    if timestamp is not None:
        times = _times(table[timestamp], f"{path}: {timestamp}", time_format)
    return make_series(
        numbers.fill_null(np.nan).to_numpy(), times, name=name or path.name.split(".")[0]
    )


def _times(texts: pl.Series, where: str, time_format: str | None) -> np.ndarray:
    if texts.null_count():
        raise SeriesError(f"{where}: expected a time, got none in row {texts.is_null().arg_max()}")
    return parse_times(texts, where, time_format)
