"""Times that are written as text: parsed in one stated way, or refused; never compared as text."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Shaped

from sbp_jax.errors import SeriesError

_SEPARATOR: Final = r"([-/.])"
_DATES: Final = (
    # first characters of a text, and the formats that a date like it may have
    (rf"^\d{{4}}{_SEPARATOR}\d{{1,2}}[-/.]\d", ("%Y{0}%m{0}%d",)),
    (rf"^\d{{1,2}}{_SEPARATOR}\d{{1,2}}[-/.]\d{{4}}", ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y")),
    (
        rf"^\d{{1,2}}{_SEPARATOR}\d{{1,2}}[-/.]\d{{2}}(\D|$)",
        ("%m{0}%d{0}%y", "%d{0}%m{0}%y", "%y{0}%m{0}%d"),
    ),
    (r"^\d{1,2}([- ])[A-Za-z]{3,}[- ]\d{4}", ("%d{0}%B{0}%Y",)),
    (r"^[A-Za-z]{3,}( )\d{1,2}, \d{4}", ("%B{0}%d,{0}%Y",)),
)
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
_ZONE: Final = r":\d\d(\.\d+)? ?(Z|[+-]\d\d:?\d\d)$"
_FIRST_YEAR: Final = 1000
_FINE: Final = r"\.\d{7}"  # of a second: more than microseconds hold


def parse_times(texts: pl.Series, where: str, time_format: str | None) -> Shaped[np.ndarray, " N"]:
    """Numbers or dates.

    Without a format they are numbers if all are, and dates if exactly one way of reading them fits
    all: year first; a month by its name; day and month in the one order that is a date in every
    row. A clock may follow a date, and a zone a clock, whose times are then those of UTC. A year
    with a month is its first day.

    Args:
        texts: (N,) none of them missing.
        where: they stand, for messages.
        time_format: such as ``%m/%d/%Y``, as of `datetime.datetime.strptime`; None to find it.

    Returns:
        float64 or datetime64.

    Raises:
        SeriesError: a text that is neither, or dates that can be read in several ways.

    >>> parse_times(pl.Series(["9/30/2015", "10/1/2015"]), "day", None).astype(str).tolist()
    ['2015-09-30T00:00:00.000000', '2015-10-01T00:00:00.000000']
    >>> parse_times(pl.Series(["1/2/2015", "1/3/2015"]), "day", None)
    Traceback (most recent call last):
    sbp_jax.errors.SeriesError: day: expected dates that can be read in one way, got '1/2/2015' in \
row 0, which is 2015-01-02 as %m/%d/%Y and 2015-02-01 as %d/%m/%Y; say which by time_format
    """
    texts = texts.str.strip_chars()
    if time_format is not None:
        return _as_said(texts, where, time_format)
    numbers = texts.cast(pl.Float64, strict=False)
    if not numbers.null_count():
        return numbers.to_numpy()
    whole = texts.str.replace(r"^(\d{4})([-/])(\d{1,2})$", "$1$2$3${2}1")
    ways = {form: _with_clocks(whole, form) for form in _possible(whole)}
    fitting = {form: dates for form, dates in ways.items() if not dates.null_count()}
    if len(fitting) > 1:
        _refuse_ambiguous(texts, where, fitting)
    found = min(ways.values(), key=pl.Series.null_count, default=numbers)
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise SeriesError(
            f"{where}: expected a number or a date such as 2015-02-26 21:42 in every row, or a "
            f"time_format that says how they are written, got {texts[row]!r} in row {row}"
        )
    return found.to_numpy()


def _as_said(texts: pl.Series, where: str, time_format: str) -> Shaped[np.ndarray, " N"]:
    """Times in a format that may leave out anything, a date too."""
    times = []
    for row, text in enumerate(texts):
        try:
            time = dt.datetime.strptime(text, time_format)
        except (ValueError, TypeError):
            raise SeriesError(
                f"{where}: expected times of the format {time_format!r}, got {text!r} in row {row}"
            ) from None
        times.append(time if time.tzinfo is None else time.astimezone(dt.UTC).replace(tzinfo=None))
    return np.array(times, "datetime64[us]")


def _refuse_ambiguous(texts: pl.Series, where: str, ways: Mapping[str, pl.Series]) -> None:
    """Raise unless all ways mean the same, as of 1/1/2015."""
    first, *others = ways.values()
    differs = np.logical_or.reduce([(first != other).to_numpy() for other in others])
    if not differs.any():
        return
    row = int(np.argmax(differs))
    read = " and ".join(f"{dates[row].date()} as {form}" for form, dates in ways.items())
    raise SeriesError(
        f"{where}: expected dates that can be read in one way, got {texts[row]!r} in row {row}, "
        f"which is {read}; say which by time_format"
    )


def _possible(texts: pl.Series) -> Iterator[str]:
    """Formats that the first date may have."""
    first = texts.head(1)
    for pattern, formats in _DATES:
        if separator := first.str.extract(pattern)[0]:
            yield from (form.format(separator) for form in formats)
            return


def _with_clocks(texts: pl.Series, form: str) -> pl.Series:
    """Dates in a format with or without a clock; null where they are none."""
    spaced = texts.str.replace(r"(\d)T(\d)", "$1 $2")
    zone = "%#z" if spaced.str.contains(_ZONE).all() else ""
    clocks = [f"{clock}{zone}" for clock in _CLOCKS if clock or not zone]
    return pl.select(pl.coalesce([_dates(spaced, form + clock) for clock in clocks])).to_series()


def _dates(texts: pl.Series, form: str) -> pl.Series:
    dates = texts.str.to_datetime(form, strict=False).dt.replace_time_zone(None)
    # A year of four digits in the format takes one of two for a year of the first century.
    dates = dates.set(dates.dt.year() < _FIRST_YEAR, None)
    if not texts.str.contains(_FINE).any():
        return dates
    fine = texts.str.to_datetime(form, strict=False, time_unit="ns").dt.replace_time_zone(None)
    return fine.set(fine.dt.cast_time_unit("us") != dates, None)  # beyond what nanoseconds reach
