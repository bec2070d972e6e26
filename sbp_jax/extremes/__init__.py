"""Streaming detectors of extreme values: SPOT, DSPOT, and SPOT on a network's residuals."""

from sbp_jax.errors import DetectorError
from sbp_jax.extremes.nn_spot import run_on_residuals
from sbp_jax.extremes.spot import Spot, SpotState, SpotStep

__all__ = ["DetectorError", "Spot", "SpotState", "SpotStep", "run_on_residuals"]
