"""Columns of raw files: by which names they go, what they hold, and how they are read.

CSV, gzip CSV and parquet give the same. Empty, NA, None and NaN are missing values. Ids may
be written as integers or as floats, such as 2495438.0.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from sbp_jax.nfl.errors import LayoutError, TrackingFileError

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet")

_MISSING: Final = ("", "NA", "None", "NaN", "nan")
_MISSING_NUMBERS: Final = ["NA", "None"]
"""Of `_MISSING` those that polars does not know; each costs time for every value of a file."""

_TIME_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
)
_TAIL_BYTES: Final = 1 << 16


class Kind(Enum):
    """What a column holds."""

    ID = "a whole number"
    NUMBER = "a number"
    TEXT = "text"
    TIME = "a time such as 2022-09-08 20:24:05.2"


_PARSED_AS: Final = {
    Kind.ID: pl.Float64,
    Kind.NUMBER: pl.Float32,
    Kind.TEXT: pl.String,
    Kind.TIME: pl.String,
}


@dataclass(frozen=True)
class Column:
    """A column of a raw file.

    Attributes:
        kind: what it holds; `Kind.ID` becomes Int64, `Kind.NUMBER` Float32, `Kind.TEXT` String;
            `Kind.TIME` stays what it is in the file, for `milliseconds`.
        names: in the file. Of several, the first that has a value in a row counts.
        needed: without any of the names the file is refused; else the column is all missing.
    """

    kind: Kind
    names: tuple[str, ...]
    needed: bool = True


Columns = Mapping[str, Column]
"""From our names to those of a file."""


def column_names(path: Path) -> list[str]:
    """Names of the columns of a file.

    Raises:
        TrackingFileError: the file cannot be read.
    """
    with _readable(path):
        return _scan(path, {}).collect_schema().names()


class Scan(NamedTuple):
    """Columns of a file that is not yet read; collect within `errors_of`.

    Attributes:
        frame: the columns under our names, as the file has them.
        values: our name of each and the expression on ``frame`` that gives it our type. Kept
            apart, so that rows can be left out before time is spent on them.
    """

    frame: pl.LazyFrame
    values: Mapping[str, pl.Expr]


def scan_columns(path: Path, columns: Columns) -> Scan:
    """Prepare to read the columns.

    Args:
        path: a file of one of `SUFFIXES`.
        columns: our name of each and what to look for.

    Raises:
        LayoutError: a needed column is missing.
        TrackingFileError: the file cannot be read.
    """
    with _readable(path):
        found = _scan(path, {}).collect_schema().names()
        check_columns(path, found, columns)
        frame = _scan(path, columns).select(
            _first_value(column, found).alias(ours) for ours, column in columns.items()
        )
        schema = frame.collect_schema()
        values = {
            ours: _converted(pl.col(ours), schema[ours], column.kind).alias(ours)
            for ours, column in columns.items()
        }
    return Scan(frame, values)


def read_columns(path: Path, columns: Columns) -> pl.DataFrame:
    """The columns, under our names and with our types.

    Raises:
        LayoutError: a needed column is missing.
        TrackingFileError: the file cannot be read, or a value is not what its column holds.
    """
    frame, values = scan_columns(path, columns)
    with errors_of(path, columns):
        return frame.select(values.values()).collect()


def milliseconds(times: pl.Series) -> pl.Series:
    """Times as Int64 milliseconds since 1970.

    Kept out of `scan_columns`, because a time stands in 23 rows: polars parses each different
    text once in a whole column, but anew in every piece of a stream.

    Args:
        times: texts of one of the known formats, or times.

    Raises:
        PolarsError: a text is no time; see `errors_of`.

    >>> milliseconds(pl.Series(["1970-01-01 00:00:02", "1970-01-01 00:00:02.3", "NA"])).to_list()
    [2000, 2300, None]
    """
    if times.dtype == pl.String:
        column = times.alias("time").to_frame().select(_text(pl.col("time"))).to_series()
        times = column.str.to_datetime(_time_format(column.drop_nulls().head(1)), time_unit="ms")
    return times.dt.epoch("ms")


@contextlib.contextmanager
def errors_of(path: Path, columns: Columns) -> Iterator[None]:
    """Turn what polars raises while it collects these columns into an error that names the row."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        with contextlib.suppress(pl.exceptions.PolarsError, OSError):
            refuse_bad_values(path, columns)
        raise TrackingFileError(f"{path.name}: {_reason(error)}") from error
    if path.suffix == ".csv":
        _refuse_broken_tail(path)


