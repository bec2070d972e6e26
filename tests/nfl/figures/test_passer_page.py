"""The page of a passer's season: whose it is, what it shows, and that nothing runs into another."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.errors import ReportError
from sbp_jax.nfl.figures.passer_page import SPLITS, PassersSeason, find_passer, passer_page
from sbp_jax.nfl.ratings.extreme_plays import COUNT
from sbp_jax.plots.style import save_figure
from tests.nfl.figures.conftest import SEASON


@pytest.fixture(scope="module")
def who(plays, ratings):
    return find_passer(plays, ratings.qualified["passer_name"][0], SEASON)


@pytest.fixture(scope="module")
def page(plays, extremes, who):
    figure = passer_page(plays, extremes, who, "yards", min_attempts=30)
    figure.draw_without_rendering()
    return figure


def test_a_passer_is_found_by_name_or_id(plays):
    found = PassersSeason("id-3", "P.Number3", SEASON)
    assert find_passer(plays, "P.Number3", SEASON) == found
    assert find_passer(plays, "id-3", SEASON) == found


@pytest.mark.parametrize(
    ("name", "season", "message"),
    [
        ("Q.Number3", SEASON, r"expected one who threw in 2018, got 'Q\.Number3'; \['P\.Number3'"),
        ("Nobody", SEASON, r"got 'Nobody'; \['none like it'\]"),
        ("P.Number3", 1999, "expected one who threw in 1999"),
        ("P.Twin", SEASON, r"'P\.Twin' names 2 in 2018; give an id: \['id-1', 'id-2'\]"),
    ],
)
def test_nobody_and_more_than_one_are_refused(plays, name, season, message):
    twins = pl.when(pl.col("passer_id").is_in(["id-1", "id-2"])).then(pl.lit("P.Twin"))
    given = plays.sort("passer_id").with_columns(
        passer_name=twins.otherwise("passer_name"),
    )
    with pytest.raises(ReportError, match=message):
        find_passer(given, name, season)


def test_playoffs_are_no_part_of_a_season(plays):
    with pytest.raises(ReportError, match="expected one who threw in 2018"):
        find_passer(plays.with_columns(season_type=pl.lit("POST")), "P.Number3", SEASON)


def test_the_head_says_who_and_how_well(page, ratings):
    row = ratings.table.row(0, named=True)
    assert page.get_suptitle() == (
        f"{row['passer_name']}, {row['teams']}, {SEASON}: {row['score']:.0f} "
        f"({row['score_low']:.0f} to {row['score_high']:.0f}), {row['attempts']} targeted passes "
        f"in {row['games']} games"
    )


def test_the_histogram_counts_all_of_his_plays(page, plays, who):
    axis = page.axes[0]
    scores = plays.filter(passer_id=who.passer_id)["play_score"]
    heights = [bar.get_height() for bar in axis.containers[1]]  # the first are the league's
    assert len(heights) == 10
    assert sum(heights) == scores.len()
    for i, height in enumerate(heights):
        # A score on an edge may belong to either side.
        low, high = i / 10, (i + 1) / 10
        inside = scores.is_between(low + 1e-9, high - 1e-9).sum()
        assert inside <= height <= scores.is_between(low - 1e-9, high + 1e-9).sum()
    assert axis.get_title("left") == f"Play scores, mean {scores.mean():.3f}"


def test_every_level_of_every_split_has_its_count(page, plays, who):
    mine = plays.filter(passer_id=who.passer_id)
    shown = [text.get_text() for text in page.axes[1].texts]
    assert len(shown) == sum(len(levels) for levels in SPLITS.values())
    for level, label in SPLITS["down"].items():
        assert f"{label} ({mine.filter(pl.col('down') == int(level)).height})" in shown
    deep = mine.filter(pl.col("air_yards") >= 20).height
    assert f"20+ air yards ({deep})" in shown
    assert f"tied ({mine.filter(pl.col('score_diff') == 0).height})" in shown


def test_the_best_and_the_worst_throws_are_shown_with_what_came(page, extremes, who):
    mine = extremes.plays.filter(passer_id=who.passer_id).sort("throw_score")
    for axes, plays in ((page.axes[2::2], mine.tail(COUNT).reverse()), (page.axes[3::2], mine)):
        assert len(axes) == COUNT
        shown = [axis.get_title("left").rsplit(" ", 1)[1] for axis in axes]
        assert shown == [f"{score:.3f}" for score in plays["play_score"].head(COUNT)]
        for axis in axes:
            (outcome, _), *_ = (line.get_xdata() for line in axis.lines)
            low, high = axis.get_xlim()
            assert low < outcome < high
            week = int(axis.texts[0].get_text().split("week ")[1].split(";")[0])
            (play,) = mine.filter(outcome=outcome, week=week).iter_rows(named=True)
            assert f": {outcome:+.1f}, score {play['play_score']:.3f}" in axis.get_title("left")
        assert axes[-1].get_xlabel() == "value of the play, yards"


def test_bars_that_are_cut_are_said_to_be(page):
    for axis in page.axes[2:]:
        highest = max(bar.get_height() for bar in axis.containers[0])
        said = f"cut bar: {highest:.0f} %" in axis.texts[0].get_text()
        assert said == (highest > axis.get_ylim()[1])


def test_no_text_leaves_the_page_or_lies_on_a_line(page):
    width, height = page.canvas.get_width_height()
    for axis in page.axes:
        for text in [axis._left_title, axis.xaxis.label, axis.yaxis.label, *axis.texts]:
            box = text.get_window_extent()
            inside = box.x0 >= -2 and box.y0 >= -2 and box.x1 <= width + 2 and box.y1 <= height + 2
            assert inside or not text.get_text(), text.get_text()
    for text in page.texts:
        assert text.get_window_extent().x1 <= width
    splits = page.axes[1]
    average = splits.transData.transform((85.7, 0))[0]
    ends = [splits.transData.transform((x, 0))[0] for line in splits.lines[:-1]
            for x in line.get_xdata() if len(line.get_xdata()) == 2]  # fmt: skip
    labels = max(text.get_window_extent().x1 for text in splits.texts)
    assert labels <= min(average, *ends)
    ticks = [label.get_window_extent() for label in splits.get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in pairwise(ticks))


def test_the_page_is_the_passers_own_and_is_written(plays, extremes, ratings, tmp_path, coarse):
    last = ratings.qualified.row(-1, named=True)
    figure = passer_page(
        plays, extremes, find_passer(plays, last["passer_id"], SEASON), "yards", min_attempts=30
    )
    assert figure.get_suptitle().startswith(f"{last['passer_name']}, {last['teams']}, {SEASON}: ")
    path = save_figure(figure, tmp_path / "page.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_passer_without_extreme_plays_has_no_page(plays, extremes, who):
    others = extremes._replace(
        plays=extremes.plays.filter(pl.col("passer_id") != who.passer_id),
        pmf=extremes.pmf[(extremes.plays["passer_id"] != who.passer_id).to_numpy()],
    )
    with pytest.raises(ReportError, match=f"{who.name}, 2018: expected plays among the extreme"):
        passer_page(plays, others, who, "yards", min_attempts=30)


def test_levels_without_plays_are_left_empty(plays, extremes, who):
    """Nobody threw to the left or was ahead."""
    kept = plays.filter((pl.col("pass_location") != "left") & (pl.col("score_diff") <= 0))
    axis = passer_page(kept, extremes, who, "yards", min_attempts=30).axes[1]
    shown = [text.get_text() for text in axis.texts]
    assert {"to the left (0)", "ahead 1 to 8 (0)", "ahead 9+ (0)"} <= set(shown)
    assert np.isfinite(axis.get_xlim()).all()
