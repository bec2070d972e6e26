"""Series side by side, in the unit and the shape that training and forecasting take them.

Legend: M members (networks trained apart from each other), S series of a member, N points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from sbp_jax.errors import SeriesError
from sbp_jax.runs.ranges import Count, refuse_unless
from sbp_jax.series.scaling import Scaling, check_counts, fit_count_scaling, fit_scaling
from sbp_jax.series.series import Series, Split

Stretch = Literal["train", "valid", "test"]
STRETCHES: tuple[Stretch, ...] = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Panel:
    """Standardised series, cut in time.

    Attributes:
        series: M x S of them, member by member.
        scalings: of each, in the same order.
        values: (M, S, N) standardised; NaN where missing, and after the end of a shorter series.
        ends: (M, S, 3) where the parts train, valid and test end.
        lead: steps from the last observation seen to the one that is forecast.
        counts: whether the series are whole numbers from 0 on.
    """

    series: tuple[Series, ...]
    scalings: tuple[Scaling, ...]
    values: Float[np.ndarray, "M S N"]
    ends: Int[np.ndarray, "M S 3"]
    lead: int
    counts: bool

    @property
    def members(self) -> int:
        """How many networks."""
        return self.values.shape[0]

    @property
    def scale(self) -> Float[np.ndarray, "M S"]:
        """What standardised numbers are to be multiplied by, a scale or a CRPS for instance."""
        scales = np.array([scaling.scale for scaling in self.scalings])
        return scales.reshape(self.values.shape[:2])

    def start(self, part: Stretch) -> Int[np.ndarray, "M S"]:
        """Where a part begins."""
        at = STRETCHES.index(part)
        return self.ends[..., at - 1] if at else np.zeros_like(self.ends[..., 0])

    def end(self, part: Stretch) -> Int[np.ndarray, "M S"]:
        """Where a part ends."""
        return self.ends[..., STRETCHES.index(part)]


def make_panel(
    series: Sequence[Series] | Series,
    split: Split | None = None,
    *,
    jointly: bool = False,
    counts: bool = False,
    lead: int = 1,
) -> Panel:
    """Standardise series by their training parts and lay them side by side.

    Args:
        series: one or several.
        split: into parts, in order of time; 60, 20 and 20 % if left out.
        jointly: one network for all series, instead of one for each.
        counts: the values are whole numbers from 0 on: a value stands for its cell, half a
            step to either side, and everything below 1/2 for the cell of 0.
        lead: how many steps ahead is forecast.

    Raises:
        SeriesError: no series, two of one name, a lead below 1, a part without points, counts
            that are none, or a training part that cannot be standardised.

    >>> from sbp_jax.series.series import make_series
    >>> panel = make_panel(make_series(np.arange(10.0)))
    >>> panel.values.shape, panel.ends.tolist()
    ((1, 1, 10), [[[6, 8, 10]]])
    """
    listed = (series,) if isinstance(series, Series) else tuple(series)
    if not listed:
        raise SeriesError("expected at least one series, got none")
    names = [each.name for each in listed]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SeriesError(f"expected series of different names, got {', '.join(twice)} twice")
    refuse_unless(Count, SeriesError, lead=lead)
    split = split or Split()
    ends = np.array([split.bounds(each.values.size, each.name) for each in listed])
    if counts:
        for each in listed:  # the whole of it: the scaling looks at the training part alone
            check_counts(each.values, name=each.name)
    fit = fit_count_scaling if counts else fit_scaling
    scalings = tuple(
        fit(each.values[:end], name=each.name) for each, end in zip(listed, ends[:, 0], strict=True)
    )
    values = np.full((len(listed), max(each.values.size for each in listed)), np.nan, np.float32)
    for row, each, scaling in zip(values, listed, scalings, strict=True):
        row[: each.values.size] = scaling.standardise(each.values)
    shape = (1, len(listed)) if jointly else (len(listed), 1)
    return Panel(
        listed, scalings, values.reshape(*shape, -1), ends.reshape(*shape, 3), lead, counts
    )
