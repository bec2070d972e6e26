"""The location and spread that raw zeros stand for, in families that have them."""

import math


def check_location_scale(center: float, spread: float) -> None:
    """ValueError unless the centre is finite, and the spread finite and > 0."""
    if not math.isfinite(center):
        raise ValueError(f"center: expected a finite number, got {center!r}")
    if not 0 < spread < math.inf:
        raise ValueError(f"spread: expected a finite number > 0, got {spread!r}")
