"""Football's figures and the reports that show them. Drawing needs the extra "figures"."""

from sbp_jax.nfl.figures.cells import CELLS, CellForecast, cell_forecast
from sbp_jax.nfl.figures.density_figure import density_figure
from sbp_jax.nfl.figures.figures import FIGURES, FigureInputs, ReportFigure, write_figures
from sbp_jax.nfl.figures.passers_figure import passers_figure
from sbp_jax.nfl.figures.report import ReportInputs, write_report
from sbp_jax.nfl.figures.telling_plays import TellingPlay, telling_plays

__all__ = [
    "CELLS",
    "FIGURES",
    "CellForecast",
    "FigureInputs",
    "ReportFigure",
    "ReportInputs",
    "TellingPlay",
    "cell_forecast",
    "density_figure",
    "passers_figure",
    "telling_plays",
    "write_figures",
    "write_report",
]
