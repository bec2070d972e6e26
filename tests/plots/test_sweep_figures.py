"""Figures of a sweep: what of a study is drawn, and what is left out."""

import numpy as np
import pytest

from sbp_jax.errors import ReportError
from sbp_jax.plots.sweeps import parallel_coordinates_figure, slices_figure

pytest.importorskip("matplotlib", reason="the extra figures is not installed")
optuna = pytest.importorskip("optuna", reason="the extra sweep is not installed")

SETTINGS = ["hidden", "learning_rate", "seed"]
SPACE = {
    "hidden": optuna.distributions.CategoricalDistribution(["64", "128-128"]),
    "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1, log=True),
    "seed": optuna.distributions.IntDistribution(0, 20),
}
# Trial 5 would flatten the others; 3 and 8 were stopped early.
SCORES = [2.5, 2.4, 2.45, 2.2, 2.6, 9.0, 2.35, 2.3, 3.0, 2.55, 2.33, 2.41]
STOPPED = (3, 8)
DRAWN = [i for i in range(len(SCORES)) if i not in (5, *STOPPED)]


def study_of(scores, stopped=()):
    study = optuna.create_study()
    states = optuna.trial.TrialState
    for i, score in enumerate(scores):
        settings = {
            "hidden": ("64", "128-128")[i % 2],
            "learning_rate": 10 ** (-4 + 0.1 * i),
            "seed": i,
        }
        state = states.PRUNED if i in stopped else states.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(
                params=settings, distributions=SPACE, value=score, state=state
            )
        )
    return study


def test_slices_have_a_panel_of_each_setting():
    figure = slices_figure(study_of(SCORES, STOPPED), SETTINGS)
    panels = {axis.get_xlabel(): axis for axis in figure.axes if axis.get_xlabel()}
    assert sorted(panels) == sorted(SETTINGS)
    assert panels["learning_rate"].get_xscale() == "log"
    seeds, scores = np.ma.getdata(panels["seed"].collections[0].get_offsets()).T
    assert seeds.tolist() == DRAWN
    assert scores.tolist() == [SCORES[i] for i in DRAWN]
    assert figure.get_suptitle() == "9 complete trials of a sweep, 1 worse not shown"


def test_each_trial_is_a_line_from_its_score_through_its_settings():
    figure = parallel_coordinates_figure(study_of(SCORES, STOPPED), SETTINGS)
    axis = figure.axes[0]
    ticks = [text.get_text() for text in axis.get_xticklabels()]
    assert ticks == ["validation score", *sorted(SETTINGS)]
    (lines,) = axis.collections
    starts = [line[0, 1] for line in lines.get_segments()]
    assert starts == pytest.approx([SCORES[i] for i in DRAWN])


@pytest.mark.parametrize("draw", [slices_figure, parallel_coordinates_figure])
def test_one_trial_is_enough_and_none_is_refused(draw):
    assert draw(study_of([2.0]), SETTINGS).axes
    with pytest.raises(ReportError, match="expected a complete trial and a setting, got 0 and 3"):
        draw(study_of([2.0], stopped=(0,)), SETTINGS)
    with pytest.raises(ReportError, match="got 1 and 0"):
        draw(study_of([2.0]), [])
