"""A sweep of the spliced head's settings: numeric ones as a population, others through Optuna.

    python experiments/sweep.py                                      # the passing score
    python experiments/sweep.py --experiment tracking --trials 32
    python experiments/passing_score.py --config runs/sweep/best.json --run runs/best

A round takes one structure and trains `population` settings of it by one program; the study
chooses both where good ones were, and stops settings that lag behind. What is searched is `SPACE`
of `sbp_jax/jobs/sweep.py`. Settings are chosen on the validation season; the test season is not
looked at. Killed at any moment, the same command goes on, and loses the round it was in. Several
machines join one study by --storage: a database's URL, or journal:FILE on a disk they share; give
each its own --run.

Cost: 16 trials of 3 epochs, 4 at a time, 10 minutes and 4 GB on 2 cores that others used too;
so the whole sweep of 64 trials takes two to three hours there. Of those 16 the best came to a
validation log score of 2.183 nats and the worst that was complete to 2.261; 1 was stopped early.
"""

from sbp_jax.jobs.sweep import Sweep, main
from sbp_jax.runs.command_line import run

SETTINGS = Sweep(trials=64, population=16, pruner="median")

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
