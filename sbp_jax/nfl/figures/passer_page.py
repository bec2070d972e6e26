"""A passer's season on one page: his play scores, his splits, and his most telling plays."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.errors import ReportError
from sbp_jax.nfl.figures import football
from sbp_jax.nfl.ratings.extreme_plays import COUNT, ExtremePlays
from sbp_jax.nfl.ratings.rate import CENTRE, LIMITS, MIN_ATTEMPTS, rate
from sbp_jax.plots.style import (
    BAND,
    BLUE,
    INK,
    MUTED,
    VERMILION,
    headline,
    new_figure,
    note,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPLITS: Final[Mapping[str, Mapping[str, str]]] = {
    "depth": {
        "behind the line": "behind the line",
        "0 to 9": "0 to 9 air yards",
        "10 to 19": "10 to 19 air yards",
        "20 and more": "20+ air yards",
    },
    "down": {"1": "1st down", "2": "2nd down", "3": "3rd down"},
    "direction": {"left": "to the left", "middle": "to the middle", "right": "to the right"},
    "score_state": {
        level: level for level in ("behind 9+", "behind 1 to 8", "tied", "ahead 1 to 8", "ahead 9+")
    },
}
"""Splits that are shown, and their levels from top to bottom with what they are called."""

FEWEST: Final = 15
"""Attempts in a level that qualify a passer there: the level's scale is made by these."""

_BINS: Final = 10
_SHOWN: Final = 0.98  # of the probability is between the ends of a density's axis
_CHANCE: Final = 1.96
_CLOSE: Final = 5  # names that a name which is nobody's is answered with
_LABELS: Final = 0.4  # of the width of the panel of splits
_HEADROOM: Final = 1.2  # over the highest bar, for a note


class PassersSeason(NamedTuple):
    """Whose page it is.

    Attributes:
        passer_id: the league's id.
        name: as tables spell it.
        season: the year.
    """

    passer_id: str
    name: str
    season: int


def find_passer(plays: pl.DataFrame, name: str, season: int) -> PassersSeason:
    """The passer of that name, or id, in a regular season.

    Raises:
        ReportError: there is none, or more than one.
    """
    regular = plays.filter((pl.col("season") == season) & (pl.col("season_type") == "REG"))
    found = regular.filter((pl.col("passer_name") == name) | (pl.col("passer_id") == name))
    ids = found["passer_id"].unique(maintain_order=True).to_list()
    if not ids:
        last = name.split(".")[-1].split(" ")[-1]
        close = regular.filter(pl.col("passer_name").str.contains(last, literal=True))
        names = sorted(close["passer_name"].unique())[:_CLOSE] or ["none like it"]
        raise ReportError(f"passer: expected one who threw in {season}, got {name!r}; {names}")
    if len(ids) > 1:
        raise ReportError(f"passer: {name!r} names {len(ids)} in {season}; give an id: {ids}")
    return PassersSeason(ids[0], found["passer_name"].mode().sort()[0], season)


@styled
def passer_page(
    plays: pl.DataFrame,
    extremes: ExtremePlays,
    who: PassersSeason,
    unit: str,
    *,
    min_attempts: int = MIN_ATTEMPTS,
) -> "Figure":
    """Draw the page of a passer's regular season.

    Args:
        plays: scored plays of all passers, whose seasons and levels his are compared with.
        extremes: best and worst plays with their forecasts.
        who: the passer and the season (`find_passer`).
        unit: of the outcome.
        min_attempts: that qualify a season: the season's score is on the scale of all that do.

    Raises:
        ReportError: none of his plays is among the extremes: his season was not rated.
        MissingExtraError: matplotlib is not installed.
    """
    regular = plays.filter((pl.col("season") == who.season) & (pl.col("season_type") == "REG"))
    throws = regular.filter(~pl.col("sack"))
    mine = throws.filter(pl.col("passer_id") == who.passer_id)
    chosen = (
        (extremes.plays["passer_id"] == who.passer_id) & (extremes.plays["season"] == who.season)
    ).to_numpy()
    if not chosen.any():
        raise ReportError(
            f"{who.name}, {who.season}: expected plays among the extreme ones, got none; only "
            "seasons with enough attempts and games have them"
        )
    figure, axes = new_figure(10.5, 4, 2, height_ratios=[1.35, 1, 1, 1])
    _histogram(axes[0], mine["play_score"].to_numpy(), throws["play_score"].to_numpy())
    _splits(axes[1], regular, who)
    order = np.argsort(-extremes.plays["throw_score"].to_numpy()[chosen], kind="stable")
    rows = np.flatnonzero(chosen)[order]
    best, worst = rows[:COUNT], rows[::-1][:COUNT]
    for column, (label, group) in enumerate((("best", best), ("worst", worst))):
        for place, row in enumerate(group):
            title = f"{label} play" if place == 0 else f"{label}, no. {place + 1}"
            facts = extremes.plays.row(int(row), named=True)
            axis = axes[2 + 2 * place + column]
            _density(axis, title, facts, extremes.pmf[row], extremes.values)
            axis.set_xlabel(f"value of the play, {unit}" if place == COUNT - 1 else "")
    season = rate(plays, where="season_type = 'REG'", min_attempts=min_attempts).table.row(
        by_predicate=(pl.col("passer_id") == who.passer_id) & (pl.col("season") == who.season),
        named=True,
    )
    headline(
        figure,
        f"{who.name}, {season['teams']}, {who.season}: {_scored(season)}, "
        f"{season['attempts']} targeted passes in {season['games']} games",
        "Below, his best and worst throws: forecast (blue), its mean (black), what came (orange).",
    )
    return figure


