"""Scores of splits from the command line, on a small run without any training."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.errors import SbpJaxError
from sbp_jax.jobs.score_plays import ScorePlays, main
from sbp_jax.nfl.ratings import scored_plays, write_scored_plays

PLAYS = 600


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng = np.random.default_rng(0)
    passer = rng.integers(0, 6, PLAYS)
    u = rng.uniform(0.05, 0.95, PLAYS)
    passes = pl.DataFrame(
        {
            "season": 2017 + np.arange(PLAYS) % 2,
            "game_id": [f"g{i % 20:02}" for i in range(PLAYS)],
            "passer_id": [f"id-{i}" for i in passer],
            "passer_name": [f"P.Number{i}" for i in passer],
            "offense": [f"T{i}" for i in passer],
            "air_yards": rng.integers(-5, 40, PLAYS),
            "complete": rng.random(PLAYS) < 0.6,
            "yards_gained": rng.integers(0, 20, PLAYS),
            "pass_touchdown": rng.random(PLAYS) < 0.05,
            "interception": rng.random(PLAYS) < 0.02,
        }
    )
    folder = tmp_path_factory.mktemp("run")
    scored = scored_plays(
        passes,
        outcome=rng.normal(size=PLAYS),
        expected=np.zeros(PLAYS),
        pit_lower=u - 0.05,
        pit_upper=u + 0.05,
    )
    write_scored_plays(folder, scored)
    return folder


def test_a_split_is_printed_and_both_files_are_written(run, capsys):
    ratings = main(ScorePlays(run, where="air_yards >= 20", min_attempts=5, count=2))
    printed = capsys.readouterr().out
    assert ratings.part == "throw"
    assert "season, passer, air_yards >= 20: " in printed
    assert " ...\n" in printed
    assert f"{ratings.plays:,} throws rated; not rated: {ratings.left_out:,} plays" in printed
    (found,) = (run / "splits").glob("season_passer_air_yards_at_least_20_min5_*.csv")
    stem = found.with_suffix("")
    assert printed.splitlines()[-2:] == [f"{stem}.csv", f"{stem}.png"]
    table = pl.read_csv(f"{stem}.csv")
    assert table.height == ratings.table.height == 12
    np.testing.assert_allclose(table["score"], ratings.table["score"])
    png = stem.with_name(f"{stem.name}.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert not [path for path in run.rglob("*") if "partial" in path.name]


def test_files_go_where_they_are_told(run, tmp_path, capsys):
    output = tmp_path / "new" / "by.depth"
    ratings = main(ScorePlays(run, by="passer, depth", output=output))
    assert ratings.by == ("passer_id", "depth")
    assert sorted(path.name for path in output.parent.iterdir()) == ["by.depth.csv", "by.depth.png"]


def test_splits_of_the_same_columns_have_files_of_their_own(run, capsys):
    signs = [">", "<", ">=", "<=", "!=", "=", "= -"]
    for sign in signs:
        main(ScorePlays(run, by="passer", where=f"air_yards {sign}1"))
    main(ScorePlays(run, by="passer", where="air_yards = 1", equal_weights=True))
    written = [line for line in capsys.readouterr().out.splitlines() if line.endswith(".csv")]
    assert len(set(written)) == len(signs) + 1


def test_equal_weights_are_passed_on(run, capsys):
    plays = pl.read_parquet(run / "scored_plays.parquet")
    assert plays["leverage"].unique().to_list() == [1.0]  # no score and clock in this run
    weighted = main(ScorePlays(run, by="passer"))
    equal = main(ScorePlays(run, by="passer", equal_weights=True))
    assert weighted.table.equals(equal.table)


def test_columns_are_listed_with_those_that_are_made(run, capsys):
    assert main(ScorePlays(run, columns=True)) is None
    listed = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert listed["air_yards"] == "Int64"
    assert listed["depth"] == "behind the line, 0 to 9, 10 to 19, 20 and more"
    assert "half" not in listed  # quarters are unknown here


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"by": "passer, dpth"}, "by: no column 'dpth' in 'dpth'; did you mean depth"),
        ({"where": "season = 1999"}, "where: expected some plays, got none of 600: season = 1999"),
        ({"min_attempts": 10_000}, "enough attempts, got none: all 12 have fewer"),
    ],
)
def test_what_cannot_be_scored_is_said_and_nothing_is_written(run, tmp_path, changes, message):
    with pytest.raises(SbpJaxError, match=message):
        main(ScorePlays(run, output=tmp_path / "table", **changes))
    assert not list(tmp_path.iterdir())


def test_a_folder_without_scored_plays_is_named(tmp_path):
    with pytest.raises(SbpJaxError, match="expected a finished run with scored_plays"):
        main(ScorePlays(tmp_path))
