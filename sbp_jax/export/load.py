"""A file of a trained model, of whatever kind, as a model that needs NumPy alone."""

from pathlib import Path

from sbp_jax.export.arrays import KIND, NumpyArraysModel
from sbp_jax.export.runtime import NumpyModel
from sbp_jax.export.weights import read_flat


def load_model(path: str | Path) -> NumpyModel | NumpyArraysModel:
    """Read a model from the weights file of a run, or from what `Model.save` wrote.

    Returns:
        A `NumpyModel`, which is asked about sequence, mask and static; or, of `Model.save`, a
        model that is called on inputs as the one that was saved.

    Raises:
        ExportError: the file is none of these, or its arrays do not fit its config.
    """
    flat, config = read_flat(path)
    of_arrays = config.get("kind") == KIND
    return NumpyArraysModel(flat, config) if of_arrays else NumpyModel(flat, config)
