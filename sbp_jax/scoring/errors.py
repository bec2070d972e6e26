"""What can go wrong when plays are scored and passers rated."""

from sbp_jax.errors import SbpJaxError


class ScoringError(SbpJaxError, ValueError):
    """Plays and scores that cannot be joined or aggregated as given."""
