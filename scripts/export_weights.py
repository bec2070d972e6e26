"""Write a run's best weights as one NumPy file that is served without JAX.

    python scripts/export_weights.py RUN [--output weights.npz]

Reads RUN/config.json and RUN/checkpoints, writes RUN/weights.npz. Read it with
`sbp_jax.export.load_model`, which needs NumPy alone.
"""

import tyro

from sbp_jax.jobs.export_weights import ExportWeights, main
from sbp_jax.runs.command_line import run

if __name__ == "__main__":
    run(main, ExportWeights(run=tyro.MISSING), __doc__)
