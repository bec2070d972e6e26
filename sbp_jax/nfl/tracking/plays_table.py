"""The plays of a season in one form, and those that the tables alone rule out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from sbp_jax.nfl.tracking import drops
from sbp_jax.nfl.tracking.columns import Columns, read_columns, refuse_bad_values
from sbp_jax.nfl.tracking.names_in_text import named_in_text
from sbp_jax.nfl.tracking.season_files import needed_table
from sbp_jax.nfl.tracking.sources import YES, Source

_PASS_RESULTS: Final = ("C", "I", "IN")
_KEYS: Final = ("game_id", "play_id")
_LINES: Final = (10, 110)
"""The goal lines: where the absolute line of scrimmage can be."""

_NOT_COUNTED: Final = "No Play"
_TWO_POINT_TRY: Final = "TWO-POINT CONVERSION ATTEMPT"
_SPIKED: Final = "spiked the ball"
_NEEDED: Final = ("quarter", "down", "yards_to_go", "offense", "home_team", "away_team")
_OPTIONAL: Final[Mapping[str, type[pl.DataType]]] = {
    "season": pl.Int64,
    "week": pl.Int64,
    "nullified": pl.String,
    "spike": pl.String,
}
"""Columns that some source lacks."""


class PlaysTable(NamedTuple):
    """The plays of a folder.

    Attributes:
        plays: candidates, sorted by game_id and play_id: columns of `PLAY_COLUMNS` as far as the
            tables tell them; ``line`` (absolute, yards); ``offense_team`` and ``defense_team`` as
            the tracking writes them; the names of `named_in_text`.
        reasons: game_id, play_id, reason, detail of the others.
        repeated: rows left out because another says the same.
    """

    plays: pl.DataFrame
    reasons: pl.DataFrame
    repeated: int


def read_plays_table(folder: Path, source: Source) -> PlaysTable:
    """Read the plays and games tables and sort out the passes that can be used.

    Raises:
        NoTrackingError: a table is missing.
        LayoutError: a column is missing.
        TrackingFileError: a file cannot be read or holds a bad value.
    """
    path = needed_table(folder, source.plays_table, source)
    rows = _read_keyed(path, source.plays, _KEYS)
    table = rows.unique()
    disagree = table.group_by(_KEYS).len().filter(pl.col("len") > 1)
    single = table.unique(_KEYS, keep="any")
    if source.games:
        single = single.join(_read_games(folder, source), on="game_id", how="left")
    missing = [name for name in _OPTIONAL if name not in single.columns]
    single = single.with_columns(
        pl.lit(None, _OPTIONAL[name]).alias(name) for name in missing
    ).with_columns(disagree=_in(single, disagree))
    judged = single.with_columns(**_verdict(source)).sort(_KEYS)
    return PlaysTable(
        plays=_candidates(judged.filter(pl.col("reason").is_null()), source),
        reasons=judged.filter(pl.col("reason").is_not_null()).select(*_KEYS, "reason", "detail"),
        repeated=rows.height - table.height,
    )


def season_of(game_id: pl.Expr) -> pl.Expr:
    """Season of a game from its id, which begins with the date; it lasts into February.

    >>> pl.select(season_of(pl.lit(2018011401)))[0, 0]
    2017
    """
    return game_id // 1_000_000 - (game_id // 10_000 % 100 <= 2).cast(pl.Int64)


def _read_games(folder: Path, source: Source) -> pl.DataFrame:
    path = needed_table(folder, "games", source)
    return _read_keyed(path, source.games, ("game_id",)).unique("game_id", keep="first")


def _read_keyed(path: Path, columns: Columns, keys: tuple[str, ...]) -> pl.DataFrame:
    table = read_columns(path, columns)
    if table.select(pl.any_horizontal(pl.col(keys).is_null().any())).item():
        refuse_bad_values(path, columns, never_missing=keys)
    return table


def _in(plays: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    marked = others.select(*_KEYS, there=pl.lit(True))
    return (
        plays.select(_KEYS)
        .join(marked, on=_KEYS, how="left", maintain_order="left")["there"]
        .fill_null(False)
    )


def _verdict(source: Source) -> dict[str, pl.Expr]:
    """Reason and detail of the first rule that a play breaks; null where it breaks none."""
    says = pl.col("description").fill_null("").str.contains
    result, down = pl.col("pass_result"), pl.col("down")
    nothing = pl.lit("")
    found: list[tuple[str, pl.Expr, pl.Expr]] = [
        (drops.ROWS_DISAGREE, pl.col("disagree"), nothing),
        (
            drops.NO_PASS,
            ~result.is_in(_PASS_RESULTS).fill_null(False),
            pl.format("result {}", result.fill_null("missing")),
        ),
        (drops.TWO_POINTS, says(_TWO_POINT_TRY, literal=True) | (down < 1), nothing),
        (
            drops.NULLIFIED,
            pl.col("nullified").is_in(YES).fill_null(says(_NOT_COUNTED, literal=True)),
            nothing,
        ),
        (
            drops.SPIKE,
            pl.col("spike").is_in(YES).fill_null(False) | says(_SPIKED, literal=True),
            nothing,
        ),
        (drops.NO_OUTCOME, (result == "C") & pl.col("yards").is_null(), nothing),
        (drops.NO_GAME, pl.col("home_team").is_null() & pl.lit(bool(source.games)), nothing),
        *(
            (drops.MISSING_VALUE, pl.col(name).is_null(), pl.lit(name))
            for name in (*_NEEDED, *(("line",) if "line" in source.plays else ()))
        ),
        (
            drops.UNKNOWN_OFFENSE,
            ~pl.any_horizontal(pl.col("offense") == pl.col("home_team", "away_team")),
            pl.format("{}", pl.col("offense")),
        ),
    ]
    if "line" in source.plays:
        outside = ~pl.col("line").is_between(*_LINES, closed="none")
        found.append((drops.BAD_LINE, outside, pl.format("{}", pl.col("line"))))
    reason, detail = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for phrase, broken, what in reversed(found):
        reason = pl.when(broken).then(pl.lit(phrase)).otherwise(reason)
        detail = pl.when(broken).then(what).otherwise(detail)
    return {"reason": reason, "detail": detail}


def _candidates(plays: pl.DataFrame, source: Source) -> pl.DataFrame:
    at_home = pl.col("offense") == pl.col("home_team")
    defense = pl.when(at_home).then("away_team").otherwise("home_team")
    if source.sides:
        teams = [pl.lit(side) for side in source.sides]
    elif source.home_and_away:
        home, away = pl.lit("home"), pl.lit("away")
        teams = [pl.when(at_home).then(a).otherwise(b) for a, b in ((home, away), (away, home))]
    else:
        teams = [pl.col("offense"), defense]
    line = pl.col("line") if "line" in source.plays else pl.lit(None, pl.Float32)
    scores = pl.col("home_score"), pl.col("away_score")
    return plays.select(
        *_KEYS,
        "week",
        "home_team",
        "away_team",
        "offense",
        "quarter",
        "down",
        "yards_to_go",
        "pass_result",
        "description",
        season=pl.coalesce("season", season_of(pl.col("game_id"))),
        defense=defense,
        clock_seconds=_clock_seconds(pl.col("clock")),
        offense_score=pl.when(at_home).then(scores[0]).otherwise(scores[1]),
        defense_score=pl.when(at_home).then(scores[1]).otherwise(scores[0]),
        # The outcome is the thrower's: an incompletion or an interception gains nothing,
        # whatever penalties and returns put into the column.
        yards_gained=pl.when(pl.col("pass_result") == "C").then("yards").otherwise(0).round(),
        line=line,
        offense_team=teams[0],
        defense_team=teams[1],
        **named_in_text(pl.col("description")),
    )


def _clock_seconds(clock: pl.Expr) -> pl.Expr:
    """Of MM:SS, or MM:SS:00 as in the layout of 2021."""
    minutes, seconds = (clock.str.extract(r"^(\d+):(\d+)", group) for group in (1, 2))
    return minutes.cast(pl.Int64) * 60 + seconds.cast(pl.Int64)
