"""A sweep in pictures, drawn by Optuna: trials through their settings, and each setting by itself.

Trials that were stopped early are not drawn, nor are the worst of the others, which would flatten
all that is of interest; the title says how many.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sbp_jax.errors import ReportError
from sbp_jax.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from optuna import Study

_SHOWN: Final = 0.9  # share of the complete trials that are drawn
_FEW: Final = 5  # complete trials, of which none is left out
_TARGET: Final = "validation score"


@styled
def parallel_coordinates_figure(study: "Study", settings: Sequence[str]) -> "Figure":
    """Draw each trial as a line through its settings from its score; darker is better.

    Args:
        study: at least one of its trials complete.
        settings: the axes.

    Raises:
        ReportError: no complete trial, or no setting.
        MissingExtraError: matplotlib is not installed.
    """
    figure = _drawn("plot_parallel_coordinate", study, settings, (2.5 + len(settings), 5.0))
    for axis in figure.axes:
        axis.grid(visible=False)  # that of one setting would cross the lines of all
    return figure


@styled
def slices_figure(study: "Study", settings: Sequence[str]) -> "Figure":
    """Draw the score against each setting by itself; darker is later.

    Args:
        study: at least one of its trials complete.
        settings: one panel each.

    Raises:
        ReportError: no complete trial, or no setting.
        MissingExtraError: matplotlib is not installed.
    """
    figure = _drawn("plot_slice", study, settings, (2.5 + 1.9 * len(settings), 3.2))
    for axis in figure.axes:
        axis.tick_params(axis="x", rotation=45)
    return figure


def _drawn(kind: str, study: "Study", settings: Sequence[str], size: tuple[float, float]) -> Any:
    import optuna
    from matplotlib import pyplot
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not trials or not settings:
        raise ReportError(
            f"expected a complete trial and a setting, got {len(trials)} and {len(settings)}"
        )
    scores = np.sort([trial.values[0] for trial in trials])
    ceiling = scores[max(int(_SHOWN * len(scores)), min(_FEW, len(scores))) - 1]
    shown = optuna.create_study(direction=study.direction)
    shown.add_trials([trial for trial in trials if trial.values[0] <= ceiling])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)  # of a setting that never varied
        from optuna.visualization import matplotlib as drawing

        axes = getattr(drawing, kind)(shown, params=list(settings), target_name=_TARGET)
    figure = np.ravel(axes)[0].figure
    pyplot.close(figure)  # it is pyplot's, which would keep it for good
    figure.set_size_inches(size)
    count = len(shown.trials)
    figure.suptitle(f"{count} complete trials of a sweep, {len(trials) - count} worse not shown")
    for axis in figure.axes:
        axis.set_title("")
    return figure
