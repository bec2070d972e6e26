"""A law as a figure: a density, a few densities, or bands along a batch."""

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from jaxtyping import Float

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.bands import BAND_LEVELS
from sbp_jax.plots.fan import STRENGTHS, draw_fan, outside_of
from sbp_jax.plots.style import (
    BLUE,
    INK,
    LINES,
    MUTED,
    SERIES,
    VERMILION,
    headline,
    legend_below,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW: Final = len(SERIES)
"""As many densities are drawn over each other; of more, bands."""

_HEIGHT: Final = 4.2  # inches
_CELLS: Final = 600
_ENDS: Final = (0.005, 0.995)  # levels that the axis reaches at least
_MARGIN: Final = 0.15  # of their distance, beyond them
_FARTHEST: Final = 1.0  # in the same distance: an observation that far out still moves the axis
_CENTRAL: Final = ((0.05, 0.95), (0.25, 0.75))
_BANDS: Final = "The bands are the central 50, 90 and 99 %: of 100 values one should lie outside."
_SHADES: Final = "Half of the outcomes should lie in the dark band, 90 % within the light one."
_MARKS: Final = "Lines stand at the medians, dots where the outcomes fell."

Numbers = Float[np.ndarray, "..."]


class Drawable(Protocol):
    """What is asked of a law."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch's."""

    def quantile(self, levels: Any) -> Any:
        """Quantiles, levels on the last axis."""

    def cdf(self, y: Any) -> Any:
        """Probability of y or less."""

    def sf(self, y: Any) -> Any:
        """Probability of more than y."""

    def log_interval(self, low: Any, high: Any) -> Any:
        """Log probability of an interval."""

    def __getitem__(self, index: Any) -> "Drawable":
        """Some of the distributions."""


@styled
def law_figure(
    law: Drawable, y: Any = None, *, at: Any = None, axis: "Axes | None" = None
) -> "Figure":
    """Draw a law, the only distribution or along the only axis of a batch.

    One distribution: its density, the central 50 and 90 % shaded. Up to six: the densities over
    each other. A height is the mean density over 1/600 of the axis, so steps of bins are seen as
    steps, and an atom as high as it weighs. The axis shows the central 99 % at least; how much lies
    off it is written into the figure. More than six: the central 50, 90 and 99 % and the observed
    values along `at`.

    Args:
        law: of shape () or (n,).
        y: what was observed, a number or (n,); NaN where missing.
        at: (n,) increasing, where each distribution stands, of more than six; 0 to n - 1 if left
            out.
        axis: to draw into; a new figure if left out.

    Returns:
        The figure that was drawn into.

    Raises:
        ReportError: no distribution, more than one axis of them, or sizes that disagree.
        MissingExtraError: matplotlib is not installed.
    """
    if len(law.shape) > 1 or 0 in law.shape:
        raise ReportError(
            f"law: expected one distribution or one axis of them, got shape {law.shape}; index it"
        )
    count = law.shape[0] if law.shape else 1
    observed = _numbers("y", np.nan if y is None else y, count)
    place = _numbers("at", np.arange(count) if at is None else at, count)
    given = axis is not None
    if axis is None:
        _, (axis,) = new_figure(_HEIGHT, 1, 1)
    figure: Any = axis.figure
    if count > FEW:
        order = np.argsort(place, kind="stable")  # bands go from left to right
        quantiles = np.asarray(law.quantile(BAND_LEVELS)).T[:, order]
        place, observed = place[order], observed[order]
        outside = draw_fan(axis, place, observed, quantiles)
        if y is not None:
            axis.set_title(outside_of(outside, observed))
        title, how_to_read = "Forecast distributions", _BANDS
    else:
        _densities(axis, law if law.shape else law[None], observed)
        title, how_to_read = "Density of the forecast", _SHADES if count == 1 else _MARKS
    if given:
        axis.legend(fontsize=9)
    else:
        headline(figure, title, how_to_read)
        legend_below(figure, [axis], columns=6)
    return figure


def _numbers(name: str, values: Any, count: int) -> Numbers:
    found = np.asarray(values, np.float64)
    if found.shape not in ((), (count,)):
        raise ReportError(f"{name}: expected a number or shape ({count},), got {found.shape}")
    return np.broadcast_to(found, (count,))


def _densities(axis: "Axes", law: Drawable, observed: Numbers) -> None:
    """Densities of a few distributions, each a line; of one alone with its central intervals."""
    edges = _edges(np.asarray(law.quantile(_ENDS), np.float64), observed)
    log_mass = law[:, None].log_interval(edges[:-1], edges[1:])
    heights = np.exp(np.asarray(log_mass, np.float64)) / np.diff(edges.astype(np.float64))
    medians = np.asarray(law.quantile(0.5))
    alone = len(heights) == 1
    if alone:
        for ends, strength in zip(_CENTRAL, STRENGTHS[1:], strict=True):
            inside = np.clip(edges, *np.asarray(law[0].quantile(ends)))
            share = 100 * (ends[1] - ends[0])
            axis.stairs(
                heights[0], inside, fill=True, color=BLUE, alpha=strength, lw=0,
                label=f"central {share:.0f} %",
            )  # fmt: skip
    levels = np.asarray(law.cdf(observed))
    for i, (height, median, y) in enumerate(zip(heights, medians, observed, strict=True)):
        color, dashes = SERIES[i], LINES[i]
        label = "density" if alone else f"law[{i}]"
        axis.stairs(height, edges, color=color, ls=dashes, lw=1.6, label=label, baseline=None)
        axis.plot([median] * 2, [0, _height_at(height, edges, median)], color=color, lw=1)
        if edges[0] <= y <= edges[-1]:
            text = f"observed {y:.4g}, above {100 * levels[i]:.3g} %"
            axis.plot(
                y, 0, "v" if alone else "o", ms=8, color=VERMILION if alone else color,
                mec=INK, mew=0.8, clip_on=False, zorder=5, label=text if alone else None,
            )  # fmt: skip
    axis.set(xlim=(edges[0], edges[-1]), ylim=(0, None), ylabel="mean density")
    _say_what_is_off(axis, law, edges, observed)


def _edges(ends: Numbers, observed: Numbers) -> Float[np.ndarray, " cells"]:
    """Of the cells that heights are means over; float32, as laws compute."""
    low, high = ends[:, 0].min(), ends[:, 1].max()
    span = max(high - low, 1e-5 * max(abs(low), abs(high)), 1e-30)
    low, high = low - _MARGIN * span, high + _MARGIN * span
    near = observed[np.abs(observed - (low + high) / 2) < (0.5 + _FARTHEST) * span]
    if near.size:
        low, high = min(low, near.min() - 0.05 * span), max(high, near.max() + 0.05 * span)
    return np.unique(np.linspace(low, high, _CELLS + 1).astype(np.float32))


def _height_at(heights: Numbers, edges: Numbers, y: float) -> float:
    return float(heights[np.clip(np.searchsorted(edges, y) - 1, 0, len(heights) - 1)])


def _say_what_is_off(axis: "Axes", law: Drawable, edges: Numbers, observed: Numbers) -> None:
    """Write how much of the laws, and which observations, lie beyond the axis."""
    below, above = (100 * np.asarray(x).max() for x in (law.cdf(edges[0]), law.sf(edges[-1])))
    most = "" if len(observed) == 1 else "at most "
    lines = [f"off the axis: {most}{below:.2g} % below, {above:.2g} % above"]
    far = observed[(observed < edges[0]) | (observed > edges[-1])]
    if far.size:
        lines.append(f"observed there: {', '.join(f'{y:.4g}' for y in far)}")
    # Below the axis on the left: matplotlib writes a power of ten or an offset on the right.
    axis.set_xlabel("; ".join(lines), loc="left", fontsize=8.5, color=MUTED)
