"""What can go wrong between the tracking files and the data set."""

from sbp_jax.errors import SbpJaxError


class TrackingError(SbpJaxError):
    """Tracking data that cannot be read, built or simulated."""


class NoTrackingError(TrackingError):
    """No tracking files: the folder is missing, empty, or lacks a table that its layout needs."""


class LayoutError(TrackingError):
    """Files of no known layout, or a column that their layout promises is missing."""


class TrackingFileError(TrackingError):
    """One file is truncated, or holds a value that its column cannot."""


class BuildError(TrackingError):
    """The folder of a build cannot be used: of another source, damaged, or not finished."""
