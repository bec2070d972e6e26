"""All that is said about some forecasts of the same plays, as one JSON-serialisable dict."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Real, Shaped

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.calibration import (
    PerfectForecaster,
    perfect_forecaster,
    pit_histogram,
    pp_mae,
)
from sbp_jax.evaluation.compare import Estimate, clustered_mean, paired_difference
from sbp_jax.evaluation.metrics import COVERAGES, SCORES
from sbp_jax.evaluation.verdict import Verdict

Json = dict[str, Any]
Values = Float[np.ndarray, " B"]
Games = Shaped[np.ndarray, " B"]


def evaluate(
    forecasts: Mapping[str, Verdict],
    y: Real[np.ndarray, " B"],
    games: Games,
    *,
    reference: str | None = None,
    seed: int = 0,
) -> Json:
    """Judge forecasts of the same plays, one by one and against a reference.

    Args:
        forecasts: verdicts on (B,) plays, by the name to print. A field may be NaN throughout
            (a point forecast has no log score).
        y: (B,) yards gained.
        games: (B,) the game of each play.
        reference: name of the forecast that the others are compared with; None is the first.
        seed: of the randomised PITs and of the perfect forecaster.

    Returns:
        A dict that `json.dumps(..., allow_nan=False)` takes:

        - "plays", "games", "reference";
        - "perfect": of each region of PP-MAE, "mean" and "p95" of a perfect forecaster;
        - "forecasts": by name, each of log_score, crps, crps_cells, mae_median, rmse_mean,
          coverage_50, coverage_80, coverage_90 as {"mean", "se"}; "pp_mae" with {"value",
          "perfect_mean", "perfect_p95"} of each region; "pit_histogram", counts in 20 bins;
        - "differences": by name, each score minus the reference's as {"mean", "se"}; negative
          means better than the reference.

        What is undefined is None. An infinite log score is None too, beside "infinite", the
        number of plays that the forecast held for impossible.

    Raises:
        EvaluationError: no forecasts or plays, lengths differ, the reference is not among the
            forecasts, or a field is NaN for some plays only.
    """
    if not forecasts:
        raise EvaluationError("expected at least one forecast, got none")
    reference = next(iter(forecasts)) if reference is None else reference
    if reference not in forecasts:
        raise EvaluationError(
            f"reference: expected one of {', '.join(forecasts)}, got {reference!r}"
        )
    y = np.asarray(y, np.float64)
    verdicts = {name: _checked(name, each, y) for name, each in forecasts.items()}
    scores = {
        name: {metric: SCORES[metric].per_play(each, y) for metric in SCORES}
        for name, each in verdicts.items()
    }
    perfect = perfect_forecaster(y.size, seed=seed)
    return {
        "plays": y.size,
        "games": np.unique(games).size,
        "reference": reference,
        "perfect": {region: floor._asdict() for region, floor in perfect.items()},
        "forecasts": {
            name: {metric: _mean(values, games) for metric, values in scores[name].items()}
            | _calibration(each, games, perfect, seed)
            for name, each in verdicts.items()
        },
        "differences": {
            name: {
                metric: _json(paired_difference(values, scores[reference][metric], games))
                for metric, values in scores[name].items()
            }
            for name in verdicts
            if name != reference
        },
    }


def _calibration(
    verdict: Verdict, games: Games, perfect: Mapping[str, PerfectForecaster], seed: int
) -> Json:
    lower, upper = np.asarray(verdict.pit_lower), np.asarray(verdict.pit_upper)
    if np.isnan(lower).any():
        return dict.fromkeys((*COVERAGES, "pp_mae", "pit_histogram"))
    return {
        **{
            name: _mean(metric.per_play(verdict, lower), games)
            for name, metric in COVERAGES.items()
        },
        "pp_mae": {
            region: {
                "value": value,
                "perfect_mean": perfect[region].mean,
                "perfect_p95": perfect[region].p95,
            }
            for region, value in pp_mae(lower, upper, seed=seed).items()
        },
        "pit_histogram": pit_histogram(lower, upper).tolist(),
    }


def _mean(values: Values, games: Games) -> Json | None:
    estimate = _json(clustered_mean(values, games))
    if infinite := int(np.isinf(values).sum()):
        return {"mean": None, "se": None, "infinite": infinite}
    return estimate


def _json(estimate: Estimate) -> Json | None:
    mean, error = (float(x) if math.isfinite(x) else None for x in estimate)
    return None if mean is None else {"mean": mean, "se": error}


def _checked(name: str, verdict: Verdict, y: Values) -> Verdict:
    """The verdict in float64, if every field is there for all plays or for none."""
    checked = []
    for field, array in zip(Verdict._fields, verdict, strict=True):
        values = np.asarray(array, np.float64)
        if values.shape != y.shape:
            raise EvaluationError(
                f"{name}, {field}: expected one number for each of {y.size} plays, "
                f"got shape {values.shape}"
            )
        missing = np.isnan(values)
        if missing.any() and not missing.all():
            raise EvaluationError(
                f"{name}, {field}: expected numbers, got nan in {int(missing.sum())} plays, "
                f"first in row {int(np.argmax(missing))}"
            )
        checked.append(values)
    return Verdict(*checked)
