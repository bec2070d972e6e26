"""Regression on public tables: the default law of `sbp_jax.fit` beside others on the same network.

    python experiments/uci.py --source FOLDER
    python experiments/uci.py --source FOLDER --tail-splits --sets boston concrete energy kin8nm

FOLDER holds tables NAME.parquet (columns x0, x1, ... and y) and test_splits.json, for each name a
list of the test parts' row numbers. Each method is fitted by `sbp_jax.fit` with its defaults, one
network and the mixture of five, and judged by the log score of its density in the target's unit,
CRPS, RMSE of the mean, coverage of central intervals, and the share of infinite scores. With
--tail-splits the outer sixths of one feature are tested after training on the middle, for each
feature in turn.

Cost: 5 to 20 seconds a fit on 2 cores for a thousand rows, two minutes for 45,000 (protein). Killed
at any moment, the same command goes on with the fit that it was at.
"""

from pathlib import Path

from sbp_jax.jobs.uci import Uci, main
from sbp_jax.runs.command_line import run

SETTINGS = Uci(source=Path("uci"), members=(5, 1))

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
