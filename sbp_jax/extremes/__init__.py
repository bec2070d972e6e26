"""Streaming detectors of extreme values: SPOT, DSPOT, and SPOT on what a forecast leaves over."""

from sbp_jax.errors import DetectorError
from sbp_jax.extremes.nn_spot import run_on_residuals
from sbp_jax.extremes.on_law import normal_scores, run_on_law
from sbp_jax.extremes.spot import Spot, SpotState, SpotStep

__all__ = [
    "DetectorError",
    "Spot",
    "SpotState",
    "SpotStep",
    "normal_scores",
    "run_on_law",
    "run_on_residuals",
]
