"""The best and the worst passers, or groups of any other split, with how sure that is."""

from typing import TYPE_CHECKING, Any

from sbp_jax.errors import ReportError
from sbp_jax.nfl.ratings.rate import CENTRE, LIMITS, Ratings
from sbp_jax.plots.style import BLUE, INK, MUTED, VERMILION, headline, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def passers_figure(ratings: Ratings, *, title: str = "passers", count: int = 10) -> "Figure":
    """Draw the top and bottom groups of a split with their scores and 95 % intervals.

    Args:
        ratings: what `sbp_jax.nfl.ratings.rate` returns; of passers or any other groups.
        title: what the groups are, such as "passers of 2018".
        count: groups at either end; all are shown if that covers them.

    Raises:
        ReportError: no qualified group with a score.
        MissingExtraError: matplotlib is not installed.
    """
    if count < 1:
        raise ReportError(f"count: expected at least 1, got {count}")
    ranked = ratings.qualified.drop_nulls("score")
    if not ranked.height:
        raise ReportError("ratings: expected qualified groups with a score, got none")
    rows = list(ranked.iter_rows(named=True))
    all_fit = len(rows) <= 2 * count
    top, bottom = (rows, []) if all_fit else (rows[:count], rows[-count:])
    # One line is left free where passers are left out.
    places = [*range(len(top)), *range(len(top) + 1, len(top) + 1 + len(bottom))]
    figure, (axis,) = new_figure(1.5 + 0.24 * (places[-1] + 1), 1, 1)
    for place, row in zip(places, [*top, *bottom], strict=True):
        _draw(axis, place, row, BLUE if row["score"] >= CENTRE else VERMILION)
    if bottom:
        axis.annotate(
            f"{len(rows) - 2 * count} more between",
            (0.01, len(top)),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            style="italic",
            color=MUTED,
        )
    axis.axvline(CENTRE, color=INK, lw=1, ls="--")
    axis.set_yticks(places, [_label(row, ratings) for row in (*top, *bottom)])
    axis.margins(x=0.07)  # room for the numbers
    axis.set_xticks([tick for tick in (*range(50, 100, 5), 99) if tick >= axis.get_xlim()[0]])
    axis.set_ylim(places[-1] + 0.7, -0.7)
    what = "passing score" if "passer_id" in ratings.by else "score of the passers in each group"
    axis.set_xlabel(f"{what}, {LIMITS[0]:.0f} to {LIMITS[1]:.0f}")
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    which = "All" if all_fit else f"Top and bottom {count}"
    headline(
        figure,
        f"{which} {title}",
        f"Passing score with its 95 % interval, {len(rows)} qualified; "
        f"dashed: their average, {CENTRE:.1f}.",
    )
    return figure


def _draw(axis: "Axes", place: int, row: dict[str, Any], colour: str) -> None:
    score, low, high = row["score"], row["score_low"], row["score_high"]
    if low is not None:
        axis.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="butt")
    axis.plot(score, place, "o", color=colour, ms=7, mec="white", mew=0.8)
    # Above the interval's right end, so that no number lies on another passer's line.
    axis.annotate(
        f"{score:.1f}",
        (score if high is None else high, place),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=MUTED,
    )


def _label(row: dict[str, Any], ratings: Ratings) -> str:
    """Rank and name, and what else tells groups apart."""
    parts = [_level(name, row[name]) for name in ratings.shown]
    if "passer_id" in ratings.by:
        parts = [row["passer_name"] or row["passer_id"], row["teams"] or "", *parts]
    return f"{row['rank']}  {', '.join(part for part in parts if part)}"


def _level(name: str, value: Any) -> str:
    """A number says little without what it is of; a year does."""
    bare = isinstance(value, str) or name == "season"
    return str(value) if bare else f"{name} {'unknown' if value is None else value}"
