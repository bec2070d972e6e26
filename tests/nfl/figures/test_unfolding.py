"""A play as it unfolds: what is drawn is what was given, and files are whole or not there."""

import dataclasses
import struct
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.container import BarContainer
from PIL import Image

from sbp_jax.errors import ReportError
from sbp_jax.nfl.figures.field import Window, draw_players, yard_lines
from sbp_jax.nfl.figures.unfolding_figure import (
    FRAME_MS,
    PAUSE_MS,
    UnfoldingPlay,
    save_unfolding_gif,
    unfolding_figure,
)
from sbp_jax.nfl.figures.unfolding_play import INTERVAL
from sbp_jax.nfl.simulator.simulated_outcome import LOWEST, ThrowFacts, yards_pmf
from sbp_jax.nfl.tracking.features import PLAYER_NAMES, SEQUENCE_FEATURES
from sbp_jax.plots.style import BLUE, INK, VERMILION, new_figure, save_figure

FRAMES, ABSENT = 5, PLAYER_NAMES.index("defense_11")


def make_play(frames: int = FRAMES, **changes: Any) -> UnfoldingPlay:
    """A target who runs downfield from -1; the forecast follows him. One defender is missing."""
    places = np.zeros((frames, 22, 2))
    places[..., :11, 0], places[..., 11:, 0] = -1.0, 3.0
    places[..., 1] = np.linspace(-20, 20, 22)
    places[:, PLAYER_NAMES.index("passer")] = -6.0, 0.0
    places[:, PLAYER_NAMES.index("target"), 0] = np.linspace(-1, 12, frames)
    places[:, ABSENT] = 0
    values = np.zeros((frames, len(SEQUENCE_FEATURES)))
    for i, player in enumerate(PLAYER_NAMES):
        for j, axis in enumerate("xy"):
            values[:, SEQUENCE_FEATURES.index(f"{player}_{axis}")] = places[:, i, j]
    near = np.ones(frames)
    facts = ThrowFacts(
        places[:, 1, 0], 4 * near, 2 * near, 1 * near, 3 * near, 15 * near, 76 * near
    )
    pmf = yards_pmf(facts)
    made = UnfoldingPlay(
        values=values,
        player_mask=np.arange(22) != ABSENT,
        pmf=pmf,
        lowest=LOWEST,
        yards_gained=14,
        pass_result="C",
        yards_to_endzone=76,
        yards_to_go=8,
        down=3,
        truth=pmf[-1],
        title="3rd & 8, own 24",
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def play():
    return make_play()


@pytest.fixture(scope="module")
def figure(play):
    return unfolding_figure(play)


def texts(axis):
    return [text.get_text() for text in axis.texts]


def line(axis, label):
    [found] = [each for each in axis.get_lines() if each.get_label() == label]
    return found


def test_bars_are_the_probabilities_of_snap_middle_and_throw(play, figure):
    for axis, frame in zip(figure.axes[3:6], (0, 2, 4), strict=True):
        [bars] = [each for each in axis.containers if isinstance(each, BarContainer)]
        np.testing.assert_allclose([bar.get_height() for bar in bars], 100 * play.pmf[frame])
        middles = [bar.get_x() + bar.get_width() / 2 for bar in bars]
        np.testing.assert_allclose(middles, np.arange(LOWEST, 100))


def test_yards_of_a_field_and_of_the_axis_below_it_are_one_above_the_other(figure):
    figure.draw_without_rendering()
    for field, forecast in zip(figure.axes[:3], figure.axes[3:6], strict=True):
        above, below = (
            axis.transData.transform([[0, 0], [20, 0]])[:, 0] for axis in (field, forecast)
        )
        np.testing.assert_allclose(above, below, atol=0.5)  # pixels
        along, across = np.diff(field.transData.transform([[0, 0], [10, 10]]), axis=0)[0]
        assert along == pytest.approx(across, rel=0.01)


def test_words_say_what_the_probabilities_are(play, figure):
    yards = np.arange(LOWEST, 100)
    for axis, frame in zip(figure.axes[3:6], (0, 2, 4), strict=True):
        nothing, first_down = (
            sum(p for y, p in zip(yards, play.pmf[frame], strict=True) if which(y))
            for which in (lambda y: y == 0, lambda y: y >= 8)
        )
        assert axis.get_title(loc="left") == (
            f"no gain or incomplete {nothing:.0%}\nfirst down {first_down:.0%}".replace("%", " %")
        )
    assert [axis.get_title(loc="right") for axis in figure.axes[:3]] == ["", "", "gained 14"]
    assert [axis.get_title(loc="left") for axis in figure.axes[:3]] == [
        "snap",
        "0.2 s",
        "throw, 0.4 s",
    ]


def test_median_and_interval_leave_as_much_probability_on_either_side(play, figure):
    for axis, frame in zip(figure.axes[3:6], (0, 2, 4), strict=True):
        median = int(line(axis, "median").get_xdata()[0])
        low, high = (int(end) for end in line(axis, "80 % interval").get_xdata())
        pmf = dict(zip(range(LOWEST, 100), play.pmf[frame].tolist(), strict=True))
        for yard, level in ((low, 0.1), (median, 0.5), (high, 0.9)):
            below = sum(p for y, p in pmf.items() if y < yard)
            assert below < level <= below + pmf[yard] + 1e-9
    assert INTERVAL == 0.8


def test_the_outcome_is_on_the_grass_at_the_throw_alone(figure):
    marked = [
        [each.get_xdata()[0] for each in axis.get_lines() if each.get_label() == "yards gained"]
        for axis in figure.axes
    ]
    assert marked == [[], [], [14], [], [], [14], [14]]


def test_the_truth_is_drawn_where_there_is_one(play, figure):
    np.testing.assert_allclose(line(figure.axes[5], "true law").get_ydata(), 100 * play.pmf[-1])
    without = unfolding_figure(make_play(truth=None))
    labels = [text.get_text() for text in without.legends[0].get_texts()]
    assert "median" in labels
    assert "true law" not in labels


def test_the_strip_has_a_row_for_each_frame_and_the_snap_on_top(play, figure):
    history = figure.axes[6]
    [mesh] = history.collections
    np.testing.assert_allclose(mesh.get_array(), 100 * play.pmf)
    assert history.get_ylim() == pytest.approx((0.45, -0.05))


def test_absent_players_are_not_drawn_and_trails_go_back_one_second():
    [axis] = new_figure(3, 1, 1)[1]
    positions = np.random.default_rng(0).normal(size=(15, 22, 2))
    mask = np.ones(22, bool)
    mask[[5, ABSENT]] = False
    drawn = draw_players(axis, positions, mask)
    offence, defence = line(axis, "offence"), line(axis, "defence")
    assert (offence.get_marker(), defence.get_marker()) == ("o", "^")
    np.testing.assert_array_equal(offence.get_xydata(), positions[-1, [*range(5), *range(6, 11)]])
    np.testing.assert_array_equal(defence.get_xydata(), positions[-1, 11:ABSENT])
    trails = [each.get_xydata() for each in axis.get_lines() if each.get_alpha() == 0.4]
    assert len(trails) == 20
    np.testing.assert_array_equal(trails[0], positions[-11:, 0])
    for artist in drawn:
        artist.remove()
    assert not axis.get_lines()
    assert not axis.texts


def test_passer_and_target_have_names_and_rings(play, figure):
    throw = figure.axes[2]
    assert {"passer", "target"} < set(texts(throw))
    rings = [each.get_xydata()[0].tolist() for each in throw.get_lines() if each.get_ms() == 9.5]
    assert rings[0] == [-6, 0]
    assert rings[1][0] == 12


def test_the_outcome_is_told_for_every_kind_of_play():
    def told(**changes: Any) -> str:
        return make_play(**changes).outcome

    assert told() == "gained 14"
    assert told(yards_gained=-3) == "lost 3"
    assert told(yards_gained=0) == "no gain"
    assert told(yards_gained=76) == "touchdown"
    assert told(yards_gained=0, pass_result="I") == "incomplete"
    assert told(yards_gained=0, pass_result="IN") == "intercepted"


def test_near_the_goal_line_the_words_are_of_a_touchdown_and_the_goal_is_in_view():
    figure = unfolding_figure(make_play(yards_to_endzone=6, yards_to_go=6, yards_gained=6))
    assert figure.axes[3].get_title(loc="left").split("\n")[1].startswith("touchdown")
    assert "G" in texts(figure.axes[0])
    assert "line to gain" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_without_downs_there_is_no_line_to_gain():
    figure = unfolding_figure(make_play(down=0))
    assert "first down" not in figure.axes[3].get_title(loc="left")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "line to gain" not in labels
    assert "line of scrimmage" in labels


def test_a_gain_beyond_the_window_is_an_arrow_at_its_edge():
    figure = unfolding_figure(make_play(yards_gained=70))
    throw = figure.axes[2]
    assert throw.get_title(loc="right") == "gained 70 →"
    assert line(throw, "yards gained").get_xdata()[0] == throw.get_xlim()[1] < 70


def test_yard_lines_rise_to_midfield_and_fall_again():
    assert [tuple(each) for each in yard_lines(76, -30, 80) if each.label] == [
        (-24, "G"),
        (-14, "10"),
        (-4, "20"),
        (6, "30"),
        (16, "40"),
        (26, "50"),
        (36, "40"),
        (46, "30"),
        (56, "20"),
        (66, "10"),
        (76, "G"),
    ]


def test_painted_numbers_are_beside_their_lines(figure):
    numbers = {
        round(text.get_position()[0]): text.get_text()
        for text in figure.axes[0].texts
        if text.get_text().isdigit()
    }
    assert {-4: "20", 6: "30", 16: "40", 26: "50"}.items() <= numbers.items()


@given(
    to_endzone=st.integers(1, 99),
    gained=st.integers(-20, 99),
    shift=st.floats(-30, 60),
)
def test_the_window_is_on_the_field_and_holds_the_line_of_scrimmage(to_endzone, gained, shift):
    play = make_play(frames=2)
    values = play.values.copy()
    values[:, SEQUENCE_FEATURES.index("defense_1_x")] = shift
    window = dataclasses.replace(
        play, values=values, yards_to_endzone=to_endzone, yards_gained=gained
    ).window
    assert isinstance(window, Window)
    assert to_endzone - 110 <= window.x_low < 0 < window.x_high <= to_endzone + 10
    assert 41.9 < window.x_high - window.x_low < 54.1
    assert -80 / 3 - 1 <= window.y_low < 0 < window.y_high <= 80 / 3 + 1


def test_one_frame_is_enough(tmp_path):
    play = make_play(frames=1)
    assert len(unfolding_figure(play).axes) == 3
    with Image.open(save_unfolding_gif(play, tmp_path / "one.gif")) as gif:
        assert gif.n_frames == 1


def test_the_still_is_a_png_of_the_common_width(figure, tmp_path, coarse):
    content = save_figure(figure, tmp_path / "unfolding.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", content[16:20]) == (coarse,)
    assert len(content) < 500_000


def test_the_animation_has_every_frame_and_pauses_on_the_throw(play, tmp_path):
    path = save_unfolding_gif(play, tmp_path / "new" / "unfolding.gif")
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_size < 200_000
    durations, colours = [], set()
    with Image.open(path) as gif:
        assert gif.format == "GIF"
        assert gif.info["loop"] == 0
        for frame in range(gif.n_frames):
            gif.seek(frame)
            durations.append(gif.info["duration"])
            image = gif.convert("RGB")
            colours = {colour for _, colour in image.getcolors(256) or []}
    assert durations == [FRAME_MS] * (FRAMES - 1) + [PAUSE_MS]
    own = {tuple(bytes.fromhex(colour[1:])) for colour in ("#FFFFFF", BLUE, VERMILION, INK)}
    assert own <= colours


def test_a_failed_animation_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    play = make_play(frames=1)
    path = tmp_path / "unfolding.gif"
    path.write_bytes(b"old")

    def fail(image, target, **_):
        target.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_unfolding_gif(play, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_settings_of_the_user_stay(tmp_path, coarse):
    play = make_play(frames=1)
    with mpl.rc_context({"font.size": 33, "figure.facecolor": "black"}):
        before = dict(mpl.rcParams)
        figure = unfolding_figure(play)
        save_unfolding_gif(play, tmp_path / "a.gif")
        assert dict(mpl.rcParams) == before
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)


PMF = make_play().pmf


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.zeros((5, 176))}, r"values: expected shape \(T >= 1, 181\), got \(5, 176\)"),
        ({"values": np.full((5, 181), np.nan)}, "values: expected finite numbers"),
        ({"player_mask": np.ones(11, bool)}, r"player_mask: expected shape \(22,\), got \(11,\)"),
        ({"pmf": PMF[:4]}, r"pmf: expected shape \(5, cells\) as there are frames, got \(4, 120\)"),
        ({"pmf": PMF / 2}, r"pmf: expected a sum of 0.9 to 1, got 0.5000"),
        ({"pmf": -PMF}, "pmf: expected probabilities"),
        ({"truth": PMF[0, 1:]}, r"truth: expected shape \(120,\), got \(119,\)"),
        ({"truth": PMF[0] / 2}, "truth: expected a sum"),
        ({"lowest": 1}, "lowest: expected 0 to be one of the 120 cells, got 1"),
        ({"pass_result": "R"}, "pass_result: expected one of C, I, IN, got R"),
        ({"yards_to_endzone": 100}, "yards_to_endzone: expected 1 to 99, got 100"),
        ({"yards_to_go": 0}, "yards_to_go: expected 1 or more, got 0"),
        ({"down": 5}, "down: expected 0 to 4, got 5"),
    ],
)
def test_impossible_values_are_named(changes, message):
    with pytest.raises(ReportError, match=f"^{message}"):
        make_play(**changes)
