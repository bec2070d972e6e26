"""The figure of a series and its forecasts: what it counts, shows and refuses."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.bands import BAND_LEVELS, Bands
from sbp_jax.plots import save_figure, series_figure


def shown(points=40, half=2.0):
    """Zeros in bands about 0, but for three far points and one that is missing."""
    y = np.zeros(points)
    y[[5, 20]], y[30], y[10] = 9.0, -9.0, np.nan
    width = half * np.linspace(-1, 1, len(BAND_LEVELS))[:, None]
    return Bands(np.arange(100, 100 + points), y, width + np.zeros(points))


def test_it_counts_what_lies_outside(tmp_path):
    figure = series_figure({"SBP": shown(), "wide": shown(half=10.0)}, "visits", level=np.zeros(40))
    upper, lower = figure.axes
    assert upper.get_title("left") == "SBP: 3 of 39 outside 99 %"
    assert lower.get_title("left") == "wide: 0 of 39 outside 99 %"
    assert figure.get_suptitle().startswith("visits:")
    outside = next(line for line in upper.lines if line.get_label() == "outside 99 %")
    np.testing.assert_array_equal(outside.get_xdata(), [105, 120, 130])
    np.testing.assert_array_equal(outside.get_ydata(), [9, 9, -9])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "central 99 %",
        "central 90 %",
        "central 50 %",
        "observed",
        "outside 99 %",
        "true centre",
    ]
    path = save_figure(figure, tmp_path / "series.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_stretch_of_it_on_a_logarithmic_axis():
    figure = series_figure({"SBP": shown()}, "visits", start=4, points=10, logarithmic=True)
    (axis,) = figure.axes
    assert axis.get_title("left") == "SBP: 1 of 9 outside 99 %"
    assert axis.get_yscale() == "symlog"
    assert axis.get_ylim()[0] == 0
    observed = next(line for line in axis.lines if line.get_label() == "observed")
    np.testing.assert_array_equal(observed.get_xdata(), np.arange(104, 114))


def test_what_cannot_be_drawn():
    with pytest.raises(ReportError, match="expected at least one forecast, got none"):
        series_figure({}, "visits")
    with pytest.raises(ReportError, match="start: expected one of 40 points, got 40"):
        series_figure({"SBP": shown()}, "visits", start=40)
