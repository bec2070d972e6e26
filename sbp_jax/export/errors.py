"""The error of everything that can be wrong with a weights file."""

from sbp_jax.errors import SbpJaxError


class ExportError(SbpJaxError):
    """A weights file that cannot be written or read, or that does not fit its own description."""
