"""The ranking of a season as plain text."""

from typing import Any

import polars as pl

from sbp_jax.scoring.errors import ScoringError


def render_ranking(ratings: pl.DataFrame, season: int, *, count: int = 10) -> str:
    """Table of the best and the worst qualified passers of a season, at most 100 columns wide.

    Args:
        ratings: what `rate_passers` returns.
        season: the season to show.
        count: passers to show at either end; all if that covers them.

    Raises:
        ScoringError: no qualified passer in that season.
    """
    ranked = ratings.filter((pl.col("season") == season) & pl.col("qualified"))
    if not ranked.height:
        raise ScoringError(f"season {season}: expected qualified passers, got none")
    rows = list(ranked.iter_rows(named=True))
    lines = [
        f"Passers of {season}: {ranked.height} qualified; score, 50 to 99, with its 95 % interval;",
        "mean standardised play score with its standard error (SE); attempts and what came of them",
        "",
        f"{'rank':>4}  {'passer':<18} {'team':<8} {'score':>5}  {'95 %':^11} "
        f"{'mean':>7} {'SE':>6} {'att.':>5} {'compl. %':>8} {'yards':>6} {'TD':>3} {'INT':>3}",
    ]
    if len(rows) <= 2 * count:
        lines += map(_line, rows)
    else:
        lines += [*map(_line, rows[:count]), " ...", *map(_line, rows[-count:])]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    interval = "-"
    if row["scaled_low"] is not None:
        interval = f"{row['scaled_low']:.1f}-{row['scaled_high']:.1f}"
    return (
        f"{row['rank']:>4}  {row['passer_name'] or row['passer_id']:<18.18} {row['teams']:<8.8} "
        f"{_decimal(row['scaled_score'], '.1f'):>5}  {interval:^11} "
        f"{row['standardised']:>+7.3f} {_decimal(row['standard_error'], '.3f'):>6} "
        f"{row['attempts']:>5} {row['completion_percent']:>8.1f} {row['yards']:>6} "
        f"{row['touchdowns']:>3} {row['interceptions']:>3}"
    )


def _decimal(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)
