"""How well ratings of passers follow winning: a panel of dots for each rating."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.correlation import Correlation
from sbp_jax.plots.dot_names import name_dots
from sbp_jax.plots.style import INK, SERIES, headline, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 6
"""Panels that a figure has room for."""

_PER_ROW: Final = 3
_NEEDED: Final = ("passer_name", "season", "win_percent")

Numbers = Float[np.ndarray, " N"]


@styled
def wins_figure(
    table: pl.DataFrame,
    ratings: Sequence[str],
    correlations: Mapping[str, Correlation],
    *,
    titles: Mapping[str, str] | None = None,
) -> "Figure":
    """Draw ratings against the share of games won, one dot per passer and season.

    Every panel shows the same passer-seasons, with the least squares line. The best and the worst
    rating are named, and those who won most and least for their rating.

    Args:
        table: a row per passer-season, with passer_name, season, win_percent (0 to 1) and the
            ratings.
        ratings: columns to show, at most 6.
        correlations: with win_percent, by rating: `bootstrap_correlations(...).ratings`.
        titles: what to call a rating; without one its column's name is used.

    Raises:
        ReportError: no rating or too many, fewer than two rows, a missing column or correlation,
            or a rating that is not known in every row.
        MissingExtraError: matplotlib is not installed.
    """
    _check(table, ratings, correlations)
    wins = 100 * table["win_percent"].cast(pl.Float64).to_numpy()
    names = [f"{name} {season}" for name, season in table.select("passer_name", "season").rows()]
    columns = 2 if len(ratings) in (2, 4) else min(len(ratings), _PER_ROW)
    rows = -(-len(ratings) // columns)
    figure, axes = new_figure(0.8 + 2.9 * rows, rows, columns, sharey=True)
    for axis in axes[len(ratings) :]:
        axis.remove()
    telling = []
    for i, (axis, rating) in enumerate(zip(axes, ratings, strict=False)):
        values = table[rating].cast(pl.Float64).to_numpy()
        telling.append(_panel(axis, values, wins, SERIES[i]))
        axis.set_title(_told(correlations[rating]))
        axis.set_xlabel((titles or {}).get(rating, rating.replace("_", " ")))
        if i % columns == 0:
            axis.set_ylabel("games won, %")
    seasons = table["season"].to_list()
    headline(
        figure,
        "Ratings of passers and winning",
        f"{table.height} passer-seasons of {min(seasons)} to {max(seasons)}; "
        "r with its 95 % interval; line: least squares.",
    )
    figure.draw_without_rendering()  # names are placed where the layout has put the panels
    for axis, rows_named in zip(axes, telling, strict=False):
        name_dots(axis, rows_named, names)
    return figure


def _check(
    table: pl.DataFrame, ratings: Sequence[str], correlations: Mapping[str, Correlation]
) -> None:
    if not 1 <= len(ratings) <= MOST:
        raise ReportError(f"ratings: expected 1 to {MOST}, got {len(ratings)}")
    if table.height < 2:
        raise ReportError(f"table: expected at least two passer-seasons, got {table.height}")
    if missing := [name for name in (*_NEEDED, *ratings) if name not in table.columns]:
        raise ReportError(f"table: expected the columns {', '.join(missing)}, which are missing")
    if missing := [name for name in ratings if name not in correlations]:
        raise ReportError(f"correlations: expected those of {', '.join(missing)}, got none")
    for name in ("win_percent", *ratings):
        values = table[name].cast(pl.Float64).fill_null(float("nan"))
        if bad := int((~values.is_finite()).sum()):
            raise ReportError(
                f"column {name}: expected a finite number in every row, got others in {bad} of "
                f"{table.height}"
            )


def _panel(axis: "Axes", x: Numbers, y: Numbers, colour: str) -> list[int]:
    """Dots and line; returns the rows to be named."""
    axis.plot(x, y, "o", color=colour, ms=3.5, alpha=0.45, mec="none")
    ends = [int(np.argmax(x)), int(np.argmin(x))]
    line = np.full_like(y, y.mean())
    if np.ptp(x) > 0:  # a constant rating has no line
        slope, level = np.polyfit(x - x.mean(), y, 1)
        line = level + slope * (x - x.mean())
        axis.plot(x[ends], line[ends], color=INK, lw=1.4)
    axis.set_ylim(-5, 105)
    axis.set_yticks(range(0, 101, 25))
    axis.margins(x=0.06)
    telling = [*ends, int(np.argmax(y - line)), int(np.argmin(y - line))]
    return list(dict.fromkeys(telling))  # one may be telling in two ways


def _told(found: Correlation) -> str:
    if np.isnan(found.estimate):
        return "r undefined"
    return f"r = {found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})"
