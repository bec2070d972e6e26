"""Columns of the plays that go with `PlayFrames`, whatever source they come from."""

from collections.abc import Mapping
from typing import Final

import polars as pl

PLAY_COLUMNS: Final[Mapping[str, type[pl.DataType]]] = {
    "game_id": pl.Int64,
    "play_id": pl.Int64,
    "season": pl.Int32,
    "week": pl.Int32,
    "file": pl.String,  # the tracking file, by name
    "home_team": pl.String,
    "away_team": pl.String,
    "offense": pl.String,
    "defense": pl.String,
    "quarter": pl.Int32,
    "clock_seconds": pl.Int32,  # left in the quarter
    "down": pl.Int32,
    "yards_to_go": pl.Int32,
    "yards_to_endzone": pl.Int32,
    "offense_score": pl.Int32,  # before the play
    "defense_score": pl.Int32,
    "passer_id": pl.Int64,
    "target_id": pl.Int64,
    "pass_result": pl.String,  # C complete, I incomplete, IN intercepted
    "yards_gained": pl.Int32,  # without penalties; 0 for I and IN
    "snap_frame": pl.Int32,  # the file's own numbers
    "throw_frame": pl.Int32,
    "description": pl.String,
}
"""Name and type; only week, clock_seconds, the scores and description may be null."""

FACT_COLUMNS: Final = tuple(name for name in PLAY_COLUMNS if name != "file")
"""What a data set says of a play besides numbers for a model, wherever its files lay."""

DROP_COLUMNS: Final[Mapping[str, type[pl.DataType]]] = {
    "game_id": pl.Int64,
    "play_id": pl.Int64,
    "file": pl.String,  # empty where the play is in no tracking file
    "reason": pl.String,  # a fixed phrase, fit for counting
    "detail": pl.String,  # what was found, such as "21 players"
}
"""Plays that were left out, and why."""
