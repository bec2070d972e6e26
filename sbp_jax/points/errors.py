"""What can go wrong when plays are valued in points."""

from sbp_jax.errors import SbpJaxError


class PointsError(SbpJaxError, ValueError):
    """Snaps or passes that no value in points can be computed for."""
