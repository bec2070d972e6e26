"""What each player does on each play, as far as a table or the tracking itself says it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from sbp_jax.nfl.tracking.columns import Column, Kind, read_columns
from sbp_jax.nfl.tracking.season_files import find_table, needed_table
from sbp_jax.nfl.tracking.sources import DutyRule, Source

DUTIES: Final = pl.Schema(
    {"game_id": pl.Int64, "play_id": pl.Int64, "nfl_id": pl.Int64, "duty": pl.Int8}
)
"""Columns of a table of duties; duty is a `Role`, never null."""


def read_duties(folder: Path, source: Source) -> pl.DataFrame:
    """The source's table of duties, `DUTIES`; empty where it has none or the tracking says it.

    Raises:
        NoTrackingError: the source needs the table and it is missing.
        LayoutError: a column is missing.
        TrackingFileError: the file cannot be read or holds a bad value.
    """
    table = source.duties
    if not table.table or not (table.needed or find_table(folder, table.table)):
        return DUTIES.to_frame()
    rules = table.rules
    columns = {
        "game_id": source.plays["game_id"],
        "play_id": source.plays["play_id"],
        "nfl_id": Column(Kind.ID, (table.player,)),
        **{rule.column: Column(Kind.TEXT, (rule.column,)) for rule in rules},
    }
    rows = read_columns(needed_table(folder, table.table, source), columns)
    duties = rows.select("game_id", "play_id", "nfl_id", duty=duty_of(rules))
    return duties.drop_nulls().unique(maintain_order=True)


def duty_of(rules: Sequence[DutyRule]) -> pl.Expr:
    """The `Role` of the first rule that fits a row, as Int8; null where none does.

    >>> from sbp_jax.nfl.tracking.play_frames import Role
    >>> rule = DutyRule(Role.PASSER, "pff_role", ("Pass",))
    >>> pl.DataFrame({"pff_role": ["Pass", "Coverage", None]}).select(duty_of([rule])).rows()
    [(1,), (None,), (None,)]
    """
    fitting = [
        pl.when(
            pl.col(rule.column).is_in(rule.values)
            if rule.values
            else pl.col(rule.column).is_not_null()
        ).then(pl.lit(int(rule.role), pl.Int8))
        for rule in rules
    ]
    return pl.coalesce(fitting)
