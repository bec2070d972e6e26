"""Errors of the football wing that a caller may want to catch."""

from sbp_jax.errors import SbpJaxError


class PlaysError(SbpJaxError):
    """The tables of plays could not be built."""


class NoSourceError(PlaysError):
    """No game files: the data package is not installed, or the folder is missing or empty."""


class SeasonNotFoundError(PlaysError):
    """A season was asked for of which the source has no regular-season or playoff game."""


class AllGamesBrokenError(PlaysError):
    """The source has files of the seasons asked for, and not one of them could be read."""


class BrokenGameError(PlaysError):
    """One game file is truncated, is not JSON or has the wrong structure."""


class CacheError(PlaysError):
    """The folder for parsed seasons cannot be written, or was changed while it was being read."""


class WorkerError(PlaysError):
    """A process that parsed games died."""


class PointsError(SbpJaxError, ValueError):
    """Snaps or passes that no value in points can be computed for."""


class ScoringError(SbpJaxError, ValueError):
    """Plays and scores that cannot be joined or aggregated as given."""


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
