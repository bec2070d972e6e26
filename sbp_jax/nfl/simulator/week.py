"""Simulate weeks and write their files, each perhaps in a process of its own.

Weeks share only the league: each has a random stream of its own, so they may be simulated in any
order and in any process. Memory is bounded by `PLAYS_AT_ONCE`, whatever the size of a week.
"""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
import polars as pl

from sbp_jax.nfl.simulator.chunk import PLAYS_AT_ONCE, simulate_chunk
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.league import League, make_league
from sbp_jax.nfl.simulator.player_play import player_play_table
from sbp_jax.nfl.simulator.plays import plays_table
from sbp_jax.nfl.simulator.rows import tracking_rows
from sbp_jax.nfl.simulator.schedule import schedule_week
from sbp_jax.nfl.simulator.script import select
from sbp_jax.nfl.simulator.tables import games_table, oracle_table

PARTS: Final = "parts"
"""Folder of the weeks' tables until they are put together."""

TABLES: Final = ("games", "plays", "player_play", "oracle")

_GZIP_LEVEL: Final = 4


def write_week(
    folder: Path,
    config: SimulateConfig,
    league: League,
    week: int,
    on_plays: Callable[[int], object],
) -> None:
    """Write the tracking file of a week, and its part of each table.

    Args:
        folder: of the season, not finished.
        config: of the season.
        league: of the season.
        week: counted from 1.
        on_plays: is told how many more plays are written.
    """
    rng = np.random.default_rng([config.seed, week])
    games, plays = schedule_week(rng, config, week)
    tables: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    tables["games"].append(games_table(games, plays, week))
    count = plays.kind.size
    with _tracking_file(folder, config, week) as file:
        for start in range(0, count, PLAYS_AT_ONCE):
            some = select(plays, slice(start, min(start + PLAYS_AT_ONCE, count)))
            chunk = simulate_chunk(rng, league, some, config)
            rows = tracking_rows(rng, league, games, chunk)
            # Polars writes to the descriptor below a file object, so past the compression.
            text = io.BytesIO()
            write_csv(rows, text, header=start == 0)
            file.write(text.getbuffer())
            tables["plays"].append(plays_table(league, games, chunk))
            tables["player_play"].append(player_play_table(league, games, chunk))
            tables["oracle"].append(oracle_table(games, chunk))
            on_plays(some.kind.size)
    for name, parts in tables.items():
        pl.concat(parts).write_parquet(part_path(folder, name, week))


def part_path(folder: Path, table: str, week: int) -> Path:
    """Where a week's part of a table is kept."""
    return folder / PARTS / f"{table}_{week}.parquet"


def write_csv(table: pl.DataFrame, file: Path | IO[bytes], *, header: bool = True) -> None:
    """Write as the Big Data Bowl does: two decimals, and NA for what is missing."""
    table.write_csv(file, include_header=header, float_precision=2, null_value="NA")


@contextmanager
def _tracking_file(
    folder: Path, config: SimulateConfig, week: int
) -> Iterator[IO[bytes] | gzip.GzipFile]:
    path = folder / f"tracking_week_{week}.csv"
    if config.compression == "none":
        with path.open("wb") as file:
            yield file
        return
    # Neither name nor time: the same plays are the same bytes.
    with (
        path.with_suffix(".csv.gz").open("wb") as raw,
        gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as file,
    ):
        yield file


@dataclass(frozen=True)
class WeekJob:
    """A week to be written.

    Attributes:
        folder: of the season, not finished.
        config: of the season.
        week: counted from 1.
    """

    folder: Path
    config: SimulateConfig
    week: int

    @property
    def task(self) -> str:
        """For messages."""
        return f"simulated week {self.week}"

    def run(self, on_plays: Callable[[int], object]) -> None:
        """Simulate and write, in this process.

        Args:
            on_plays: is told how many more plays are written.
        """
        write_week(self.folder, self.config, make_league(self.config.seed), self.week, on_plays)
