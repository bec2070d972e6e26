import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text

from sbp_jax.nfl.figures import (
    CELLS,
    FIGURES,
    CellForecast,
    TellingPlay,
    density_figure,
    passers_figure,
    telling_plays,
)
from sbp_jax.nfl.ratings import rate
from sbp_jax.plots import ReportError, learning_figure, pit_figure, pp_figure


def draw_all(inputs):
    picks = telling_plays(inputs.passes, inputs.forecast.pmf)
    return {
        "predicted_densities": density_figure(inputs.passes, inputs.forecast, picks),
        "pit_histogram": pit_figure(inputs.verdicts),
        "pp_plot": pp_figure(inputs.verdicts),
        "learning_curves": learning_figure(inputs.histories, objectives=inputs.objectives),
        "passers": passers_figure(inputs.ratings, title="passers of 2018"),
    }


@pytest.fixture(scope="module")
def figures(figure_inputs):
    return draw_all(figure_inputs)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.parametrize("name", [figure.stem for figure in FIGURES])
def test_every_figure_is_titled_and_every_axis_labelled(figures, name):
    figure = figures[name]
    assert figure.get_suptitle()
    for axis in figure.axes:
        place = axis.get_subplotspec()
        assert axis.get_xlabel() or not place.is_last_row()
        # Passers are their own label; the upper tail shares the scale of its neighbour.
        if name not in ("passers", "pp_plot") and place.is_first_col():
            assert axis.get_ylabel()


@pytest.mark.parametrize("name", [figure.stem for figure in FIGURES])
def test_no_text_leaves_the_figure(figures, name):
    figure = figures[name]
    figure.draw_without_rendering()
    width, height = figure.canvas.get_width_height()
    for axis in figure.axes:
        for text in [axis.title, axis._left_title, axis.xaxis.label, axis.yaxis.label, *axis.texts]:
            box = text.get_window_extent()
            inside = box.x0 >= -2 and box.y0 >= -2 and box.x1 <= width + 2 and box.y1 <= height + 2
            assert inside or not text.get_text(), text.get_text()
    for text in figure.texts:
        assert text.get_window_extent().x1 <= width


def test_densities_show_the_play_its_outcome_and_its_cut_atom(figures, figure_inputs):
    picks = telling_plays(figure_inputs.passes, figure_inputs.forecast.pmf)
    for axis, pick in zip(figures["predicted_densities"].axes, picks, strict=True):
        play = figure_inputs.passes.row(pick.row, named=True)
        shown = [text.get_text() for text in axis.texts]
        assert axis.get_title(loc="left") == pick.title
        (described,) = (text for text in shown if play["passer_name"] in text)
        assert f"{play['air_yards']} air yards" in described
        low, high = axis.get_xlim()
        assert low < play["yards_gained"] < high
        assert low < figure_inputs.forecast.median[pick.row] < high
        atom = 100 * figure_inputs.forecast.pmf[pick.row, 15]
        top = axis.get_ylim()[1]
        assert (f"{atom:.0f} %" in shown) == (atom > top)
        # The cut leaves the rest readable: some other bar fills a fifth of the axis.
        heights = [bar.get_height() for bar in axis.patches if hasattr(bar, "get_height")]
        assert max(height for height in heights if 0 < height < top) > 0.2 * top


def test_fewer_plays_leave_no_empty_axes(figure_inputs):
    picks = telling_plays(figure_inputs.passes, figure_inputs.forecast.pmf)[:3]
    assert len(density_figure(figure_inputs.passes, figure_inputs.forecast, picks).axes) == 3


def test_pit_of_the_right_forecast_is_in_the_band_and_of_the_wrong_one_not(figures):
    right, wrong = figures["pit_histogram"].axes  # the point forecast has no PIT
    assert [right.get_title(loc="left"), wrong.get_title(loc="left")] == ["SBP", "Gaussian"]
    outside = []
    for axis in (right, wrong):
        band, *bars = axis.patches
        low, high = band.get_y(), band.get_y() + band.get_height()
        heights = np.array([bar.get_height() for bar in bars])
        assert heights.mean() == pytest.approx(1)
        outside.append(int(((heights < low) | (heights > high)).sum()))
    # 20 bars: more than 4 outside a 95 % band has probability 0.003.
    assert outside[0] <= 4
    assert outside[1] > 10


def test_pp_panels_name_what_leaves_them(figures):
    whole, lower, upper = figures["pp_plot"].axes
    assert lower.get_ylim() == upper.get_ylim()
    assert lower.get_ylim()[1] < whole.get_ylim()[1]
    assert lower.get_xlim() == (0.0, 0.05)
    assert upper.get_xlim() == (0.95, 1.0)
    assert "Gaussian +" in whole.texts[0].get_text()
    assert "SBP" not in whole.texts[0].get_text()


