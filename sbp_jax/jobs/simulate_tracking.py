"""Simulate a season of player tracking, in the layout of the Big Data Bowl 2025."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.simulate import SeasonAccount, simulate_season
from sbp_jax.runs.ranges import Count, refuse_out_of_range


@dataclass(frozen=True)
class SimulateTracking:
    """What to simulate, and where to.

    Attributes:
        out: folder to write; new or empty.
        season: what to simulate.
        workers: processes, >= 1; one per core if left out. The files do not depend on it.
    """

    out: Path
    season: Annotated[SimulateConfig, tyro.conf.arg(name="")] = field(
        default_factory=SimulateConfig
    )
    workers: Count | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        refuse_out_of_range(self)


def main(config: SimulateTracking) -> SeasonAccount:
    """Simulate, and say what was written."""
    season = simulate_season(config.out, config.season, workers=config.workers)
    print(
        f"{season.folder}: {season.passes:,} passes of {season.plays:,} plays, "
        f"{season.size / 1e6:,.0f} MB in {season.seconds:.1f} s"
    )
    return season
