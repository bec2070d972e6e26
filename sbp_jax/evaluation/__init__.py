"""Proper scores, calibration and honest comparison of forecasts on the same plays.

`family_verdict`, `Empirical.verdict` and `point_verdict` make the `Verdict` of a forecast: what it
says of what happened. `evaluate` turns those of several forecasts into one dict, `render` that into
a table.
"""

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.boosted_trees import BoostedMedian, fit_boosted_median
from sbp_jax.evaluation.calibration import (
    LEVELS,
    REGIONS,
    central_coverage,
    perfect_forecaster,
    pit_histogram,
    pp_curve,
    pp_mae,
    randomised_pit,
)
from sbp_jax.evaluation.compare import Estimate, clustered_mean, paired_difference
from sbp_jax.evaluation.empirical import Empirical, fit_climatology, fit_empirical
from sbp_jax.evaluation.summary import evaluate
from sbp_jax.evaluation.table import render
from sbp_jax.evaluation.verdict import (
    YARDS,
    Verdict,
    concatenate,
    family_verdict,
    pmf_verdict,
    point_verdict,
)

__all__ = [
    "LEVELS",
    "REGIONS",
    "YARDS",
    "BoostedMedian",
    "Empirical",
    "Estimate",
    "EvaluationError",
    "Verdict",
    "central_coverage",
    "clustered_mean",
    "concatenate",
    "evaluate",
    "family_verdict",
    "fit_boosted_median",
    "fit_climatology",
    "fit_empirical",
    "paired_difference",
    "perfect_forecaster",
    "pit_histogram",
    "pmf_verdict",
    "point_verdict",
    "pp_curve",
    "pp_mae",
    "randomised_pit",
    "render",
]
