"""Rows that do not add up. They stay in the tables; the report counts them."""

import polars as pl

from sbp_jax.nfl.plays.tables import Frames

PLAUSIBLE_AIR_YARDS = (-15, 70)


def count_problems(frames: Frames, *, stale: int) -> dict[str, int]:
    """Count, by kind, what a reader of the tables should know; kinds without any are left out.

    Args:
        frames: tables of whole games.
        stale: entries left out because a corrected copy was there.
    """
    passes, snaps, games = frames
    air = pl.col("air_yards")
    same_quarter = pl.all_horizontal(
        pl.col("game_id", "quarter") == pl.col("game_id", "quarter").shift()
    )
    in_passes = {
        "passes without air yards": air.is_null(),
        "passes with implausible air yards": ~air.is_between(*PLAUSIBLE_AIR_YARDS),
        "completions whose air yards and yards after catch are not the yards gained": pl.col(
            "complete"
        )
        & (air + pl.col("yards_after_catch") != pl.col("yards_gained")),
    }
    in_snaps = {
        "plays without a score (the game's scoring summary does not add up)": pl.col(
            "score_diff"
        ).is_null(),
        "plays of unknown kind": pl.col("kind") == "other",
        "plays entered out of order of the clock": same_quarter
        & (pl.col("clock_seconds").diff() > 0),
    }
    counts = {
        "games whose scoring summary does not add up": games.select(
            (~pl.col("score_timeline_ok")).sum()
        ).item(),
        "stale copies of plays left out": stale,
    }
    for frame, conditions in ((passes, in_passes), (snaps, in_snaps)):
        counts |= frame.select(
            condition.sum().alias(name) for name, condition in conditions.items()
        ).row(0, named=True)
    return {name: count for name, count in counts.items() if count}
