"""Write a run's best weights as one NumPy file that is served without JAX."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

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
