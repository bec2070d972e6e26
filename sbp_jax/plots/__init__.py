"""Figures of any forecasts: calibration, learning, series, sweeps. Needs the extra "figures"."""

from sbp_jax.errors import ReportError
from sbp_jax.plots.calibration import pit_figure, pp_figure
from sbp_jax.plots.learning import learning_figure
from sbp_jax.plots.series import series_figure
from sbp_jax.plots.style import save_figure

__all__ = [
    "ReportError",
    "learning_figure",
    "pit_figure",
    "pp_figure",
    "save_figure",
    "series_figure",
]
