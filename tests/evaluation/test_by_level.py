import numpy as np
import polars as pl
import pytest

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.by_level import by_level, render_levels


@pytest.fixture(scope="module")
def season():
    """4000 values of 100 games with mean 1/2, but for the few third downs."""
    rng = np.random.default_rng(0)
    down = rng.choice([1, 2, 3], 4000, p=[0.6, 0.38, 0.02])
    values = rng.random(4000) + 0.4 * (down == 3)
    depth = np.array(["short", "deep", None], object)[rng.integers(0, 3, 4000)]
    return values, {"down": down, "depth": depth}, rng.integers(0, 100, 4000)


def test_numbers_are_those_of_the_textbook_formula(season):
    values, levels, games = season
    frame = by_level(values, levels, games)
    (row,) = frame.filter(split="down", level="3").iter_rows(named=True)
    here = levels["down"] == 3
    x, g = values[here], games[here]
    assert row["plays"] == x.size
    assert row["mean"] == pytest.approx(x.mean())
    assert row["spread"] == pytest.approx(x.var())
    errors = [(x[g == game] - x.mean()).sum() for game in set(g)]
    count = len(errors)
    error = np.sqrt(count / (count - 1) * np.sum(np.square(errors))) / x.size
    assert row["standard_error"] == pytest.approx(error)
    assert row["z"] == pytest.approx((x.mean() - 0.5) / error)


def test_the_unfair_level_stands_out(season):
    frame = by_level(*season)
    assert frame.filter(pl.col("z").abs() > 4)["level"].to_list() == ["3"]
    shifted = by_level(season[0], season[1], season[2], expected=0.9)
    assert abs(shifted.filter(level="3")["z"].item()) < 4


def test_levels_come_in_order_and_null_is_unknown(season):
    values, levels, games = season
    frame = by_level(values, levels, games)
    first = next(each for each in levels["depth"] if each)
    second = {"short": "deep", "deep": "short"}[first]
    assert frame["level"].to_list() == ["1", "2", "3", first, second, "unknown"]
    assert frame["split"].to_list() == ["down"] * 3 + ["depth"] * 3
    for split in levels:
        assert frame.filter(split=split)["plays"].sum() == 4000
    unknown = values[np.equal(levels["depth"], None)]
    assert frame["mean"].to_list()[-1] == pytest.approx(unknown.mean())


@pytest.mark.parametrize(
    ("levels", "names"),
    [
        (np.array([10.0, np.nan, 9.5, 10.0]), ["9.5", "10", "unknown"]),
        (np.array([10, 2, -1, 2], np.int8), ["-1", "2", "10"]),
        (np.array(["b", "a", "b", "c"]), ["b", "a", "c"]),
        (np.array(["b", "unknown", None, "c"], object), ["b", "c", "unknown"]),
        (np.array([True, False, True, True]), ["True", "False"]),
        (np.array([None] * 4, object), ["unknown"]),
    ],
)
def test_levels_of_any_kind_have_names(levels, names):
    frame = by_level(np.array([0.1, 0.2, 0.3, 0.4]), {"any": levels}, np.arange(4))
    assert frame["level"].to_list() == names
    assert frame["plays"].sum() == 4


@pytest.mark.filterwarnings("error")
def test_one_game_or_equal_scores_have_no_z():
    values = np.array([0.1, 0.2, 0.7, 0.7])
    frame = by_level(values, {"down": np.array([1, 1, 2, 2])}, np.array([1, 1, 1, 2]))
    assert frame["standard_error"].to_list() == [None, 0]
    assert frame["z"].to_list() == [None, None]
    assert render_levels(frame).splitlines()[-1] == "2 levels; none with a z"


def test_the_table_has_a_line_per_level_and_counts(season):
    frame = by_level(*season)
    text = render_levels(frame)
    lines = text.splitlines()
    assert len(lines) == frame.height + 2
    assert lines[3].split()[:2] == ["3", str(frame.filter(level="3")["plays"].item())]
    largest = frame["z"].abs().max()
    assert lines[-1] == (f"6 levels, 6 with a z; largest |z| {largest:.1f} (down: 3); 1 exceed 3")


def test_the_table_stays_within_100_columns():
    long = "a very long name of a level or a split"
    frame = by_level(
        np.tile([0.1, 0.9, 0.3], 400),
        {long: np.array([long, f"{long} 2"] * 600)},
        np.arange(1200) % 40,
    ).with_columns(z=pl.lit(-123.45), plays=pl.lit(1234567))
    assert max(map(len, render_levels(frame).splitlines())) <= 100


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"levels": {}}, "levels: expected at least one split, got none"),
        ({"levels": {"down": np.ones(2)}}, r"levels of down: expected 3 rows, got shape \(2,\)"),
        ({"values": np.array([1.0, np.nan, 2.0])}, "values: expected finite numbers, got 1 of 3"),
        ({"games": np.arange(2)}, r"games: expected 3 rows, got shape \(2,\)"),
        ({"values": np.array([])}, r"values: expected at least one row"),
    ],
)
def test_what_has_no_levels_is_said(unchecked_shapes, changed, message):
    given = {"values": np.ones(3), "levels": {"down": np.ones(3)}, "games": np.arange(3)}
    with pytest.raises(EvaluationError, match=message):
        by_level(**(given | changed))


def test_a_table_of_something_else_is_refused(season):
    frame = by_level(*season)
    with pytest.raises(EvaluationError, match="frame: expected the columns z, spread"):
        render_levels(frame.drop("z", "spread"))
    with pytest.raises(EvaluationError, match="frame: expected at least one level"):
        render_levels(frame.clear())
