"""What can go wrong with a prepared data set."""

from sbp_jax.errors import SbpJaxError


class DatasetError(SbpJaxError):
    """A prepared data set that is missing, damaged, or not the one asked for."""
