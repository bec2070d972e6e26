"""The table of scored plays: what is added, what is refused, and the file."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.ratings import ScoringError, read_scored_plays, scored_plays, write_scored_plays
from sbp_jax.nfl.ratings.scored_plays import FILE, SCORE_COLUMNS

PASSES = pl.DataFrame(
    {
        "season": [2017, 2017, 2018, 2018],
        "game_id": ["g", "g", "h", "h"],
        "passer_id": ["a", "b", "a", "b"],
        "score_diff": [0, 0, 0, 21],
        "quarter": [1, 1, 4, 4],
        "clock_seconds": [900, 900, 120, 120],
    }
)
NUMBERS = {
    "outcome": np.array([5.0, 0.0, -2.0, 12.0]),
    "expected": np.array([6.0, 6.0, 6.0, 8.0]),
    "pit_lower": np.array([0.4, 0.1, 0.0, 0.7]),
    "pit_upper": np.array([0.6, 0.5, 0.1, 0.8]),
}


def scored(passes=PASSES, **changes):
    return scored_plays(passes, **(NUMBERS | changes))


def test_the_passes_come_back_with_the_columns_of_the_scores():
    found = scored()
    assert found.columns == [*PASSES.columns, *SCORE_COLUMNS]
    assert found.select(PASSES.columns).equals(PASSES)
    for name, values in NUMBERS.items():
        np.testing.assert_array_equal(found[name], values)
    assert not found["sack"].any()
    np.testing.assert_allclose(found["play_score"], [0.5, 0.3, 0.05, 0.75])
    assert found["standard_score"].equals(found["throw_score"].alias("standard_score"))
    means = found.group_by("season").agg(pl.col("throw_score").mean())["throw_score"]
    np.testing.assert_allclose(means, 0, atol=1e-12)


def test_throw_scores_are_in_the_unit_of_the_outcome():
    points = scored()["throw_score"]
    tenfold = scored(outcome=10 * NUMBERS["outcome"], expected=10 * NUMBERS["expected"])
    np.testing.assert_allclose(tenfold["throw_score"], 10 * points)


def test_plays_weigh_by_leverage_where_score_and_clock_are_known():
    level, late, lost = scored()["leverage"].to_list()[1:]
    assert level == pytest.approx(1)
    assert late > 4 > 0.01 > lost > 0
    assert scored(PASSES.drop("score_diff"))["leverage"].to_list() == [1.0] * 4


@pytest.mark.parametrize(
    ("change", "numbers", "message"),
    [
        (lambda t: t.drop("game_id"), {}, "passes: expected the column game_id, which is missing"),
        (
            lambda t: t.with_columns(passer_id=pl.lit(None, pl.String)),
            {},
            "passes: expected passer_id in every row, got null in 4",
        ),
        (lambda t: t.head(3), {}, r"outcome: expected 3, one a pass, got \(4,\)"),
        (lambda t: t, {"pit_upper": np.full(3, 0.9)}, r"equal lengths, got \(4,\), \(3,\)"),
        (lambda t: t, {"pit_upper": np.full(4, 1.2)}, "expected probabilities, got .* in row 0"),
        (lambda t: t, {"expected": np.full(4, np.nan)}, "finite numbers, got nan in row 0"),
        (
            lambda t: t.clear(),
            {name: values[:0] for name, values in NUMBERS.items()},
            "at least one play, got an empty set",
        ),
    ],
)
def test_what_cannot_be_scored_is_said(change, numbers, message):
    with pytest.raises(ScoringError, match=message):
        scored(change(PASSES), **numbers)


def test_the_file_holds_the_table(tmp_path):
    path = write_scored_plays(tmp_path, scored())
    assert path == tmp_path / FILE
    assert read_scored_plays(tmp_path).equals(scored())


def test_a_run_without_the_file_is_named(tmp_path):
    with pytest.raises(ScoringError, match=f"expected a finished run with {FILE}, got none"):
        read_scored_plays(tmp_path)


def test_a_damaged_file_and_one_of_another_kind_are_refused(tmp_path):
    whole = write_scored_plays(tmp_path, scored()).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"no parquet at all"):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(ScoringError, match=f"{FILE}: cannot be read: "):
            read_scored_plays(tmp_path)
    PASSES.write_parquet(tmp_path / FILE)
    with pytest.raises(ScoringError, match="expected the columns outcome, expected, pit_lower"):
        read_scored_plays(tmp_path)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    write_scored_plays(tmp_path, scored())
    before = (tmp_path / FILE).read_bytes()

    def stop(self, file, **options):
        file.write(b"PAR1 and no more")
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", stop)
    with pytest.raises(OSError, match="disk full"):
        write_scored_plays(tmp_path, scored())
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
