"""Figures of a run and the report that shows them. Drawing needs the extra "figures"."""

from sbp_jax.report.calibration_figures import pit_figure, pp_figure
from sbp_jax.report.cells import CELLS, CellForecast, cell_forecast
from sbp_jax.report.density_figure import density_figure
from sbp_jax.report.errors import ReportError
from sbp_jax.report.figures import FIGURES, FigureInputs, ReportFigure, write_figures
from sbp_jax.report.learning_figure import learning_figure
from sbp_jax.report.passers_figure import passers_figure
from sbp_jax.report.report import ReportInputs, write_report
from sbp_jax.report.series_figure import series_figure
from sbp_jax.report.style import save_figure
from sbp_jax.report.telling_plays import TellingPlay, telling_plays

__all__ = [
    "CELLS",
    "FIGURES",
    "CellForecast",
    "FigureInputs",
    "ReportError",
    "ReportFigure",
    "ReportInputs",
    "TellingPlay",
    "cell_forecast",
    "density_figure",
    "learning_figure",
    "passers_figure",
    "pit_figure",
    "pp_figure",
    "save_figure",
    "series_figure",
    "telling_plays",
    "write_figures",
    "write_report",
]
