"""Train several families on the same panel and score each on the same points."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from jaxtyping import Float

from sbp_jax.batch import Arrayish
from sbp_jax.distributions import Family
from sbp_jax.evaluation import Verdict, concatenate, pp_mae
from sbp_jax.evaluation.bands import Bands
from sbp_jax.runs.atomic import write_whole
from sbp_jax.runs.ranges import refuse_out_of_range
from sbp_jax.series.forecast import SeriesScores, bands, forecast, score
from sbp_jax.series.network import SeriesNetwork, series_forecaster
from sbp_jax.series.panel import Panel
from sbp_jax.series.train import SeriesTraining, fit_series
from sbp_jax.training.objective import ObjectiveName

QUANTILES: Final = (0.001, 0.01, 0.05, *np.arange(0.1, 0.95, 0.05).round(2), 0.95, 0.99, 0.999)
"""Levels that a `QuantileHead` is compared at."""

_KEPT: Final = ("log_score", "crps", "median", "pit_lower", "pit_upper")

Scored = dict[str, SeriesScores]
"""By the name of the series."""


@dataclass(frozen=True)
class Candidate:
    """One way to forecast.

    Attributes:
        family: of distributions, of standardised values.
        objective: what its network is trained by.
        network: sizes of the network.
    """

    family: Family
    objective: ObjectiveName
    network: SeriesNetwork = field(default_factory=SeriesNetwork)

    def __post_init__(self) -> None:
        """Refuse what no network is trained by."""
        refuse_out_of_range(self)


def score_candidates(
    candidates: Mapping[str, Candidate],
    panel: Panel,
    training: SeriesTraining,
    folder: Path,
    thresholds: Mapping[str, float] | None = None,
) -> dict[str, Scored]:
    """Scores of each candidate on the test part; those that the folder holds are read from it.

    Args:
        candidates: by the name to print.
        panel: series.
        training: how to train all of them.
        folder: where scores are kept, files for each candidate, so that an interrupted run goes
            on with the next.
        thresholds: of the threshold-weighted CRPS, by series; the whole CRPS if left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, candidate in candidates.items():
        path = scores_file(folder, name)
        if not path.exists():
            _work_out(name, candidate, panel, training, folder, thresholds)
        found[name] = load_scores(path)
    return found


def _work_out(
    name: str,
    candidate: Candidate,
    panel: Panel,
    training: SeriesTraining,
    folder: Path,
    thresholds: Mapping[str, float] | None,
) -> None:
    """Train, forecast, and write all files of a candidate, that of its scores last."""
    forecaster = series_forecaster(candidate.family, candidate.network)
    print(f"{name}: training to epoch {training.epochs}", flush=True)
    fit = fit_series(forecaster, candidate.objective, panel, training)
    print(
        f"{name}: log score on the validation part {fit.scores.min(axis=0).mean():.4f}, "
        f"of epochs {', '.join(map(str, fit.epoch))}",
        flush=True,
    )
    medians = {each.name: each.quantile(0.5) for each in forecast(forecaster, fit, panel, "valid")}
    forecasts = forecast(forecaster, fit, panel)
    _save(bands_file(folder, name), bands(forecasts[0])._asdict())
    _save(medians_file(folder, name), medians)
    save_scores(scores_file(folder, name), score(forecasts, thresholds))


def scores_file(folder: Path, name: str) -> Path:
    """Where the scores of a candidate are kept."""
    return folder / f"{name.lower().replace(' ', '_').replace(',', '')}.npz"


def bands_file(folder: Path, name: str) -> Path:
    """Where its forecast of the first series is kept, as a figure shows it."""
    path = scores_file(folder, name)
    return path.with_name(f"{path.stem}_bands.npz")


def medians_file(folder: Path, name: str) -> Path:
    """Where its medians of the validation part are kept, by series."""
    path = scores_file(folder, name)
    return path.with_name(f"{path.stem}_medians.npz")


def load_bands(path: Path) -> Bands:
    """Read the bands of a candidate."""
    with np.load(path) as columns:
        return Bands(*(columns[field] for field in Bands._fields))


def save_scores(path: Path, scored: Scored) -> None:
    """Write scores as one file, whole or not at all."""
    columns = {
        f"{series}/{column}": values
        for series, scores in scored.items()
        for column, values in _columns(scores).items()
    }
    _save(path, columns)


def load_scores(path: Path) -> Scored:
    """Read what `save_scores` wrote."""
    with np.load(path) as columns:
        series = dict.fromkeys(key.rsplit("/", 1)[0] for key in columns)
        return {
            name: series_scores(
                **{field: columns[f"{name}/{field}"] for field in (*_KEPT, "twcrps", "y")}
            )
            for name in series
        }


def series_scores(
    *,
    twcrps: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    **kept: Float[np.ndarray, " n"],
) -> SeriesScores:
    """Scores of a series from columns: those of a `Verdict` that are not given are NaN."""
    unknown = dict.fromkeys(Verdict._fields, np.full(y.shape, np.nan))
    return SeriesScores(Verdict(**{**unknown, **kept}), twcrps, y)


def _columns(scores: SeriesScores) -> dict[str, Arrayish]:
    """What is kept of scores."""
    verdict = {name: getattr(scores.verdict, name) for name in _KEPT}
    return {**verdict, "twcrps": scores.twcrps, "y": scores.y}


def mean_pp_mae(scored: Scored) -> dict[str, float]:
    """PP-MAE by region, of each series by itself, and then the mean over series."""
    verdicts = [scores.verdict for scores in scored.values()]
    errors = [pp_mae(np.asarray(x.pit_lower), np.asarray(x.pit_upper)) for x in verdicts]
    return {region: float(np.mean([error[region] for error in errors])) for region in errors[0]}


def pooled_verdict(scored: Scored) -> Verdict:
    """The verdict on all series together, for the figures of calibration."""
    return concatenate([scores.verdict for scores in scored.values()])


def _save(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """As `np.savez_compressed` does, which takes no column of the name "file"."""

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, column in columns.items():
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, np.asarray(column), allow_pickle=False)

    write_whole(path, write)
