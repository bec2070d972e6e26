"""The synthetic series of the spliced binned-Pareto paper: all families beside the true law.

    python experiments/heavy_tails.py

Five series of 7,000 points: a sine with a period of 100 steps, Student noise, and generalized
Pareto spikes at 15 % of the points, half up and half down. 5,000 points train, 1,000 choose the
epoch, 1,000 are judged: quantiles at 129 levels (PP-MAE), CRPS and log score. All families have the
same network, which sees the last 91 of the 100 points of context, the same training, and no label
smoothing. The true conditional law, which real data never show, is judged beside them.

Cost: 4 to 6 minutes on 2 cores. Expect (docs/heavy_tails.md): the spliced family within 3 % of
the true law's CRPS, and as well calibrated as a perfect forecaster might be by chance. Killed at
any moment, the same command goes on with the family that it was at; run again, it prints what is
there.
"""

from sbp_jax.jobs.heavy_tails import HeavyTails, main
from sbp_jax.runs.command_line import run

SETTINGS = HeavyTails(seeds=(0, 1, 2, 3, 4), bins=100, tail_mass=0.05)

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
