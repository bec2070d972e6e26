"""A stretch of a series in front of what was forecast of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.bands import Bands
from sbp_jax.plots.fan import draw_fan, outside_of
from sbp_jax.plots.style import INK, headline, legend_below, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def series_figure(
    forecasts: Mapping[str, Bands],
    series: str,
    *,
    start: int = 0,
    points: int = 300,
    level: Sequence[float] | np.ndarray | None = None,
    logarithmic: bool = False,
) -> "Figure":
    """Draw the central 50, 90 and 99 % of each forecast, and where the values fell.

    Args:
        forecasts: of the same series, by the name to print; a panel each.
        series: its name.
        start: first point shown, counted from the first forecast.
        points: how many.
        level: (T,) a line to draw for comparison, such as the true centre.
        logarithmic: draw the logarithm of 1 + the value, for counts.

    Raises:
        ReportError: no forecasts, or the stretch is not among them.
        MissingExtraError: matplotlib is not installed.
    """
    if not forecasts:
        raise ReportError("expected at least one forecast, got none")
    shown = slice(start, start + points)
    first = next(iter(forecasts.values()))
    if not first.y[shown].size:
        raise ReportError(f"start: expected one of {first.y.size} points, got {start}")
    figure, axes = new_figure(
        1.45 + 2.0 * len(forecasts), len(forecasts), 1, sharex=True, sharey=True
    )
    for axis, (name, each) in zip(axes, forecasts.items(), strict=True):
        at, y, quantiles = each.steps[shown], each.y[shown], each.quantiles[:, shown]
        outside = draw_fan(axis, at, y, quantiles)
        if level is not None:
            axis.plot(at, np.asarray(level)[shown], "--", lw=1, color=INK, label="true centre")
        if logarithmic:
            axis.set_yscale("symlog", linthresh=1)
            axis.set_ylim(bottom=0)
        axis.set_title(f"{name}: {outside_of(outside, y)}")
    axes[-1].set_xlabel("step")
    headline(
        figure,
        f"{series}: each value, and what was forecast of it",
        "The bands are the central 50, 90 and 99 %: of 100 values one should lie outside.",
    )
    legend_below(figure, axes[:1], columns=3)
    return figure
