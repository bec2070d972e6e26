"""Draw a passer's page: his play scores, his splits, his best and worst throws.

    python scripts/passer_page.py RUN "P.Mahomes" --season 2018

RUN is a finished run of experiments/wins.py. A name is as tables spell it; where it is not one
player's alone, give his id.
"""

import tyro

from sbp_jax.jobs.passer_page import PasserPage, main
from sbp_jax.runs.command_line import run

if __name__ == "__main__":
    run(main, PasserPage(run=tyro.MISSING, passer=tyro.MISSING, season=tyro.MISSING), __doc__)
