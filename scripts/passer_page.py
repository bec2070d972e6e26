"""Draw a passer's page: his play scores, his splits, his best and worst throws.

    python scripts/passer_page.py RUN "P.Mahomes" --season 2018

RUN is a finished run of experiments/wins.py. A name is as tables spell it; where it is not one
player's alone, give his id.
"""

import sys

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.jobs.passer_page import PasserPage, main

if __name__ == "__main__":
    try:
        main(tyro.cli(PasserPage, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
