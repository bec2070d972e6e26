"""Write a run's best weights as one NumPy file that is served without JAX.

    python scripts/export_weights.py RUN [--output weights.npz]

Reads RUN/config.json and RUN/checkpoints, writes RUN/weights.npz. Read it with
`sbp_jax.export.load_model`, which needs NumPy alone.
"""

import sys

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.jobs.export_weights import ExportWeights, main

if __name__ == "__main__":
    try:
        main(tyro.cli(ExportWeights, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
