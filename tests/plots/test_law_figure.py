"""What is drawn of a law: heights, bands, and in words what lies off the axis."""

import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

import matplotlib
import scipy.stats
from matplotlib.figure import Figure

from sbp_jax.distributions import Binned, Gaussian, Law
from sbp_jax.errors import ReportError
from sbp_jax.plots import save_figure

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


def normal(loc, scale=1.0):
    return Law(Gaussian(), Gaussian.Params(jnp.asarray(loc, jnp.float32), jnp.float32(scale)))


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def stairs(axis, label):
    (found,) = [x for x in axis.patches if x.get_label() == label]
    return found.get_data()


def test_of_one_the_density_with_its_intervals(tmp_path):
    figure = normal(10.0, 2.0).plot(11.0)
    (axis,) = figure.axes
    heights, edges, _ = stairs(axis, "density")
    middle = (edges[1:] + edges[:-1]) / 2
    np.testing.assert_allclose(heights, scipy.stats.norm(10, 2).pdf(middle), rtol=1e-3)
    inner = stairs(axis, "central 50 %")[1][[0, -1]]
    np.testing.assert_allclose(inner, scipy.stats.norm(10, 2).ppf([0.25, 0.75]), rtol=1e-4)
    assert labels(figure)[-1] == "observed 11, above 69.1 %"
    off = 100 * scipy.stats.norm(10, 2).cdf(edges[0])
    assert axis.get_xlabel() == f"off the axis: {off:.2g} % below, {off:.2g} % above"
    assert save_figure(figure, tmp_path / "law.png").read_bytes().startswith(b"\x89PNG")


def test_bins_are_steps_and_hold_their_mass():
    family = Binned([-2.0, -1.0, 0.0, 0.5, 4.0])
    law = Law(family, Binned.Params(jnp.log(jnp.array([0.1, 0.2, 0.5, 0.2]))))
    heights, edges, _ = stairs(law.plot().axes[0], "density")
    inside = (edges[:-1] > 0.03) & (edges[1:] < 0.47)
    np.testing.assert_allclose(heights[inside], 1.0, rtol=1e-3)
    held = float(law.cdf(edges[-1]) - law.cdf(edges[0]))
    assert (heights * np.diff(edges)).sum() == pytest.approx(held, rel=1e-3)


def test_of_a_few_the_densities_over_each_other():
    figure = normal([0.0, 3.0]).plot([0.5, 100.0])
    assert labels(figure) == ["law[0]", "law[1]"]
    assert figure.axes[0].get_xlabel().endswith("above; observed there: 100")
    assert figure.axes[0].get_xlim()[1] < 10


def test_of_many_the_bands_along_the_axis():
    at, y = np.linspace(0, 1, 50), np.zeros(50)
    y[3], y[9] = 5.0, np.nan
    figure = normal(np.zeros(50)).plot(y, at=at)
    (axis,) = figure.axes
    assert axis.get_title("left") == "1 of 49 outside 99 %"
    outside = next(line for line in axis.lines if line.get_label() == "outside 99 %")
    assert outside.get_xdata().tolist() == [at[3]]
    assert labels(normal(np.zeros(50)).plot()) == ["central 99 %", "central 90 %", "central 50 %"]


def test_an_axis_is_drawn_into_and_settings_stay():
    before = dict(matplotlib.rcParams)
    figure = Figure()
    axis = figure.subplots()
    assert normal(0.0).plot(axis=axis) is figure
    assert axis.get_legend() is not None
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("shape", "y", "message"),
    [
        ((0,), None, r"law: expected one distribution or one axis of them, got shape \(0,\)"),
        ((2, 3), None, r"one axis of them, got shape \(2, 3\); index it"),
        ((3,), np.zeros(4), r"y: expected a number or shape \(3,\), got \(4,\)"),
        ((), np.zeros((1, 1)), r"y: expected a number or shape \(1,\), got \(1, 1\)"),
    ],
)
def test_what_cannot_be_drawn(shape, y, message):
    with pytest.raises(ReportError, match=message):
        normal(np.zeros(shape)).plot(y)


def test_bands_go_from_left_to_right_wherever_the_laws_stand():
    at = np.array([3.0, 0.0, 6.0, 1.0, 5.0, 2.0, 4.0])
    y = 10 * at + np.array([0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0])
    (axis,) = normal(10 * at).plot(y, at=at).axes
    for band in axis.collections:
        (path,) = band.get_paths()
        assert len(path.vertices) > 2 * len(at)
        lower = path.vertices[1 : len(at) + 1, 0]
        np.testing.assert_array_equal(lower, np.sort(at))
    marked = [line for line in axis.lines if line.get_label() == "outside 99 %"]
    np.testing.assert_array_equal(marked[0].get_xydata(), [[6.0, 69.0]])


def test_what_is_off_the_axis_does_not_cover_its_power_of_ten():
    figure = normal(1e9, 1e9).plot()
    figure.canvas.draw()
    (axis,) = figure.axes
    power, said = (x.get_window_extent() for x in (axis.xaxis.get_offset_text(), axis.xaxis.label))
    assert power.width > 0
    assert not power.overlaps(said)
