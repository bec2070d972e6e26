"""The passing score as an instrument: does it follow winning, is it fair, is it stable?

    python experiments/wins.py
    python experiments/wins.py --other.file ../shared/data/passes/qbr_season.csv

Every targeted pass of 2009-2018 is scored by a model that never saw its season: expected points,
fitted without it, say what the pass was worth; a network that knows the throw and the situation
emits the spliced binned-Pareto distribution of that worth; where the outcome lies in it is the
play's score. Scores of a passer's season, drawn towards the league's mean by how few there are,
are compared with the NFL passer rating, adjusted net yards per attempt, completion rate over
expectation and, from a CSV of yours, any other rating: correlation with win percentage and with
making the playoffs, split-half reliability, season-to-season correlation.

Cost: about 6 minutes on 2 cores, under 3 GiB. Expect a correlation of 0.70 with win percentage,
0.63 for the passer rating (docs/results.md). Killed at any moment, the same command goes on with
the fold it was at; run again, it prints what is there.
"""

from sbp_jax.jobs.wins import Wins, main
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.runs.command_line import run
from sbp_jax.training.config import TrainConfig

SETTINGS = Wins(
    seasons=tuple(range(2009, 2019)),
    folds=5,
    outcome="points",
    network=NetworkConfig(layers=0, dropout=0.05),
    train=TrainConfig(epochs=10),
    tail_mass=0.002,
)

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
