"""Splits as text: which plays, and grouped by what, in SQL over the columns of scored plays."""

import difflib
from dataclasses import dataclass
from typing import Final

import polars as pl

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.split_columns import with_split_columns

_ALIASES: Final = {"passer": "passer_id", "game": "game_id", "team": "offense"}
"""What stands for the column itself, so that a table has it once."""


@dataclass(frozen=True)
class Split:
    """Plays to be grouped.

    Attributes:
        plays: those that match, with the columns to group by.
        by: names of these columns, outermost first.
        left_out: how many plays did not match the condition.
        of_throws: whether it reads a column that no sack has, or leaves out sacks by name; so it
            does where there are none.
    """

    plays: pl.DataFrame
    by: tuple[str, ...]
    left_out: int
    of_throws: bool


def split_plays(plays: pl.DataFrame, by: str, where: str | None = None) -> Split:
    """Read a split.

    Args:
        plays: scored plays.
        by: columns, or SQL expressions with a name, with commas between them, outermost first:
            "season, passer", "passer, down", "passer, air_yards >= 20 AS deep".
        where: an SQL condition such as "air_yards >= 20 AND down = 3"; None takes all plays.

    Raises:
        ScoringError: an expression cannot be read, names an unknown column (close ones are
            named), is no condition, has not a value for each play or a name of its own, or no
            play matches.

    >>> plays = pl.DataFrame({"passer_id": ["a", "b"], "air_yards": [3, 30]})
    >>> split = split_plays(plays, "passer, air_yards > 9 AS far", "air_yards >= 20")
    >>> split.by, split.plays["far"].to_list(), split.left_out
    (('passer_id', 'far'), [True], 1)
    """
    known = with_split_columns(plays)
    parts = _parts(by)
    if not parts:
        raise ScoringError("by: expected columns such as 'season, passer', got nothing")
    kept, used = known, set[str]()
    if where is not None:
        condition, names = _evaluate(known, where, "where")
        used |= names
        if condition.dtype != pl.Boolean:
            raise ScoringError(f"where: expected a condition, got {where!r} ({condition.dtype})")
        kept = known.filter(condition)
        if kept.is_empty():
            raise ScoringError(f"where: expected some plays, got none of {plays.height:,}: {where}")
    groups: list[str] = []
    for part in parts:
        column, names = _evaluate(kept, _ALIASES.get(part, part), "by")
        used |= names
        if column.dtype.is_nested() or column.dtype.is_float():
            raise ScoringError(f"by: expected a column of groups, got {part} ({column.dtype})")
        if column.name in groups:
            raise ScoringError(f"by: expected every column once, got {column.name} twice")
        if column.name in kept.columns and not column.equals(kept[column.name]):
            raise ScoringError(
                f"by: expected a new name for {part!r}, got {column.name}, which is a column of "
                "the plays; write ... AS another_name"
            )
        kept = kept.with_columns(column)
        groups.append(column.name)
    of_throws = _of_throws(known, used) or ("sack" in used and not kept["sack"].any())
    return Split(kept, tuple(groups), plays.height - kept.height, of_throws)


def _of_throws(plays: pl.DataFrame, used: set[str]) -> bool:
    if "sack" not in plays.columns:
        return True
    sacks = plays.filter("sack")
    return sacks.is_empty() or any(sacks[name].is_null().all() for name in used)


def _parts(text: str) -> list[str]:
    """Text between the commas that are in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        else:
            depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _evaluate(plays: pl.DataFrame, text: str, argument: str) -> tuple[pl.Series, set[str]]:
    """An SQL expression over the plays, as a column of as many rows, and the columns it reads."""
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        raise ScoringError(f"{argument}: cannot be read: {text!r}: {_first_line(error)}") from None
    named = set(expression.meta.root_names())
    if unknown := sorted(named - set(plays.columns)):
        close = difflib.get_close_matches(unknown[0], plays.columns, n=3)
        known = ", ".join(close or sorted(plays.columns))
        hint = f"did you mean {known}?" if close else f"known are {known}"
        raise ScoringError(f"{argument}: no column {unknown[0]!r} in {text!r}; {hint}")
    try:
        column = plays.select(expression).to_series()
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise ScoringError(f"{argument}: {text!r}: {_first_line(error)}") from None
    if len(column) != plays.height:
        raise ScoringError(
            f"{argument}: expected a value for each of {plays.height:,} plays, got {len(column)} "
            f"from {text!r}"
        )
    return column, named


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
