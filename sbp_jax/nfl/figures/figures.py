"""All figures of a run: their names, how to read each, and one call that draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from sbp_jax.evaluation.verdict import Verdict
from sbp_jax.nfl.figures.cells import CellForecast
from sbp_jax.nfl.figures.density_figure import density_figure
from sbp_jax.nfl.figures.passers_figure import passers_figure
from sbp_jax.nfl.figures.telling_plays import BIMODAL, KINDS, telling_plays
from sbp_jax.nfl.ratings.rate import Ratings
from sbp_jax.plots.calibration import pit_figure, pp_figure
from sbp_jax.plots.learning import Histories, learning_figure
from sbp_jax.plots.style import save_figure

FOLDER: Final = "figures"


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report.

    Attributes:
        stem: name of its file without the suffix.
        title: heading in the report.
        caption: how to read it, in one or two sentences.
    """

    stem: str
    title: str
    caption: str

    @property
    def file(self) -> str:
        """Its path inside the run folder."""
        return f"{FOLDER}/{self.stem}.png"


DENSITIES: Final = ReportFigure(
    "predicted_densities",
    "Four plays",
    "Each bar is the probability of one number of yards, forecast from what is known at the "
    "throw; the orange one is what was gained, TD a touchdown. A bar with a slit is cut, with its "
    "probability beside it. The plays are picked by rule, without a look at their outcomes: "
    + "; ".join(f"*{kind.title.lower()}*, {kind.criterion}" for kind in KINDS)
    + " (of each kind the play whose forecast is nearest to the kind's average); "
    + f"*{BIMODAL.title.lower()}*, {BIMODAL.criterion}.",
)
PIT: Final = ReportFigure(
    "pit_histogram",
    "Calibration: the PIT histogram",
    "If forecasts are right, outcomes are spread evenly over their quantiles and all bars are "
    "1 high; of a perfect forecaster 95 % of the bars are inside the grey band. Bars high at "
    "the ends mean forecasts that are too narrow, bars high in the middle too wide ones.",
)
PP: Final = ReportFigure(
    "pp_plot",
    "Calibration: the PP plot with its tails",
    "How many percentage points more (or fewer) plays than forecast end below each quantile; a "
    "perfect forecaster stays near the zero line, at each level inside the grey band 95 % of "
    "the time. The tails have panels and scales of their own, because errors there are small in "
    "size and large in consequence.",
)
LEARNING: Final = ReportFigure(
    "learning_curves",
    "Learning curves",
    "On the left what each model minimises, which differs between objectives; on the right the "
    "log score of the yard on the validation season, which compares any two. The star marks the "
    "epoch that is kept.",
)
PASSERS: Final = ReportFigure(
    "passers",
    "The passers",
    "The dot is a passer's score, the line its 95 % interval. Passers whose intervals overlap "
    "widely cannot be told apart by one season.",
)
FIGURES: Final = (DENSITIES, PIT, PP, LEARNING, PASSERS)
"""In the order of the report."""


@dataclass(frozen=True)
class FigureInputs:
    """What the figures of a run are drawn of.

    Attributes:
        passes: (B rows) of the passes table, the test plays.
        forecast: the main model's forecast of the same plays (`cell_forecast`).
        verdicts: on the same plays, by forecast; the main model first, as order gives colours.
        histories: by model, the records of ``metrics.jsonl``.
        objectives: by model, what its training loss is.
        ratings: of passers in these seasons.
        seasons: of the test plays.
    """

    passes: pl.DataFrame
    forecast: CellForecast
    verdicts: Mapping[str, Verdict]
    histories: Histories
    objectives: Mapping[str, str]
    ratings: Ratings
    seasons: Sequence[int]


def write_figures(run: Path, inputs: FigureInputs) -> list[Path]:
    """Draw all figures into the run folder's ``figures/``.

    Returns:
        Their paths, in the order of `FIGURES`.

    Raises:
        ReportError: a figure has nothing to show.
        MissingExtraError: matplotlib is not installed.
    """
    picks = telling_plays(inputs.passes, np.asarray(inputs.forecast.pmf))
    drawn = {
        DENSITIES: density_figure(inputs.passes, inputs.forecast, picks),
        PIT: pit_figure(inputs.verdicts),
        PP: pp_figure(inputs.verdicts),
        LEARNING: learning_figure(inputs.histories, objectives=inputs.objectives),
        PASSERS: passers_figure(
            inputs.ratings, title="passers of " + ", ".join(map(str, inputs.seasons))
        ),
    }
    return [save_figure(figure, run / entry.file) for entry, figure in drawn.items()]
