"""Whole seasons of simulated tracking, in the layout of the Big Data Bowl 2025.

Players move as human bodies can; what a throw gains is drawn from a law that is known,
`simulated_outcome`, so it is known how good a forecast of it can be. The law sees
a play only through numbers that anyone can compute from the files.
"""

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import polars as pl
from tqdm import tqdm

from sbp_jax.nfl.errors import BuildError, TrackingError
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.league import make_league
from sbp_jax.nfl.simulator.tables import players_table
from sbp_jax.nfl.simulator.week import PARTS, TABLES, WeekJob, part_path, write_csv
from sbp_jax.runs.atomic import whole_folder
from sbp_jax.runs.child_processes import run_jobs

ORACLE_FILE: Final = "oracle.parquet"
"""Facts and outcome of every pass; no file of the Big Data Bowl's."""

CONFIG_FILE: Final = "simulation.json"


@dataclass(frozen=True)
class SeasonAccount:
    """What was written.

    Attributes:
        folder: of the season.
        plays: of all kinds.
        passes: at a target.
        size: of all files, bytes.
        seconds: that it took.
    """

    folder: Path
    plays: int
    passes: int
    size: int
    seconds: float


def simulate_season(
    folder: Path,
    config: SimulateConfig | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> SeasonAccount:
    """Write a season: games.csv, plays.csv, players.csv, player_play.csv, tracking_week_1.csv ...

    Besides them `ORACLE_FILE` and `CONFIG_FILE`. The folder appears when it is whole; until then
    all is in a hidden folder beside it, which is removed if anything goes wrong.

    Args:
        folder: must not exist, or be empty.
        config: of the season; None means the defaults.
        workers: processes; None means one per core. The files do not depend on it.
        progress: show a bar, if on a terminal.

    Raises:
        BuildError: the folder holds something, or cannot be written.
        TrackingError: a process died.
    """
    start = time.perf_counter()
    config = SimulateConfig() if config is None else config
    folder = folder.absolute()
    _check_free(folder)
    try:
        with whole_folder(folder) as unfinished:
            (unfinished / PARTS).mkdir()
            jobs = [WeekJob(unfinished, config, week) for week in range(1, config.weeks + 1)]
            total = config.plays_in_all
            # disable=None: no bar unless on a terminal.
            with tqdm(
                total=total, desc="simulating", unit="play", disable=None if progress else True
            ) as bar:
                run_jobs(jobs, workers or _cores(), bar.update, TrackingError)
            _put_together(unfinished, config)
            size = sum(file.stat().st_size for file in unfinished.iterdir())
            _check_free(folder)
    except OSError as error:
        raise BuildError(f"{folder}: cannot be written ({error})") from error
    return SeasonAccount(folder, total, config.plays, size, time.perf_counter() - start)


def _check_free(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise BuildError(f"{folder}: expected a new or an empty folder, found it in use")


def _put_together(unfinished: Path, config: SimulateConfig) -> None:
    """Make one table of the weeks' parts of each."""
    weeks = range(1, config.weeks + 1)
    for name in TABLES:
        table = pl.read_parquet([part_path(unfinished, name, week) for week in weeks])
        if name == Path(ORACLE_FILE).stem:
            table.write_parquet(unfinished / ORACLE_FILE)
        else:
            write_csv(table, unfinished / f"{name}.csv")
    shutil.rmtree(unfinished / PARTS)
    write_csv(players_table(make_league(config.seed)), unfinished / "players.csv")
    (unfinished / CONFIG_FILE).write_text(json.dumps(asdict(config), indent=2) + "\n")


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1
