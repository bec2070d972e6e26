r"""Scores of any split of a run's plays: a table, a CSV and a figure.

    python scripts/score_plays.py RUN --by "season, passer" --where "air_yards >= 20" \
        --min-attempts 15

RUN is a finished run of experiments/wins.py, passing_score.py or tracking.py. ``--by`` names what
to group by, outermost first: small groups are drawn towards the one they are part of. ``--where``
is an SQL condition over the same columns. Besides those of the passes table there are passer, team,
opponent, game, half, depth, direction, distance, field, score_state, two_minute, late_and_close,
and in runs on tracking pressure, throw_time, openness, nearest_rusher, time_to_throw,
defenders_near_target, separation. ``--columns`` lists all of them.
"""

import tyro

from sbp_jax.jobs.score_plays import ScorePlays, main
from sbp_jax.runs.command_line import run

if __name__ == "__main__":
    run(main, ScorePlays(run=tyro.MISSING), __doc__)
