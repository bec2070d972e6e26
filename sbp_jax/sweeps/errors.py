"""Errors of sweeps."""

from sbp_jax.errors import SbpJaxError


class SweepError(SbpJaxError, ValueError):
    """A search space, a storage or a study that a sweep cannot use."""
