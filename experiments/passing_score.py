"""The passing score on real passes: train, compare, score quarterbacks, draw.

    python experiments/passing_score.py            # or scripts/quickstart, which installs first

A causal TCN over the game so far, joined with what is known at the throw, emits a spliced
binned-Pareto distribution of yards gained. Seasons 2009-2016 train, 2017 picks the epoch, the
regular season 2018 is reported on. Rivals on the same plays: Binned and Gaussian heads on the
same network, the same model without the game so far, XGBoost, the empirical distribution by air
yards, a constant.

Cost: about 5 minutes on 2 cores, under 4 GiB. Expect on 2018: log score 2.26 nats, CRPS
4.15 yards, MAE of the median 5.96 yards (docs/results.md). Killed at any moment, the same command
goes on from the last epoch; run again, it prints what is there.
"""

from sbp_jax.jobs.passing_score import PassingScore, main
from sbp_jax.runs.command_line import run

SETTINGS = PassingScore(objective="base_plus_tail", tail_mass=0.01, splice="edge", min_attempts=224)

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