def test_learning_curves_name_objectives_and_leave_out_the_far_behind(figures, figure_inputs):
    loss, score = figures["learning_curves"].axes
    shown = texts(figures["learning_curves"])
    assert "SBP (minimises base plus tail)" in shown
    assert "Gaussian" in shown
    for axis in (loss, score):
        assert axis.get_ylim()[1] < 3
        assert "Gaussian, at best" in axis.texts[0].get_text()
    alone = learning_figure({"a": figure_inputs.histories["SBP"][:1]}, objectives={})
    assert not alone.axes[0].texts


def test_passers_are_in_order_with_their_intervals(figures, ratings):
    (axis,) = figures["passers"].axes
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert len(labels) == 20
    assert labels[0].startswith("1  ")
    qualified = ratings.qualified.height
    assert labels[-1].startswith(f"{qualified}  ")
    assert f"{qualified - 20} more between" in texts(figures["passers"])
    best = ratings.table.row(0, named=True)
    assert labels[0] == f"1  {best['passer_name']}, {best['teams']}"
    np.testing.assert_allclose(axis.lines[0].get_xdata(), [best["score_low"], best["score_high"]])
    assert f"{best['score']:.1f}" in texts(figures["passers"])
    assert figures["passers"].get_suptitle() == "Top and bottom 10 passers of 2018"


def test_few_passers_are_all_shown(ratings):
    few = replace(ratings, table=ratings.table.filter(pl.col("rank") <= 5))
    figure = passers_figure(few)
    assert figure.get_suptitle() == "All passers"
    assert len(figure.axes[0].get_yticks()) == 5


def test_groups_of_any_split_are_named_by_what_tells_them_apart(plays):
    figure = passers_figure(rate(plays, "passer, down", min_attempts=5), count=3)
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == 6
    for label in labels:
        assert re.fullmatch(r"\d+  P\.Number\d+, T\d\d, down [1-4]", label)
    levels = passers_figure(rate(plays, "depth"), title="depths")
    labels = [label.get_text().split("  ")[1] for label in levels.axes[0].get_yticklabels()]
    assert sorted(labels) == ["0 to 9", "10 to 19", "20 and more", "behind the line"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda inputs: density_figure(inputs.passes, inputs.forecast, ()), "at least one play"),
        (lambda inputs: pit_figure({"point": inputs.verdicts["point"]}), "with a PIT, got point"),
        (lambda inputs: pp_figure({}), "with a PIT, got no forecasts"),
        (lambda inputs: learning_figure({"a": []}, objectives={}), "at least one epoch"),
        (
            lambda inputs: passers_figure(
                replace(inputs.ratings, table=inputs.ratings.table.filter(~pl.col("qualified")))
            ),
            "qualified groups with a score, got none",
        ),
    ],
)
def test_nothing_to_draw_is_said(figure_inputs, draw, message):
    with pytest.raises(ReportError, match=message):
        draw(figure_inputs)


def test_two_cut_atoms_are_written_inside_the_axis(simulated):
    yards = np.arange(CELLS[0], CELLS[1] + 1)
    pmf = 0.5 * (yards == 0) + 0.4 * (yards == 9) + 0.02 * ((yards > 2) & (yards < 8))
    forecast = CellForecast(pmf[None], np.array([5.0]), np.array([-0.5]), np.array([9.5]))
    passes = simulated.passes.head(1).with_columns(
        yards_to_endzone=pl.lit(9), yards_gained=pl.lit(9), air_yards=pl.lit(4)
    )
    figure = density_figure(passes, forecast, [TellingPlay("Near the goal line", 0)])
    figure.draw_without_rendering()
    (axis,) = figure.axes
    labels = [text for text in axis.texts if text.get_text() in ("50 %", "40 %")]
    assert len(labels) == 2
    for label in labels:
        assert axis.bbox.x0 <= label.get_window_extent().x0
        assert label.get_window_extent().x1 <= axis.bbox.x1


def test_a_family_without_tails_shows_none(figures, figure_inputs):
    picks = telling_plays(figure_inputs.passes, figure_inputs.forecast.pmf)
    nothing = np.full(figure_inputs.passes.height, np.nan)
    forecast = figure_inputs.forecast._replace(lower=nothing, upper=nothing)
    figure = density_figure(figure_inputs.passes, forecast, picks)
    figure.draw_without_rendering()
    assert "tails beyond the thresholds" not in texts(figure)
    assert "tails beyond the thresholds" in texts(figures["predicted_densities"])
