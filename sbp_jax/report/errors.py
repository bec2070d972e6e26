"""What can go wrong when figures are drawn and reports written."""

from sbp_jax.errors import SbpJaxError


class ReportError(SbpJaxError, ValueError):
    """Inputs that no figure can be drawn of, or a report that cannot be written as asked."""
