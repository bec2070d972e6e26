"""Any univariate series to calibrated distributions of its next value.

`read_series` or `make_series`, `make_panel`, `series_forecaster`, `fit_series`, `forecast`,
`score`: see docs/series.md.
"""

from sbp_jax.errors import SeriesError
from sbp_jax.series.forecast import SeriesForecast, SeriesScores, forecast, score
from sbp_jax.series.network import SeriesNetwork, series_forecaster
from sbp_jax.series.panel import Panel, make_panel
from sbp_jax.series.read import read_series
from sbp_jax.series.scaling import Scaling, fit_count_scaling, fit_scaling
from sbp_jax.series.series import Series, Split, make_series
from sbp_jax.series.train import SeriesFit, SeriesTraining, fit_series

__all__ = [
    "Panel",
    "Scaling",
    "Series",
    "SeriesError",
    "SeriesFit",
    "SeriesForecast",
    "SeriesNetwork",
    "SeriesScores",
    "SeriesTraining",
    "Split",
    "fit_count_scaling",
    "fit_scaling",
    "fit_series",
    "forecast",
    "make_panel",
    "make_series",
    "read_series",
    "score",
    "series_forecaster",
]
