r"""The metrics of a forecast, each as one number per play whose mean is the metric.

That form gives every metric, and every difference between two forecasts, its standard error in
the same way (module `compare`). For the root mean square error r, which is no mean, the number
is (x^2 + r^2) / (2 r) with x the error of the play: its mean is r, and its scatter is that of r
to first order (the delta method).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from sbp_jax.evaluation.calibration import central_coverage
from sbp_jax.evaluation.verdict import Verdict

Values = Float[np.ndarray, " B"]


class Metric(NamedTuple):
    """A metric.

    Attributes:
        title: heading in a table.
        unit: its unit.
        per_play: its number for each play, from the verdict and yards.
        nominal: what a perfect forecaster gets, where that is known beforehand.
    """

    title: str
    unit: str
    per_play: Callable[[Verdict, Values], Values]
    nominal: float | None = None


def _squared_error(verdict: Verdict, y: Values) -> Values:
    squares = (y - np.asarray(verdict.mean)) ** 2
    root = np.sqrt(squares.mean())
    # A root of 0 has no scatter, an infinite one no other than infinite errors.
    return (squares + root**2) / (2 * root) if 0 < root < np.inf else squares


def _coverage(probability: float) -> Metric:
    return Metric(
        f"in {100 * probability:.0f} %",
        "share",
        lambda verdict, _: central_coverage(
            np.asarray(verdict.pit_lower), np.asarray(verdict.pit_upper), probability
        ),
        probability,
    )


def _absolute_error(verdict: Verdict, y: Values) -> Values:
    return np.abs(y - np.asarray(verdict.median))


SCORES: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "log_score": Metric("log score", "nats", lambda verdict, _: np.asarray(verdict.log_score)),
        "crps": Metric("CRPS", "yards", lambda verdict, _: np.asarray(verdict.crps)),
        "crps_cells": Metric(
            "CRPS cells", "yards", lambda verdict, _: np.asarray(verdict.crps_cells)
        ),
        "mae_median": Metric("MAE median", "yards", _absolute_error),
        "rmse_mean": Metric("RMSE mean", "yards", _squared_error),
    }
)
"""The lower the better."""

COVERAGES: Final[Mapping[str, Metric]] = MappingProxyType(
    {f"coverage_{percent}": _coverage(percent / 100) for percent in (50, 80, 90)}
)
"""Share of plays inside the central interval of that probability; it should be as named."""
