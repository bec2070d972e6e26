"""Distributions of every point of a part of a series, in one pass, and what they are worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real
from numpy.typing import ArrayLike

from sbp_jax.distributions import Family, Law
from sbp_jax.distributions.threshold_weighted import count_crps, twcrps
from sbp_jax.evaluation.bands import BAND_LEVELS, Bands
from sbp_jax.evaluation.verdict import Verdict, family_verdict
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.series.criteria import cell_bounds, cell_log_score
from sbp_jax.series.network import context_of, forecast_steps
from sbp_jax.series.panel import Panel, Stretch
from sbp_jax.series.scaling import Scaling
from sbp_jax.series.train import SeriesFit, cell_widths, check_lengths, part_windows

_ROWS: Final = 512  # scored at once, which bounds the memory of a quadrature


@dataclass(frozen=True, eq=False)
class SeriesForecast:
    """Of one series: the distribution of each point, made before it was known.

    Attributes:
        name: of the series.
        index: (T,) which of its points.
        y: (T,) what they turned out to be, in the series' unit; NaN where missing.
        family: of distributions, of standardised values.
        params: their parameters, a pytree of (T, ...).
        scaling: of the series.
        counts: whether a value stands for a cell of width 1.
        cell: width of the cells of the log score, standardised.
    """

    name: str
    index: Int[np.ndarray, " T"]
    y: Float[np.ndarray, " T"]
    family: Any
    params: Any
    scaling: Scaling
    counts: bool
    cell: float

    @property
    def law(self) -> Law:
        """Of each point, in the series' unit; a count k is what it holds from k - 1/2 to k + 1/2.

        In float32, which `quantile`, `cdf` and `sf` of this class scale in float64 instead: of a
        series that is far from 0 beside its spread they keep digits that the law has not.
        """
        return self._standard.affine(self.scaling.loc, self.scaling.scale)

    @property
    def _standard(self) -> Law:
        return Law(self.family, self.params)

    def quantile(self, q: float) -> Float[np.ndarray, " T"]:
        """Of each distribution; of counts, a whole number >= 0."""
        found = np.asarray(self._standard.quantile(q), np.float64)
        values = found * self.scaling.scale + self.scaling.loc
        return np.maximum(np.ceil(values - 0.5), 0.0) if self.counts else values

    def cdf(self, y: Real[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
        """Probability of y or less; of counts, at a whole number."""
        return np.asarray(self._standard.cdf(self._upper_end(y)), np.float64)

    def sf(self, y: Real[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
        """Probability of more than y, accurate where it is small."""
        return np.asarray(self._standard.sf(self._upper_end(y)), np.float64)

    def _upper_end(self, y: Real[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
        """Of the cell of y, standardised."""
        values = np.atleast_1d(np.asarray(y, np.float64)) + (0.5 if self.counts else 0.0)
        return self.scaling.standardise(values).astype(np.float32)


def bands(forecast: SeriesForecast) -> Bands:
    """Reduce a forecast to what a figure shows."""
    quantiles = np.stack([forecast.quantile(level) for level in BAND_LEVELS])
    return Bands(forecast.index, forecast.y, quantiles)


class SeriesScores(NamedTuple):
    """What a series' forecasts say of its observed points.

    Attributes:
        verdict: on each of them, in the series' unit: of densities the log score is of the density
            and the PIT has no width, of counts it is of the cell. Mean and CRPS of cells are
            left out.
        twcrps: (n,) continuous ranked probability score above the threshold.
        y: (n,) the observations.
    """

    verdict: Verdict
    twcrps: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]


def forecast(
    forecaster: Forecaster, fit: SeriesFit, panel: Panel, part: Stretch = "test"
) -> list[SeriesForecast]:
    """Forecast every point of a part, in the order of the panel's series.

    Args:
        forecaster: network and family.
        fit: of `fit_series`.
        panel: series; those it was trained on, or others of the same shape.
        part: which points.

    Raises:
        SeriesError: a part of a series is too short.
    """
    context = context_of(forecaster)
    check_lengths(panel, context, 1)
    windows = part_windows(panel, part, context)
    length = windows.targets.shape[-1]
    one = partial(forecast_steps, forecaster, length=length)
    laws = jax.jit(jax.vmap(lambda params, inputs: one(params, inputs)))(fit.params, windows.inputs)
    laws = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), laws)
    cells = cell_widths(panel).reshape(-1)
    found = []
    bounds = zip(panel.start(part).reshape(-1), panel.end(part).reshape(-1), strict=True)
    for i, (series, scaling, (start, end)) in enumerate(
        zip(panel.series, panel.scalings, bounds, strict=True)
    ):
        params = jax.tree.map(lambda leaf, i=i, n=end - start: leaf[i, :n], laws)
        found.append(
            SeriesForecast(
                series.name,
                np.arange(start, end),
                series.values[start:end],
                forecaster.family,
                params,
                scaling,
                panel.counts,
                float(cells[i]),
            )
        )
    return found


def score(
    forecasts: list[SeriesForecast], thresholds: Mapping[str, float] | None = None
) -> dict[str, SeriesScores]:
    """Score forecasts of one family, by the name of the series; missing points are left out.

    Args:
        forecasts: of `forecast`.
        thresholds: of the threshold-weighted CRPS, by series, in its unit; of counts a whole
            number, which counts; the whole CRPS if left out.
    """
    family, counts = forecasts[0].family, forecasts[0].counts
    observed = [~np.isnan(each.y) for each in forecasts]
    sizes = [int(known.sum()) for known in observed]
    params = jax.tree.map(
        lambda *leaves: np.concatenate([x[k] for x, k in zip(leaves, observed, strict=True)]),
        *[each.params for each in forecasts],
    )

    def rows(value: Callable[[SeriesForecast], ArrayLike]) -> Float[np.ndarray, " n"]:
        parts = [
            np.broadcast_to(value(each), each.y.shape)[known]
            for each, known in zip(forecasts, observed, strict=True)
        ]
        return np.concatenate(parts).astype(np.float32)

    def threshold(each: SeriesForecast) -> float:
        value = -np.inf if thresholds is None else thresholds[each.name]
        if counts:
            return max(value, 0.0)
        return (value - each.scaling.loc) / each.scaling.scale

    scored = _in_slices(
        partial(_score_rows, family, counts),
        (
            params,
            rows(lambda x: x.scaling.standardise(x.y)),
            rows(threshold),
            rows(lambda x: x.cell),
        ),
    )
    found, start = {}, 0
    for each, known, size in zip(forecasts, observed, sizes, strict=True):
        verdict, tail = jax.tree.map(
            lambda column, at=slice(start, start + size): column[at].astype(np.float64), scored
        )
        found[each.name] = _in_unit(each, SeriesScores(verdict, tail, each.y[known]))
        start += size
    return found


def _score_rows(
    family: Family, counts: bool, params: Any, y: Array, lower: Array, cell: Array
) -> tuple[Verdict, Array]:
    """Verdict and tail score of standardised values; a CRPS of counts in counts."""
    log_score = cell_log_score(family, params, y, cell, counts=counts)
    if not counts:
        fields = ("crps", "median", "pit_lower", "pit_upper")
        verdict = family_verdict(family, params, y, cell=None, fields=fields)
        return verdict._replace(log_score=log_score), twcrps(family, params, y, lower)
    # Not `family_verdict`'s: all that a law holds below 0 is the count 0's.
    crps, tail = count_crps(family, params, y, lower, cell=cell)
    below, above = cell_bounds(y, cell, counts=True)
    unknown = jnp.full_like(crps, jnp.nan)
    verdict = Verdict(
        log_score=log_score,
        crps=crps,
        crps_cells=unknown,
        median=family.median(params),
        mean=unknown,
        pit_lower=family.cdf(params, below),
        pit_upper=family.cdf(params, above),
    )
    return verdict, tail


def _in_slices(function: Callable, rows: Any) -> Any:
    """Apply a compiled function to slices of one size, the last one padded: a pytree of arrays."""
    total = jax.tree.leaves(rows)[0].shape[0]
    size = min(_ROWS, total)
    program, parts = jax.jit(function), []
    for start in range(0, total, size):
        at = np.minimum(np.arange(start, start + size), total - 1)
        found = program(*jax.tree.map(lambda x, at=at: x[at], rows))
        parts.append(jax.tree.map(np.asarray, found))
    return jax.tree.map(lambda *columns: np.concatenate(columns)[:total], *parts)


def _in_unit(forecast: SeriesForecast, scores: SeriesScores) -> SeriesScores:
    """Scores of standardised values in the series' own unit."""
    scale, loc = forecast.scaling.scale, forecast.scaling.loc
    verdict = scores.verdict
    median = verdict.median * scale + loc
    if forecast.counts:
        return scores._replace(
            verdict=verdict._replace(median=np.maximum(np.ceil(median - 0.5), 0.0))
        )
    verdict = verdict._replace(
        log_score=verdict.log_score + np.log(forecast.cell * scale),
        crps=verdict.crps * scale,
        median=median,
    )
    return scores._replace(verdict=verdict, twcrps=scores.twcrps * scale)
