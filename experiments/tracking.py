"""Yards gained from player tracking: raw files, networks, scores, figures.

    python experiments/tracking.py                       # a simulated season, 20,000 to train on
    python experiments/tracking.py --source FOLDER       # the files of a Big Data Bowl

A causal TCN over the frames from the snap to the throw, joined with what is known before the snap,
emits a spliced binned-Pareto distribution of yards gained. Rivals on the same plays: Binned and
Gaussian heads on the same network, XGBoost on a summary of the throw. A simulated season has a
known law of yards, so the table also holds an oracle: nobody can do better. One more network is
trained on plays cut off anywhere, to be read frame by frame as a play unfolds.

Cost: 6 minutes on 2 cores, of which the four trainings 4, 4.3 GB of memory and 5 GB of disk.
Expect a log score 0.03 nats from the oracle's, MAE of the median 5.36 yards (docs/tracking.md).
Killed at any moment, the same command goes on where it was; run again, it prints what is there.
"""

from sbp_jax.jobs.tracking import Tracking, main
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.runs.command_line import run
from sbp_jax.training.config import TrainConfig

SETTINGS = Tracking(
    simulate=SimulateConfig(plays=26_000, seed=1),
    network=NetworkConfig(features=8, layers=3, dropout=0.3, encoder_dropout=0.2),
    train=TrainConfig(epochs=30, learning_rate=4e-3, weight_decay=0.5),
    objective="interval_nll",
    tail_mass=0.002,
)

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
