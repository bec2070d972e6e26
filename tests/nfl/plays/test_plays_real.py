"""Ten real seasons: against the public record, and against tables that others made of them."""

import polars as pl
import pytest

from sbp_jax.nfl.plays import load_plays

# Regular-season attempts in the feed, as the notes beside the reference tables list them.
ATTEMPTS = {
    2009: 17_038,
    2010: 17_278,
    2011: 17_414,
    2012: 17_790,
    2013: 18_110,
    2014: 17_889,
    2015: 18_303,
    2016: 18_300,
    2017: 17_486,
    2018: 17_671,
}
AGREEMENT = 0.995


@pytest.fixture(scope="session")
def reference(shared_data):
    return pl.read_parquet(shared_data / "passes" / "passes.parquet")


@pytest.fixture(scope="session")
def reference_games(shared_data):
    return pl.read_parquet(shared_data / "passes" / "games.parquet")


@pytest.mark.parametrize(
    ("season", "passer", "yards", "touchdowns"),
    [
        (2018, "P.Mahomes", 5097, 50),
        (2016, "M.Ryan", 4944, 38),
        (2011, "D.Brees", 5476, 46),
        (2013, "P.Manning", 5477, 55),
    ],
)
def test_famous_seasons(tables, season, passer, yards, touchdowns):
    row = (
        tables.passes.filter(season=season, season_type="REG", passer_name=passer)
        .select(pl.sum("yards_gained"), pl.sum("pass_touchdown"))
        .row(0)
    )
    assert row == (yards, touchdowns)


def test_every_game_of_the_league_is_there(tables):
    regular = tables.games.filter(season_type="REG").group_by("season").len()
    assert regular["len"].to_list() == [256] * 10
    playoffs = dict(tables.games.filter(season_type="POST").group_by("season").len().rows())
    assert playoffs == dict.fromkeys(range(2009, 2018), 11)
    assert tables.report.preseason == 648
    assert tables.report.dropped == ()


def test_super_bowls(tables):
    won = tables.games.filter(week=22).sort("season")["winner"].to_list()
    assert won == ["NO", "GB", "NYG", "BAL", "SEA", "NE", "DEN", "NE", "PHI"]


def test_every_team_plays_sixteen_games_at_most_one_a_week(tables):
    games = tables.games.filter(season_type="REG")
    sides = pl.concat(
        games.select("season", "week", team=side) for side in ("home_team", "away_team")
    )
    assert not sides.is_duplicated().any()
    assert sides.group_by("season", "team").len()["len"].unique().to_list() == [16]


def test_snaps_are_numbered_in_order_and_passes_are_among_them(tables):
    numbers = tables.snaps.with_columns(
        expected=pl.int_range(pl.len(), dtype=pl.Int16).over("game_id")
    )
    assert (numbers["snap"] == numbers["expected"]).all()
    assert tables.snaps["game_id"].is_sorted()
    thrown = tables.snaps.filter(pl.col("kind").is_in(["pass", "spike"]))
    key = ["game_id", "snap", "play_id", "passer_id", "yards"]
    assert tables.passes.rename({"yards_gained": "yards"}).select(key).equals(thrown.select(key))


def test_the_ball_is_where_the_play_before_left_it(tables):
    follow = pl.col("offense", "yards_to_endzone").shift(-1).over("game_id").name.prefix("next_")
    plain = tables.snaps.with_columns(follow).filter(
        pl.col("kind").is_in(["pass", "run", "sack", "scramble"]),
        pl.col("down") < 4,
        pl.col("offense") == pl.col("next_offense"),
        ~pl.any_horizontal("penalty", "turnover", "touchdown"),
    )
    moved = pl.col("yards_to_endzone") - pl.col("yards") == pl.col("next_yards_to_endzone")
    # The rest: own fumbles, and halves that end between the two plays.
    assert plain.select(moved.mean()).item() > 0.99


def test_scores_never_fall_and_end_at_the_final_score(tables):
    at_home = pl.col("offense") == pl.col("home_team")
    home = pl.when(at_home).then("offense_score").otherwise("defense_score")
    away = pl.when(at_home).then("defense_score").otherwise("offense_score")
    snaps = tables.snaps.select("game_id", home=home, away=away).drop_nulls()
    steps = snaps.select(pl.col("home", "away").diff().over("game_id")).drop_nulls()
    assert steps.min_horizontal().min() == 0
    last = snaps.group_by("game_id", maintain_order=True).last().join(tables.games, on="game_id")
    left = last.select(
        home=pl.col("home_score") - pl.col("home"), away=pl.col("away_score") - pl.col("away")
    )
    assert left.min_horizontal().min() == 0
    assert left.max_horizontal().max() <= 8  # what the last play of a game can add


def test_null_where_it_does_not_apply(tables):
    other = tables.snaps.filter(~pl.col("kind").is_in(["pass", "spike"]))
    for name in ("air_yards", "receiver_id", "pass_depth", "complete", "interception"):
        assert other[name].null_count() == other.height
    scrimmage = ["pass", "spike", "sack", "run", "scramble", "kneel"]
    has_yards = tables.snaps.group_by("kind").agg(pl.col("yards").is_not_null().mean())
    assert dict(has_yards.rows()) == {
        kind: float(kind in scrimmage) for kind in has_yards["kind"].to_list()
    }


def test_a_second_load_is_the_same(tables, tmp_path):
    again = load_plays(seasons=[2012], cache=tmp_path, progress=False)
    assert again.passes.equals(tables.passes.filter(season=2012))
    assert again.snaps.equals(tables.snaps.filter(season=2012))


def test_attempts_of_each_season(tables):
    counts = tables.passes.filter(season_type="REG").group_by("season").len()
    assert dict(counts.rows()) == ATTEMPTS


def test_games_agree_with_the_reference(tables, reference_games):
    assert tables.games.equals(reference_games)


def test_passes_agree_with_the_reference(tables, reference):
    passes = tables.passes.drop("snap")
    assert passes.schema == reference.schema
    assert passes.select("game_id", "play_id").equals(reference.select("game_id", "play_id"))
    agreement = {
        name: (passes[name].eq_missing(reference[name])).mean() for name in reference.columns
    }
    for name, share in sorted(agreement.items(), key=lambda item: item[1]):
        print(f"{name:28s}{share:9.4%}")
    assert min(agreement.values()) > AGREEMENT
