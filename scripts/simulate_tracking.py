"""Simulate a season of player tracking, in the layout of the Big Data Bowl 2025.

    python scripts/simulate_tracking.py --out FOLDER [--plays 50000] [--weeks 9] [--seed 0]

Writes games.csv, plays.csv, players.csv, player_play.csv and tracking_week_1.csv ... into FOLDER,
which must be new or empty. Besides them it writes what no real season has: oracle.parquet, all that
the outcome of each pass depended on, and simulation.json, the config. `plays` counts passes; a few
runs, sacks and spikes come on top.

Cost: 50,000 passes take one to two minutes on two cores, less than 1 GB of memory, and 8.4 GB of
disk; with `--compression gzip` a fifth of that.
"""

import tyro

from sbp_jax.jobs.simulate_tracking import SimulateTracking, main
from sbp_jax.runs.command_line import run

if __name__ == "__main__":
    run(main, SimulateTracking(out=tyro.MISSING), __doc__)
