"""Columns that scored plays are split by, beside those of the passes table."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from sbp_jax.nfl.clock import LAST_TWO_MINUTES


def _bands(column: str, bounds: Mapping[str, float]) -> pl.Expr:
    """The first name whose bound the value does not exceed, sorted as here; null stays null."""
    value = pl.col(column)
    chain: Any = pl.when(value.is_null()).then(None)
    for name, bound in bounds.items():
        chain = chain.when(value <= bound).then(pl.lit(name))
    bands: pl.Expr = chain.otherwise(None).cast(pl.Enum(list(bounds)))
    return bands


_INFINITY = float("inf")

SPLIT_COLUMNS: Final[Mapping[str, tuple[tuple[str, ...], pl.Expr]]] = {
    "passer": (("passer_id",), pl.col("passer_id")),
    "game": (("game_id",), pl.col("game_id")),
    "team": (("offense",), pl.col("offense")),
    "opponent": (("defense",), pl.col("defense")),
    "half": (
        ("quarter",),
        _bands("quarter", {"first": 2, "second": 4, "overtime": _INFINITY}),
    ),
    "depth": (
        ("air_yards",),
        _bands(
            "air_yards",
            {"behind the line": -1, "0 to 9": 9, "10 to 19": 19, "20 and more": _INFINITY},
        ),
    ),
    "direction": (("pass_location",), pl.col("pass_location")),
    "distance": (
        ("yards_to_go",),
        _bands("yards_to_go", {"1 to 3": 3, "4 to 6": 6, "7 to 9": 9, "10": 10, "11+": _INFINITY}),
    ),
    "field": (
        ("yards_to_endzone",),
        _bands(
            "yards_to_endzone",
            {
                "last 5": 5,
                "last 10": 10,
                "last 20": 20,
                "opponent's half": 49,
                "own half": 79,
                "own 20": _INFINITY,
            },
        ),
    ),
    "score_state": (
        ("score_diff",),
        _bands(
            "score_diff",
            {
                "behind 9+": -9,
                "behind 1 to 8": -1,
                "tied": 0,
                "ahead 1 to 8": 8,
                "ahead 9+": _INFINITY,
            },
        ),
    ),
    "two_minute": (
        ("quarter", "clock_seconds"),
        LAST_TWO_MINUTES,
    ),
    "late_and_close": (
        ("quarter", "score_diff"),
        (pl.col("quarter") >= 4) & (pl.col("score_diff").abs() <= 8),
    ),
    # What tracking says of the throw; see `sbp_jax.nfl.tracking.passes_table`.
    "pressure": (("nearest_rusher",), pl.col("nearest_rusher") <= 2.0),
    "throw_time": (
        ("time_to_throw",),
        _bands("time_to_throw", {"under 2.5 s": 2.4999, "2.5 to 4 s": 4, "over 4 s": _INFINITY}),
    ),
    "openness": (
        ("separation",),
        _bands("separation", {"tight, under 1 yd": 0.9999, "1 to 3 yd": 3, "open": _INFINITY}),
    ),
}
"""Name: the columns it needs, and how it comes from them."""


def with_split_columns(plays: pl.DataFrame) -> pl.DataFrame:
    """The plays with every column of `SPLIT_COLUMNS` that can be made of what is there.

    >>> plays = pl.DataFrame({"air_yards": [-2, 25, None], "passer_id": ["a", "b", "b"]})
    >>> with_split_columns(plays)["depth"].to_list()
    ['behind the line', '20 and more', None]
    """
    there = set(plays.columns)
    return plays.with_columns(
        expression.alias(name)
        for name, (needed, expression) in SPLIT_COLUMNS.items()
        if name not in there and there.issuperset(needed)
    )
