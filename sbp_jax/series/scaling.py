"""The unit that a series is modelled in, found on its training part alone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sbp_jax.errors import SeriesError
from sbp_jax.runs.ranges import Finite, Positive, refuse_out_of_range


@dataclass(frozen=True)
class Scaling:
    """Standardised is ``(value - loc) / scale``.

    Attributes:
        loc: in the series' unit.
        scale: likewise, > 0.

    Raises:
        SeriesError: a number out of its range.
    """

    loc: Finite
    scale: Positive

    def __post_init__(self) -> None:
        """Refuse what no series can be standardised by."""
        refuse_out_of_range(self, SeriesError)

    def standardise(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Values in the unit that models see."""
        return (values - self.loc) / self.scale


def fit_scaling(values: Float[np.ndarray, " N"], *, name: str = "series") -> Scaling:
    """Median, and half the distance between the 10 % and the 90 % quantile.

    Not mean and standard deviation, which a single far observation of a heavy tail can move to
    any place. Where those quantiles are equal, the mean absolute deviation from the median.

    Args:
        values: (N,) the training part; NaN where missing.
        name: for messages.

    Raises:
        SeriesError: all values are missing, or all equal.

    >>> fit_scaling(np.array([0.0, 1.0, 2.0, 3.0, np.nan, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1e6]))
    Scaling(loc=5.0, scale=4.0)
    """
    observed = _observed(values, name)
    loc = float(np.median(observed))
    low, high = np.quantile(observed, [0.1, 0.9])
    if low < high:
        return Scaling(loc, float(high - low) / 2)
    return Scaling(loc, float(np.mean(np.abs(observed - loc))))


def fit_count_scaling(values: Float[np.ndarray, " N"], *, name: str = "series") -> Scaling:
    """For whole numbers from 0 on: 0 is where the cell of 0 begins, 1 the mean.

    So one grid of bins that starts at 0 serves series of any size, and no bin lies below.

    Raises:
        SeriesError: all values are missing or equal, or one is no whole number >= 0.

    >>> fit_count_scaling(np.array([0.0, 1.0, 5.0]))
    Scaling(loc=-0.5, scale=2.5)
    """
    check_counts(values, name=name)
    return Scaling(-0.5, float(np.mean(_observed(values, name))) + 0.5)


def check_counts(values: Float[np.ndarray, " N"], *, name: str = "series") -> None:
    """Refuse values that are no whole numbers >= 0; NaN is none of them, and missing."""
    if (bad := (values < 0) | (values != np.floor(values)) & ~np.isnan(values)).any():
        raise SeriesError(f"{name}: expected whole numbers >= 0, got {values[np.argmax(bad)]}")


def _observed(values: Float[np.ndarray, " N"], name: str) -> Float[np.ndarray, " n"]:
    observed = values[~np.isnan(values)]
    if not observed.size:
        raise SeriesError(f"{name}: expected observations to train on, got NaN in all of them")
    if observed.min() == observed.max():
        raise SeriesError(
            f"{name}: expected training values that vary, got {observed[0]} everywhere"
        )
    return observed
