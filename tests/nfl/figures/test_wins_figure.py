"""The figure of ratings and winning: what it shows, names and refuses."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.correlation import Correlation
from sbp_jax.nfl.figures.wins_figure import wins_figure
from sbp_jax.plots.style import save_figure

RATINGS = ["passer_rating", "any_a", "score", "other", "fifth", "sixth"]


def passer_seasons(rows=120):
    """Ratings that follow winning, but for one passer who won all with the worst of them."""
    rng = np.random.default_rng(0)
    skill = rng.normal(size=rows)
    wins = np.clip(np.round(8 + 3 * skill + rng.normal(size=rows)), 0, 16) / 16
    skill[7], wins[7] = -3.5, 1.0
    ratings = {name: 90 + 10 * (skill + 0.2 * rng.normal(size=rows)) for name in RATINGS}
    return pl.DataFrame(
        {
            "passer_name": [f"P.Passer{i}" for i in range(rows)],
            "season": 2009 + np.arange(rows) % 10,
            "win_percent": wins,
            **ratings,
        }
    )


CORRELATIONS = {name: Correlation(0.6 + i / 100, 0.04, 0.5, 0.7) for i, name in enumerate(RATINGS)}


def draw(count, **options):
    return wins_figure(passer_seasons(), RATINGS[:count], CORRELATIONS, **options)


@pytest.fixture(scope="module")
def six():
    return draw(6)


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (2, (1, 2)), (4, (2, 2)), (5, (2, 3))])
def test_panels_stand_two_or_three_a_row(count, grid):
    figure = draw(count)
    assert len(figure.axes) == count
    assert figure.axes[0].get_gridspec().get_geometry() == grid


def test_every_panel_shows_all_seasons_in_per_cent_with_r(six):
    table = passer_seasons()
    for i, (axis, name) in enumerate(zip(six.axes, RATINGS, strict=True)):
        x, y = axis.lines[0].get_data()
        np.testing.assert_allclose(x, table[name])
        np.testing.assert_allclose(y, 100 * table["win_percent"])
        assert axis.get_title("left") == f"r = {0.6 + i / 100:.2f} (0.50 to 0.70)"
        assert axis.get_xlabel() == name.replace("_", " ")
    assert [axis.get_ylabel() for axis in six.axes] == ["games won, %", "", ""] * 2
    assert "120 passer-seasons of 2009 to 2018" in six.texts[-1].get_text()


def test_the_line_is_that_of_least_squares(six):
    for axis in six.axes:
        x, y = axis.lines[0].get_data()
        slope, level = np.linalg.lstsq(np.column_stack([x, np.ones_like(x)]), y)[0]
        at, line = axis.lines[1].get_data()
        np.testing.assert_allclose(line, level + slope * at)
        assert (at.max(), at.min()) == (x.max(), x.min())


def test_the_odd_one_out_is_named_once(six):
    for axis in six.axes:
        names = [text.get_text() for text in axis.texts]
        assert names.count("P.Passer7 2016") == 1
        assert 3 <= len(names) == len(set(names)) <= 4
        best = axis.lines[0].get_xdata().argmax()
        assert f"P.Passer{best} {2009 + best % 10}" in names


def test_names_stay_in_their_panel_and_off_each_other(six):
    six.draw_without_rendering()
    for axis in six.axes:
        boxes = [text.get_window_extent() for text in axis.texts]
        for i, box in enumerate(boxes):
            assert axis.bbox.x0 <= box.x0 <= box.x1 <= axis.bbox.x1
            assert axis.bbox.y0 <= box.y0 <= box.y1 <= axis.bbox.y1
            assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_titles_replace_names_of_columns_and_the_file_is_written(tmp_path, coarse):
    figure = draw(2, titles={"any_a": "adjusted net yards per attempt"})
    assert [axis.get_xlabel() for axis in figure.axes] == [
        "passer rating",
        "adjusted net yards per attempt",
    ]
    path = save_figure(figure, tmp_path / "wins.png")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("error")
def test_a_constant_rating_has_no_line():
    table = passer_seasons().with_columns(flat=pl.lit(3))
    nothing = Correlation(*[float("nan")] * 4)
    (axis,) = wins_figure(table, ["flat"], {"flat": nothing}).axes
    assert axis.get_title("left") == "r undefined"
    assert all(len(line.get_xdata()) != 2 for line in axis.lines)


@pytest.mark.parametrize(
    ("change", "ratings", "message"),
    [
        (lambda t: t, [], "ratings: expected 1 to 6, got 0"),
        (lambda t: t, [*RATINGS, "seventh"], "ratings: expected 1 to 6, got 7"),
        (lambda t: t.head(1), ["score"], "table: expected at least two passer-seasons, got 1"),
        (lambda t: t.drop("season"), ["score"], "table: expected the columns season"),
        (lambda t: t.rename({"score": "mine"}), ["mine"], "correlations: expected those of mine"),
        (
            lambda t: t.with_columns(score=pl.when(pl.col("score") > 90).then("score")),
            ["score"],
            r"column score: expected a finite number in every row, got others in \d+ of 120",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(change, ratings, message):
    with pytest.raises(ReportError, match=message):
        wins_figure(change(passer_seasons()), ratings, CORRELATIONS)
