"""Simulate a season of player tracking, in the layout of the Big Data Bowl 2025.

    python scripts/simulate_tracking.py --out FOLDER [--plays 50000] [--weeks 9] [--seed 0]

Writes games.csv, plays.csv, players.csv, player_play.csv and tracking_week_1.csv ... into FOLDER,
which must be new or empty. Besides them it writes what no real season has: oracle.parquet, all that
the outcome of each pass depended on, and simulation.json, the config. `plays` counts passes; a few
runs, sacks and spikes come on top.

Cost: 50,000 passes take one to two minutes on two cores, less than 1 GB of memory, and 8.4 GB of
disk; with `--compression gzip` a fifth of that.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.simulate import SeasonAccount, simulate_season


@dataclass(frozen=True)
class SimulateTracking:
    """What to simulate, and where to.

    Attributes:
        out: folder to write; new or empty.
        season: what to simulate.
        workers: processes; one per core if left out. The files do not depend on it.
    """

    out: Path
    season: Annotated[SimulateConfig, tyro.conf.arg(name="")] = field(
        default_factory=SimulateConfig
    )
    workers: int | None = None


def main(config: SimulateTracking) -> SeasonAccount:
    """Simulate, and say what was written."""
    season = simulate_season(config.out, config.season, workers=config.workers)
    print(
        f"{season.folder}: {season.passes:,} passes of {season.plays:,} plays, "
        f"{season.size / 1e6:,.0f} MB in {season.seconds:.1f} s"
    )
    return season


if __name__ == "__main__":
    try:
        main(tyro.cli(SimulateTracking, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
