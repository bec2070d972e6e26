"""What can go wrong between the game files and the tables."""

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
