"""What is forecast for a few plays, yard by yard, and what came of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import polars as pl

from sbp_jax.errors import ReportError
from sbp_jax.nfl.figures import football
from sbp_jax.nfl.figures.cells import CELLS, CellForecast
from sbp_jax.nfl.figures.telling_plays import TellingPlay
from sbp_jax.plots.style import (
    BAND,
    BLUE,
    INK,
    MUTED,
    VERMILION,
    headline,
    legend_below,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

YARDS: Final = np.arange(CELLS[0], CELLS[1] + 1)
_SHOWN: Final = 0.99  # of the probability is between the ends of the axis
_FEWEST_YARDS: Final = 14  # on the axis: fewer would make slabs of the bars
_HEADROOM: Final = 1.45  # height of the axis over the highest bar that is not cut


class _Play(NamedTuple):
    """A play to draw: its row of the passes table and of the forecast."""

    title: str
    facts: dict[str, Any]
    pmf: np.ndarray
    median: float
    lower: float
    upper: float


@styled
def density_figure(
    passes: pl.DataFrame, forecast: CellForecast, picks: Sequence[TellingPlay]
) -> "Figure":
    """Draw the probability of each yard for the picked plays, two in a row.

    A bar stands for one yard. The atom at 0 (and a touchdown's, at the goal line) holds so much
    that the other bars would vanish beside it: where it does, it is cut, and its probability is
    written beside it. Marked are the yards gained, the median and the ends of the tails.

    Args:
        passes: (B rows) of the passes table.
        forecast: of the same plays.
        picks: what `telling_plays` returns.

    Raises:
        ReportError: no plays are picked.
        MissingExtraError: matplotlib is not installed.
    """
    if not picks:
        raise ReportError("picks: expected at least one play, got none")
    rows = -(-len(picks) // 2)
    figure, axes = new_figure(1.0 + 2.75 * rows, rows, 2)
    for axis, pick in zip(axes, picks, strict=False):
        _draw(
            axis,
            _Play(
                pick.title,
                passes.row(pick.row, named=True),
                np.asarray(forecast.pmf[pick.row], np.float64),
                *(float(values[pick.row]) for values in forecast[1:]),
            ),
        )
    for axis in axes[len(picks) :]:
        axis.remove()
    headline(
        figure,
        "What the model expected, and what happened",
        "Probability of each number of yards gained, forecast at the moment of the throw. "
        "Bars with a slit are cut.",
    )
    legend_below(figure, axes[: len(picks)])
    return figure


def _draw(axis: "Axes", play: _Play) -> None:
    yards, percent = YARDS, 100 * play.pmf
    low, high = _ends(play)
    if not np.isnan(play.lower):  # a family with tails
        tails: dict[str, Any] = {
            "color": BAND,
            "alpha": 0.6,
            "lw": 0,
            "label": "tails beyond the thresholds",
        }
        axis.axvspan(low, play.lower, **tails)
        axis.axvspan(play.upper, high, **tails)
    gained = play.facts["yards_gained"]
    colours = np.where(yards == gained, VERMILION, BLUE)
    axis.bar(yards, percent, width=0.85, color=colours, label="_")
    axis.bar([np.nan], [np.nan], color=BLUE, label="probability of a yard")
    axis.bar([np.nan], [np.nan], color=VERMILION, label="yards gained")
    axis.axvline(play.median, color=INK, lw=1.2, ls="--", label="median")
    top = _top(play)
    height = float(percent[yards == gained].sum())
    if height <= top:  # one that is cut is seen anyway, one of little probability is not
        axis.plot([gained], [height + 0.05 * top], "v", color=VERMILION, ms=7, zorder=5)
    _mark_touchdown(axis, play, top)
    axis.set(xlim=(low, high), ylim=(0, top))
    for yard in np.flatnonzero(percent > top):
        _cut(axis, int(yards[yard]), float(percent[yard]), top)
    axis.locator_params(axis="x", integer=True)
    axis.set_title(play.title, pad=30)
    axis.text(
        0,
        1.03,
        f"{football.situation(play.facts)}\n"
        f"{football.thrown_by(play.facts)}: {football.outcome(play.facts)}",
        transform=axis.transAxes,
        fontsize=8.8,
        va="bottom",
    )
    axis.set_xlabel("yards gained", labelpad=2)
    axis.set_ylabel("probability, %")
    axis.grid(axis="x", visible=False)


def _ends(play: _Play) -> tuple[float, float]:
    """Ends of the yards axis: all but a per cent of the probability, every mark, and some air."""
    cumulative = np.cumsum(play.pmf) / play.pmf.sum()
    ends = np.interp([(1 - _SHOWN) / 2, (1 + _SHOWN) / 2], cumulative, YARDS)
    marks = [*ends, play.facts["yards_gained"], play.median, play.lower, play.upper]
    low, high = np.nanmin(marks), np.nanmax(marks)
    air = max(0.07 * (high - low), (_FEWEST_YARDS - (high - low)) / 2, 1.2)
    return low - air, high + air


def _top(play: _Play) -> float:
    """Height of the axis, in per cent, at which the bars beside the atoms can be read."""
    atoms = (YARDS == 0) | (play.facts["yards_to_endzone"] == YARDS)
    rest = 100 * float(play.pmf[~atoms].max())
    highest = 100 * float(play.pmf.max())
    # An atom that is not far above the rest needs no cut.
    return min(max(_HEADROOM * rest, 1.0), 1.15 * highest)


def _mark_touchdown(axis: "Axes", play: _Play, top: float) -> None:
    """Write over the bar at the goal line what it is, where there is room for it."""
    goal = play.facts["yards_to_endzone"]
    height = 100 * float(play.pmf[goal == YARDS].sum())
    if goal != play.facts["yards_gained"] and 0.05 * top < height < 0.9 * top:
        axis.annotate(
            "TD",
            (goal, height),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=MUTED,
        )


def _cut(axis: "Axes", yard: int, percent: float, top: float) -> None:
    """Mark a bar that leaves the axis by a slit, and write how high it is."""
    axis.plot(
        [yard - 0.6, yard + 0.6],
        [0.86 * top, 0.9 * top],
        color="white",
        lw=3,
        solid_capstyle="butt",
        zorder=4,
    )
    # On the side where there is more room.
    side = 1 if yard < sum(axis.get_xlim()) / 2 else -1
    axis.annotate(
        f"{percent:.0f} %",
        (yard + 0.6 * side, 0.94 * top),
        ha="left" if side == 1 else "right",
        va="center",
        fontsize=9,
        fontweight="bold",
    )
