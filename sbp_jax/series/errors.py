"""The error of series that cannot be used."""

from sbp_jax.errors import SbpJaxError


class SeriesError(SbpJaxError, ValueError):
    """A series that cannot be read, trained on or forecast; the message names it."""
