"""Counts of mentions on Twitter: every family and every detector on the ten series of the paper.

    python experiments/twitter_mentions.py --source FOLDER

FOLDER holds the ten files of the folder ``realTweets`` of the Numenta Anomaly Benchmark, as CSV or
CSV.GZ with the columns ``timestamp`` and ``value``: mentions of a company in five minutes. Of each
series the first 60 % train a network of its own, 20 % choose the epoch, and the last 20 % are
judged, one step ahead. Counts stand for cells of width one: log score of the cell, PP-MAE of
randomised PITs, CRPS of all counts and of those from the 95 % quantile of the training part on.

SPOT, DSPOT and NN-SPOT are calibrated on the first 80 % and go on learning, as they are meant to.
They say nothing of the body, and so are compared in the upper tail, by PP-MAE and by alarms.

Cost: 6 to 12 minutes on 2 cores. What to expect: docs/heavy_tails.md. Killed at any moment, the
same command goes on with the family that it was at; run again, it prints what is there.
"""

from sbp_jax.jobs.twitter_mentions import TwitterMentions, main
from sbp_jax.runs.command_line import run
from sbp_jax.series import SeriesNetwork, SeriesTraining

SETTINGS = TwitterMentions(
    bins=80,
    farthest=60.0,
    tail_mass=0.02,
    network=SeriesNetwork(features=12, hidden=(32,), center=1.0),
    train=SeriesTraining(epochs=25, learning_rate=5e-3),
)

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
