"""Ratings of passers that others published, from a CSV file of any layout."""

from pathlib import Path
from typing import Final

import polars as pl

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.rivals.team_codes import code_of_the_time

_NULLS: Final = ["", "NA", "nan", "NaN", "None", "null"]


def read_ratings(
    path: Path | str,
    *,
    name: str,
    rating: str,
    team: str | None = None,
    season: str = "season",
    where: str | None = None,
) -> pl.DataFrame:
    r"""Read ratings of passers from a CSV file with a header.

    Args:
        path: of the file, which may be compressed (.gz, .zst).
        name: its column of players' names.
        rating: its column of ratings, a number in every row that is kept.
        team: its column of teams' codes; None if it has none.
        season: its column of seasons.
        where: SQL condition on its columns that picks rows; None for all of them.

    Returns:
        One row per rating in the order of the file: row (the first below the header is 1), season,
        name, team (the code of the plays, null without one), rating.

    Raises:
        ScoringError: the file is missing or no CSV, a column is missing, the condition is no SQL
            condition, no row is kept, a rating is no finite number, a season no whole number, a
            name is missing, or two rows have the same season, name and team.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "ratings.csv"
    ...     _ = path.write_text("year,player,club,points\n2018,Jared Goff,LAR,65.5\n"
    ...                         "2018,Nick Foles,PHI,\n")
    ...     read_ratings(path, name="player", rating="points", team="club", season="year",
    ...                  where="points IS NOT NULL").rows()
    [(1, 2018, 'Jared Goff', 'LA', 65.5)]
    """
    path = Path(path)
    wanted = [column for column in (season, name, team, rating) if column is not None]
    table = _read(path, wanted, where)
    found = table.select(
        row=pl.col("_row").cast(pl.Int64),
        season=_numbers(path, table, season, whole=True).cast(pl.Int64),
        name=pl.col(name).cast(pl.String).str.strip_chars(),
        team=pl.lit(None, pl.String) if team is None else pl.col(team).cast(pl.String),
        rating=_numbers(path, table, rating),
    ).with_columns(team=code_of_the_time(pl.col("team"), pl.col("season")))
    if nameless := found.filter(pl.col("name").fill_null("") == "")["row"].to_list():
        raise ScoringError(f"{path}: {name}: expected a name, got none in row {nameless[0]}")
    who = ["season", "name", "team"]
    twice = found.group_by(who, maintain_order=True).agg("row").filter(pl.col("row").list.len() > 1)
    if len(twice):
        of, player, club, rows = twice.row(0)
        at = ", ".join(map(str, rows))
        raise ScoringError(
            f"{path}: expected one row for each season, name and team, got {player!r} "
            f"({club or 'no team'}) of {of} in rows {at}; pick one with `where`"
        )
    return found


def _read(path: Path, wanted: list[str], where: str | None) -> pl.DataFrame:
    """The rows of a file that a condition picks, numbered as they stand there."""
    if not path.is_file():
        raise ScoringError(
            f"{path}: expected a CSV file, got {'a folder' if path.exists() else 'none'}"
        )
    try:
        table = pl.read_csv(path, infer_schema_length=None, null_values=_NULLS)
        table = table.with_row_index("_row", offset=1)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise ScoringError(f"{path}: cannot be read as CSV: {error}") from None
    for column in wanted:
        if column not in table.columns:
            there = ", ".join(table.columns[1:])
            raise ScoringError(f"{path}: expected a column {column!r}, got {there}")
    if where is not None:
        try:
            table = table.filter(pl.sql_expr(where))
        except pl.exceptions.PolarsError as error:
            raise ScoringError(
                f"where: expected an SQL condition, got {where!r}: {error}"
            ) from None
    if table.is_empty():
        kept = "" if where is None else f" where {where}"
        raise ScoringError(f"{path}: expected at least one row{kept}, got none")
    return table


def _numbers(path: Path, table: pl.DataFrame, column: str, *, whole: bool = False) -> pl.Series:
    """A column as finite numbers."""
    values = table[column].cast(pl.Float64, strict=False)
    fine = values.is_finite().fill_null(value=False)
    if whole:
        fine &= (values == values.round()).fill_null(value=False)
    if not fine.all():
        at = int(fine.arg_min() or 0)
        found, what = table[column][at], "a whole number" if whole else "a finite number"
        raise ScoringError(
            f"{path}: {column}: expected {what}, got {'none' if found is None else repr(found)} "
            f"in row {table['_row'][at]}"
        )
    return values
