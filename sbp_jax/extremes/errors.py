"""What can go wrong when a detector of extremes is set up."""

from sbp_jax.errors import SbpJaxError


class DetectorError(SbpJaxError, ValueError):
    """A setting that makes no detector, or values that one cannot be calibrated on."""
