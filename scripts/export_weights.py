"""Write a run's best weights as one NumPy file that is served without JAX.

    python scripts/export_weights.py RUN [--output weights.npz]

Reads RUN/config.json and RUN/checkpoints, writes RUN/weights.npz. Read it with
`sbp_jax.export.load_model`, which needs NumPy alone.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.export import save_weights
from sbp_jax.runs.run_folder import read_config
from sbp_jax.training.restore import restore_forecaster


@dataclass(frozen=True)
class ExportWeights:
    """What to export.

    Attributes:
        run: folder of the run.
        output: file to write; weights.npz in the run folder if left out.
    """

    run: Annotated[Path, tyro.conf.Positional]
    output: Path | None = None


def main(config: ExportWeights) -> Path:
    """Export, and return the path of the file."""
    _, params, epoch = restore_forecaster(config.run)
    output = config.output or config.run / "weights.npz"
    save_weights(output, params, read_config(config.run))
    print(f"{output}: epoch {epoch}, {output.stat().st_size / 1024:,.0f} KiB")
    return output


if __name__ == "__main__":
    try:
        main(tyro.cli(ExportWeights, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
