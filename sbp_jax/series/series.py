"""A univariate time series, checked once, and how it is cut into three parts in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from sbp_jax.errors import SeriesError
from sbp_jax.runs.ranges import Count, Range, refuse_out_of_range
from sbp_jax.series.times import parse_times

_NO_TEXT: Final = "biufcmM"  # kinds of NumPy's types: flags, numbers, spans and dates


@dataclass(frozen=True, eq=False)
class Series:
    """Equally spaced observations, the oldest first.

    Attributes:
        name: for messages and tables.
        values: (N,) float64; NaN where missing, never infinite.
        times: (N,) strictly increasing, or None.
    """

    name: str
    values: Float[np.ndarray, " N"]
    times: Shaped[np.ndarray, " N"] | None = None


def make_series(
    values: ArrayLike,
    times: Sequence | np.ndarray | None = None,
    *,
    name: str = "series",
    time_format: str | None = None,
) -> Series:
    """Check a series.

    Steps are taken as equally long, whatever the times say: they serve to find what is out of
    order.

    Args:
        values: (N,) numbers; NaN where missing.
        times: (N,) anything that can be ordered, such as datetime64; None where unknown. Texts
            are parsed (`parse_times`), never compared as text.
        name: for messages and tables.
        time_format: of times that are texts, such as ``%m/%d/%Y``, where that is not clear.

    Raises:
        SeriesError: not one row of numbers, empty, all missing, infinite somewhere, all equal,
            or times that do not strictly increase, or texts of no time or of several.

    >>> make_series([1.0, np.nan, 4.0], name="mentions").values
    array([ 1., nan,  4.])
    >>> make_series([1.0, 2.0, 4.0], [0, 2, 1], name="tweets")
    Traceback (most recent call last):
    sbp_jax.errors.SeriesError: tweets: expected times that increase, got 1 after 2 in row 2
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise SeriesError(f"{name}: expected numbers, got {error}") from None
    if array.ndim != 1:
        raise SeriesError(f"{name}: expected one row of numbers, got shape {array.shape}")
    if array.size == 0:
        raise SeriesError(f"{name}: expected observations, got an empty series")
    if (infinite := np.isinf(array)).any():
        row = int(np.argmax(infinite))
        raise SeriesError(f"{name}: expected finite values or NaN, got {array[row]} in row {row}")
    observed = array[~np.isnan(array)]
    if not observed.size:
        raise SeriesError(f"{name}: expected observations, got NaN in all {array.size} rows")
    if observed.min() == observed.max():
        raise SeriesError(f"{name}: expected values that vary, got {observed[0]} everywhere")
    if times is None:
        return Series(name, array)
    return Series(name, array, _check_times(times, array.size, name, time_format))


def _check_times(
    times: Sequence | np.ndarray, rows: int, name: str, time_format: str | None
) -> np.ndarray:
    array = np.asarray(times)
    if array.shape != (rows,):
        raise SeriesError(f"{name}: expected a time for each of {rows} rows, got {array.shape}")
    if array.dtype.kind not in _NO_TEXT and all(isinstance(time, bytes) for time in array):
        array = np.array([time.decode(errors="replace") for time in array])
    if array.dtype.kind not in _NO_TEXT and all(isinstance(time, str) for time in array):
        array = parse_times(pl.Series(array.astype(object), dtype=pl.String), name, time_format)
    missing = array != array
    if array.dtype == object:
        missing |= np.array([time is None for time in array])
    if missing.any():
        raise SeriesError(f"{name}: expected times, got none in row {int(np.argmax(missing))}")
    try:
        late = ~(array[1:] > array[:-1])
    except TypeError as error:
        raise SeriesError(f"{name}: expected times that can be ordered, got {error}") from None
    if late.any():
        row = int(np.argmax(late)) + 1
        if array[row] == array[row - 1]:
            raise SeriesError(
                f"{name}: expected each time once, got {array[row]} again in row {row}"
            )
        raise SeriesError(
            f"{name}: expected times that increase, got {array[row]} after {array[row - 1]} "
            f"in row {row}"
        )
    return array


Part = Count | Annotated[float, Range(0, 1, above=True, below=True)]
"""Of a series: a number of points, or a share of them."""


@dataclass(frozen=True)
class Split:
    """Parts of a series in order of time: to train on, to choose the epoch by, to test on.

    Attributes:
        train: how many points, if whole, or what share, if below 1: >= 1 or in (0, 1).
        valid: likewise.
        test: likewise; None is the rest. What is left after the test part is not used.

    Raises:
        SeriesError: neither a number of points nor a share.

    >>> Split(0.6, 0.2).bounds(1000)
    (600, 800, 1000)
    """

    train: Part = 0.6
    valid: Part = 0.2
    test: Part | None = None

    def __post_init__(self) -> None:
        """Refuse what says of no part how long it is."""
        refuse_out_of_range(self, SeriesError)

    def bounds(self, points: int, name: str = "series") -> tuple[int, int, int]:
        """Where each part ends.

        Raises:
            SeriesError: a part has no point, or the series has too few for all of them.
        """
        ends, end = [], 0
        for part, size in (("train", self.train), ("valid", self.valid), ("test", self.test)):
            start = end
            if size is None:
                end = points
            else:
                end += round(size * points) if 0 < size < 1 else int(size)
            if end <= start or end > points:
                raise SeriesError(
                    f"{name}: expected at least one of its {points} points in the part {part}, "
                    f"got {start} to {end}"
                )
            ends.append(end)
        return ends[0], ends[1], ends[2]
