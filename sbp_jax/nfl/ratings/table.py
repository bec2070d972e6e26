"""Ratings as plain text."""

from textwrap import wrap
from typing import Any, Final

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.rate import Rated, Ratings

_PASSER: Final = "passer_id"  # shown by name
_WIDEST: Final = 18
_LINE: Final = 100
_MEANS: Final[dict[Rated, str]] = {"dropback": "standard", "throw": "throw"}


def render_ratings(ratings: Ratings, *, count: int = 10, title: str = "Passers") -> str:
    """Table of the best and the worst qualified groups.

    Args:
        ratings: what `sbp_jax.nfl.ratings.rate` returns.
        count: groups to show at either end; all if that covers them.
        title: first words.

    Raises:
        ScoringError: no group qualified.
    """
    if count < 1:
        raise ScoringError(f"count: expected at least 1, got {count}")
    rows = list(ratings.qualified.iter_rows(named=True))
    if not rows:
        raise ScoringError(
            f"expected groups with enough attempts, got none: all {ratings.unqualified} have fewer"
        )
    keys, named = ratings.shown, _PASSER in ratings.by
    widths = [max(len(key), *(len(_text(row[key])) for row in rows)) for key in keys]
    widths = [min(width, _WIDEST) for width in widths]
    more = f", {ratings.unqualified} more with too few attempts" if ratings.unqualified else ""
    heading = [f"{key:<{width}.{width}}" for key, width in zip(keys, widths, strict=True)]
    if named:
        heading = [f"{'passer':<{_WIDEST}} {'team':<8}", *heading]
    explained = (
        f"{title}: {len(rows)} qualified{more}; score, 50 to 99, with its 95 % interval; mean "
        f"{_MEANS[ratings.part]} score, its standard error (SE), attempts and what came of them"
    )
    lines = [
        *wrap(explained, _LINE),
        "",
        f"{'rank':>4}  {' '.join(heading)} {'score':>5}  {'95 %':^11} "
        f"{'mean':>7} {'SE':>6} {'att.':>5} {'compl. %':>8} {'yards':>6} {'TD':>3} {'INT':>3}",
    ]
    ends = rows if len(rows) <= 2 * count else [*rows[:count], None, *rows[-count:]]
    for row in ends:
        if row is None:
            lines.append(" ...")
            continue
        cells = [f"{_text(row[key]):<{w}.{w}}" for key, w in zip(keys, widths, strict=True)]
        if named:
            who = f"{row['passer_name'] or row['passer_id']:<{_WIDEST}.{_WIDEST}}"
            cells = [f"{who} {row['teams'] or '':<8.8}", *cells]
        lines.append(_line(row, " ".join(cells)))
    unspread = ratings.play_variance > 0 and ratings.qualified["score_low"].is_null().all()
    if len(rows) > 1 and unspread:
        lines += ["", "They differ by no more than chance explains: all are average."]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _line(row: dict[str, Any], who: str) -> str:
    interval = "-"
    if row["score_low"] is not None:
        interval = f"{row['score_low']:.1f}-{row['score_high']:.1f}"
    return (
        f"{row['rank']:>4}  {who} {_decimal(row['score'], '.1f'):>5}  {interval:^11} "
        f"{row['mean']:>+7.3f} {_decimal(row['standard_error'], '.3f'):>6} "
        f"{row['attempts']:>5} {_decimal(row['completion_percent'], '.1f'):>8} {row['yards']:>6} "
        f"{row['touchdowns']:>3} {row['interceptions']:>3}"
    )


def _text(value: Any) -> str:
    return "unknown" if value is None else str(value)


def _decimal(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)
