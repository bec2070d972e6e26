"""What can go wrong when forecasts are judged."""

from sbp_jax.errors import SbpJaxError


class EvaluationError(SbpJaxError, ValueError):
    """Forecasts, outcomes and games that cannot be compared as given."""
