"""A trained model from wherever it is kept: a file of `Model.save`, or the folder of a run."""

from pathlib import Path

from sbp_jax.arrays.model import Model
from sbp_jax.arrays.model import load as load_file
from sbp_jax.errors import InputError


def load(path: str | Path, *, head: str | None = None) -> Model:
    """Read a model that `Model.save` wrote, or the networks of a finished run.

    A run of plays is asked with a `Batch` of plays, as `sbp_jax.nfl` makes it, or with the arrays
    in it; docs/scoring.md shows how. Of `wins` the law is the mixture, with equal weights, of
    those of the folds' networks, for plays that none of them saw. Runs on series, sweeps and
    benchmarks keep scores, not networks, and cannot be loaded.

    Args:
        path: the file, or the folder of a run.
        head: which of a run's networks, by the name in its report; the first, the spliced one, if
            left out.

    Raises:
        ExportError: no such file, or it is none of these, or of another kind.
        RunFolderError: the folder holds no run, one that is not finished, or none that keeps
            networks.
        CheckpointError: the run's networks are missing or damaged.
        InputError: the run has no such head, or the path is a file, which has none.
    """
    if Path(path).is_dir():
        from sbp_jax.jobs.run_model import load_run  # late, since it loads every experiment

        return load_run(Path(path), head)
    if head is not None:
        raise InputError(f"head: expected None with a file, got {head!r}")
    return load_file(path)