def _scored(season: Mapping[str, Any]) -> str:
    """The score with its interval, if there is a scale."""
    if season["score_low"] is None:
        return "no score"
    return f"{season['score']:.0f} ({season['score_low']:.0f} to {season['score_high']:.0f})"


def _histogram(
    axis: "Axes", scores: Float[np.ndarray, " B"], league: Float[np.ndarray, " L"]
) -> None:
    """Play scores in tenths, beside what chance makes of as many throws of the league.

    The league's are not spread evenly: a score that stands for a step of the distribution is
    counted at its middle.
    """
    counts, edges = np.histogram(scores, bins=_BINS, range=(0, 1))
    share = np.histogram(league, bins=_BINS, range=(0, 1))[0] / league.size
    half = _CHANCE * np.sqrt(scores.size * share * (1 - share))
    middles = edges[:-1] + 0.5 / _BINS
    axis.bar(middles, 2 * half, bottom=scores.size * share - half, width=1 / _BINS, color=BAND)
    axis.bar(middles, counts, width=0.5 / _BINS, color=BLUE)
    axis.axvline(float(scores.mean()), color=INK, lw=1.2, ls="--")
    axis.set_title(f"Play scores, mean {scores.mean():.3f}")
    axis.set_xlabel("play score: 0 worst, 1 best for that throw")
    axis.set_ylabel("plays")
    axis.set_ylim(0, _HEADROOM * max(counts.max(), (scores.size * share + half).max()))
    axis.grid(axis="x", visible=False)
    note(axis, "grey: the league, 95 %", "upper right")


def _splits(axis: "Axes", regular: pl.DataFrame, who: PassersSeason) -> None:
    """Scores of the levels of each split, each level on the scale of all passers in the season."""
    labels, places, at = [], [], 0.0
    for label, row in _levels(regular, who):
        if label is None:
            at += 0.6
            continue
        labels.append(label)
        places.append(at)
        if row is not None and row["score"] is not None:
            colour = BLUE if row["score"] >= CENTRE else VERMILION
            if row["score_low"] is not None:
                axis.plot([row["score_low"], row["score_high"]], [at, at], color=colour, lw=2)
            if row["own_score"] is not None:
                axis.plot(row["own_score"], at, "o", mfc="none", mec=MUTED, ms=5)
            axis.plot(row["score"], at, "o", color=colour, ms=5, mec="white", mew=0.6)
        at += 1
    axis.axvline(CENTRE, color=INK, lw=1, ls="--")
    axis.set_yticks([])
    axis.set_ylim(places[-1] + 0.7, -0.7)
    # The average is always seen, and clear of the labels.
    low = max(LIMITS[0], min(axis.get_xlim()[0], CENTRE - 0.5))
    # Labels stand inside, or they would take their width from every panel of the column.
    axis.set_xlim(LIMITS[1] + 0.5 - (LIMITS[1] + 0.5 - low) / (1 - _LABELS), LIMITS[1] + 0.5)
    axis.set_xticks([x for x in range(50, 100, 5 if low > 70 else 10) if x >= low])
    for place, label in zip(places, labels, strict=True):
        axis.text(
            0.0, place, label, transform=axis.get_yaxis_transform(), va="center", fontsize=7.5
        )
    axis.set_title("Score by split, with 95 % interval")
    axis.set_xlabel("dashed: average; hollow: these plays alone", fontsize=9)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)


def _levels(
    regular: pl.DataFrame, who: PassersSeason
) -> Iterator[tuple[str | None, dict[str, Any] | None]]:
    """Label and rating of every level that is shown; None and None between splits."""
    for i, (split, levels) in enumerate(SPLITS.items()):
        if i:
            yield None, None
        table = rate(regular, f"passer, {split}", min_attempts=FEWEST).table
        mine = table.filter(pl.col("passer_id") == who.passer_id)
        rows = {str(row[split]): row for row in mine.iter_rows(named=True)}
        for level, label in levels.items():
            row = rows.get(level)
            yield f"{label} ({row['attempts'] if row else 0})", row


def _density(
    axis: "Axes",
    title: str,
    play: Mapping[str, Any],
    pmf: Float[np.ndarray, " cells"],
    values: Float[np.ndarray, " cells"],
) -> None:
    """What was forecast for a play, and what came."""
    step = values[1] - values[0]
    cumulative = np.cumsum(pmf) / pmf.sum()
    ends = np.interp([(1 - _SHOWN) / 2, (1 + _SHOWN) / 2], cumulative, values)
    low, high = min(ends[0], play["outcome"]), max(ends[1], play["outcome"])
    air = 0.06 * (high - low) + step
    axis.bar(values, 100 * pmf, width=step, color=BLUE)
    axis.axvline(play["outcome"], color=VERMILION, lw=2)
    axis.plot(play["expected"], 0, "^", color=INK, ms=7, clip_on=False, zorder=5)
    axis.set_xlim(low - air, high + air)
    # Atoms may leave the axis: what lies beside them is to be seen.
    inside = np.sort(100 * pmf)[::-1]
    top = 1.1 * max(min(inside[0], 3.0 * inside[3]), 1e-3)
    axis.set_ylim(0, top)
    cut = f"; cut bar: {inside[0]:.0f} %" if inside[0] > top else ""
    axis.set_title(
        f"{title}: {play['outcome']:+.1f}, score {play['play_score']:.3f}", fontsize=9, pad=26
    )
    axis.text(
        0,
        1.02,
        f"{football.situation(play)}\n"
        f"{football.outcome(play)} v. {play['defense']}, week {play['week']}{cut}",
        transform=axis.transAxes,
        fontsize=7.8,
        color=MUTED,
        va="bottom",
    ).set_in_layout(False)  # a long line takes no width from the panels
    axis.set_ylabel("%", labelpad=1)
    axis.grid(axis="x", visible=False)
