"""Figures of a sweep: each setting has its axis, the best trial its mark, the stopped are faint."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.errors import ReportError
from sbp_jax.plots.style import save_figure
from sbp_jax.plots.sweeps import (
    Setting,
    SweepTrial,
    parallel_coordinates_figure,
    slices_figure,
)

SETTINGS = [
    Setting("hidden", labels=("64", "128-128")),
    Setting("objective", labels=("base_plus_tail", "crps", "interval_nll")),
    Setting("learning_rate", log=True),
    Setting("dropout"),
    Setting("seed"),
]


def trial(i, score, *, complete):
    settings = {
        "hidden": ("64", "128-128")[i % 2],
        "objective": ("base_plus_tail", "crps", "interval_nll")[i % 3],
        "learning_rate": 10 ** (-4 + 0.1 * i),
        "dropout": 0.01 * i,
        "seed": i,
    }
    return SweepTrial(settings, score, complete)


# Trial 7 is the best that is complete; 5 would flatten the others; 3, 8 were stopped early.
SCORES = [2.5, 2.4, 2.45, 2.2, 2.6, 9.0, 2.35, 2.3, 3.0, 2.55, 2.33, 2.41]
TRIALS = [trial(i, score, complete=i not in (3, 8)) for i, score in enumerate(SCORES)]


def texts(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_slices_have_an_axis_of_each_setting(tmp_path):
    figure = slices_figure(TRIALS, SETTINGS)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title(loc="left") for axis in shown] == [
        "hidden",
        "objective",
        "learning rate",
        "dropout",
        "seed",
    ]
    assert [axis.get_xscale() for axis in shown] == ["linear", "linear", "log", "linear", "linear"]
    labels = [text.get_text() for text in shown[1].get_xticklabels()]
    assert labels == ["base\nplus\ntail", "crps", "interval\nnll"]
    star = {axis.get_title(loc="left"): axis.lines[0].get_xydata()[0] for axis in shown}
    assert star["seed"].tolist() == [7, 2.3]
    assert star["learning rate"].tolist() == pytest.approx([10**-3.3, 2.3])
    assert shown[0].get_ylim()[1] < 9
    assert "2 stopped early" in texts(figure)
    faint, complete = (np.ma.getdata(each.get_offsets()) for each in shown[4].collections)
    assert faint[:, 0].tolist() == [3, 8]
    assert np.isfinite(complete[:, 1]).sum() == 9
    assert save_figure(figure, tmp_path / "slices.png").read_bytes().startswith(b"\x89PNG")


def test_each_trial_is_a_line_that_ends_at_its_score(tmp_path):
    figure = parallel_coordinates_figure(TRIALS, SETTINGS)
    (axis,) = figure.axes
    ticks = [text.get_text().replace("\n", " ") for text in axis.get_xticklabels()]
    assert ticks == [*(s.name.replace("_", " ") for s in SETTINGS), "validation score"]
    lines = [line for line in axis.lines if len(line.get_xdata()) == len(SETTINGS) + 1]
    assert len(lines) == len(TRIALS)
    by_seed = sorted(lines, key=lambda line: line.get_ydata()[4])
    ends = [line.get_ydata()[-1] for line in by_seed]
    assert np.argsort(ends)[:3].tolist() == [3, 7, 10]
    assert [i for i, line in enumerate(by_seed) if line.get_linewidth() < 1] == [3, 8]
    assert max(range(12), key=lambda i: by_seed[i].get_linewidth()) == 7
    rates = [line.get_ydata()[2] for line in by_seed]
    np.testing.assert_allclose(np.diff(rates), 1 / 11, rtol=1e-6)  # equal ratios, equal steps
    assert "2 end above the top" in texts(figure)
    path = save_figure(figure, tmp_path / "parallel_coordinates.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_one_trial_is_enough():
    only = [trial(0, 2.0, complete=True)]
    assert len(slices_figure(only, SETTINGS).axes) >= len(SETTINGS)
    assert parallel_coordinates_figure(only, SETTINGS).axes


@pytest.mark.parametrize("draw", [slices_figure, parallel_coordinates_figure])
def test_nothing_complete_is_nothing_to_draw(draw):
    with pytest.raises(ReportError, match="expected a complete trial and a setting, got 0 and 5"):
        draw([trial(0, 2.0, complete=False)], SETTINGS)