def check_columns(path: Path, found: list[str], columns: Columns) -> None:
    """Refuse a file without a needed column.

    Raises:
        LayoutError: names the file, the column, and what there is.
    """
    for column in columns.values():
        if column.needed and not set(column.names) & set(found):
            raise LayoutError(
                f"{path.name}: expected a column {' or '.join(column.names)}, "
                f"got {', '.join(found)}"
            )


def refuse_bad_values(path: Path, columns: Columns, never_missing: tuple[str, ...] = ()) -> None:
    """Look row by row for a value that is not what its column holds.

    Slow: it is called when something is known to be wrong.

    Args:
        path: the file.
        columns: what to look at.
        never_missing: those of our names that need a value in every row.

    Raises:
        TrackingFileError: names the file, the row, the column and the value.
    """
    frame = _scan(path, {})
    schema = frame.collect_schema()
    for ours, column in columns.items():
        for name in (name for name in column.names if name in schema):
            wrong = _is_wrong(pl.col(name), schema[name], column.kind)
            if ours in never_missing:
                wrong |= _text(pl.col(name)).is_null()
            rows = frame.select(name).with_row_index("row").filter(wrong).head(1).collect()
            if rows.height:
                row, value = rows.row(0)
                # A person counts the rows of parquet from one, the lines of text with the header.
                place = f"row {row + 1}" if path.suffix == ".parquet" else f"line {row + 2}"
                found = "nothing" if value is None or value in _MISSING else repr(value)
                raise TrackingFileError(
                    f"{path.name}: {place}: {name}: expected {column.kind.value}, got {found}"
                )


def _scan(path: Path, columns: Columns) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    types = {name: _PARSED_AS[column.kind] for column in columns.values() for name in column.names}
    return pl.scan_csv(
        path, infer_schema=False, schema_overrides=types, null_values=_MISSING_NUMBERS, glob=False
    )


def _first_value(column: Column, found: list[str]) -> pl.Expr:
    names = [name for name in column.names if name in found]
    return pl.coalesce(names) if names else pl.lit(None, _PARSED_AS[column.kind])


def _converted(column: pl.Expr, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    if kind is Kind.TIME:
        return column
    if kind is Kind.TEXT:
        return _text(column)
    if dtype == pl.String:  # in a parquet file
        column = _text(column).cast(pl.Float64)
    if kind is Kind.NUMBER:
        return column.cast(pl.Float32)
    if dtype.is_integer():
        return column.cast(pl.Int64)
    # A fraction is no id; the cast of infinity stops the reading, and `errors_of` finds the row.
    whole = pl.when(column == column.round()).then(column).otherwise(float("inf"))
    return pl.when(column.is_not_nan()).then(whole).cast(pl.Int64)


def _text(column: pl.Expr) -> pl.Expr:
    text = column.cast(pl.String)
    return pl.when(~text.is_in(_MISSING)).then(text)


def _time_format(first: pl.Series) -> str:
    """The format of the first time; files differ in it, but none mixes two."""
    for pattern in _TIME_FORMATS:
        if first.str.to_datetime(pattern, strict=False).drop_nulls().len():
            return pattern
    return _TIME_FORMATS[0]


def _is_wrong(column: pl.Expr, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    if kind is Kind.TEXT or dtype.is_temporal():
        return pl.lit(False)
    text = _text(column)
    if kind is Kind.TIME:
        times = [
            text.str.to_datetime(pattern, strict=False, time_unit="ms") for pattern in _TIME_FORMATS
        ]
        return text.is_not_null() & pl.coalesce(times).is_null()
    number = text.cast(pl.Float64, strict=False)
    wrong = text.is_not_null() & number.is_null()
    return wrong | (number != number.round()) | number.is_infinite() if kind is Kind.ID else wrong


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TrackingFileError(f"{path.name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, pl.exceptions.NoDataError):
        return "the file is empty"
    text = str(error).strip().partition("\n")[0]
    if path_end := text.partition("unexpected end of file")[1]:
        return f"the file is truncated ({path_end})"
    return f"cannot be read ({text})"


def _refuse_broken_tail(path: Path) -> None:
    """Refuse plain text that was cut within its last line, where polars sees missing values."""
    with path.open("rb") as file:
        header = file.readline()
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    last = tail.rpartition(b"\n")[2]
    if last and b'"' not in last and last.count(b",") < header.count(b","):
        raise TrackingFileError(
            f"{path.name}: the file is truncated (its last line has {last.count(b',') + 1} of "
            f"{header.count(b',') + 1} values)"
        )
