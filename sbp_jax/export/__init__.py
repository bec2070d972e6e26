"""Trained models as NumPy files, and a runtime that serves them with NumPy alone.

Nothing here imports JAX: copy `sbp_jax/__init__.py`, `sbp_jax/errors.py` and this folder to a
server, or install the package and import only this.
"""

from sbp_jax.errors import ExportError
from sbp_jax.export.arrays import NumpyArraysModel
from sbp_jax.export.describe import describe
from sbp_jax.export.law import NumpyLaw
from sbp_jax.export.load import load_model
from sbp_jax.export.runtime import NumpyModel
from sbp_jax.export.weights import load_weights, save_weights

__all__ = [
    "ExportError",
    "NumpyArraysModel",
    "NumpyLaw",
    "NumpyModel",
    "describe",
    "load_model",
    "load_weights",
    "save_weights",
]
