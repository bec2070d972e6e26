"""Seasons of passers: hand-made games, and ten real seasons against a reference table."""

import polars as pl
import pytest

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.passer_seasons import passer_seasons


def throws(passer, game, count, *, caught=0, season=2017, team="OAK", name=None, kind="REG"):
    """Passes of one passer in one game, the first `caught` for 10 yards, the first for a score."""
    return [
        {
            "season": season,
            "season_type": kind,
            "game_id": game,
            "offense": team,
            "passer_id": passer,
            "passer_name": name or passer.upper(),
            "complete": i < caught,
            "yards_gained": 10 * (i < caught),
            "pass_touchdown": i < min(caught, 1),
            "interception": i == caught,
        }
        for i in range(count)
    ]


def sack(passer, yards, *, kind="sack", season_type="REG", season=2017):
    return {
        "season": season,
        "season_type": season_type,
        "kind": kind,
        "passer_id": passer,
        "yards": yards,
    }


def game(name, winner, *, season=2017, home="OAK", away="KC", kind="REG"):
    return {
        "game_id": name,
        "season": season,
        "season_type": kind,
        "home_team": home,
        "away_team": away,
        "winner": winner,
    }


PASSES = (
    throws("a", "g1", 5, caught=3)
    + throws("b", "g1", 5, caught=1)  # as many: the lower id has the game
    + throws("a", "g2", 2, caught=1, name="A.")
    + throws("b", "g2", 3)
    + throws("a", "g3", 8, caught=4, team="DAL", name="A.")
    + throws("a", "p1", 9, caught=9, team="DAL", kind="POST")
    + throws("c", "g1", 1, caught=1, team="KC")
    + throws("a", "g9", 4, caught=2, season=2018)
    + throws("d", "g2", 1, caught=1)
)
SNAPS = [
    sack("a", -7),
    sack("a", -4),
    sack("a", 0, kind="incomplete"),
    sack("a", -9, season_type="POST"),
    sack("e", -3),  # never threw
    sack("b", -1, season=2018),
]
GAMES = [
    game("g1", "OAK"),
    game("g2", "KC"),
    game("g3", "TIE", home="DAL"),
    game("g9", "OAK", season=2018),
    game("p1", "DAL", kind="POST", home="DAL", away="SEA"),
    *(game(f"p{i}", "SEA", kind="POST", home="NE", away="SEA") for i in range(2, 12)),
    *(game(f"q{i}", "OAK", kind="POST", season=2018, home="OAK") for i in range(10)),
]


def frames(passes=PASSES, snaps=SNAPS, games=GAMES):
    return pl.DataFrame(passes), pl.DataFrame(snaps), pl.DataFrame(games)


@pytest.fixture(scope="module")
def seasons():
    return passer_seasons(*frames())


def of(seasons, passer, season=2017):
    return seasons.filter(season=season, passer_id=passer).row(0, named=True)


def test_one_row_for_each_season_and_passer(seasons):
    who = [(2017, "a"), (2017, "b"), (2017, "c"), (2017, "d"), (2018, "a")]
    assert seasons.select("season", "passer_id").rows() == who


def test_all_attempts_of_the_regular_season_count(seasons):
    row = of(seasons, "a")
    assert (row["attempts"], row["completions"], row["yards"]) == (15, 8, 80)
    assert (row["touchdowns"], row["interceptions"]) == (3, 3)
    assert (row["passer_name"], row["teams"], row["team"]) == ("A.", "OAK/DAL", "DAL")


def test_sacks_are_those_of_the_regular_season_and_lose_yards(seasons):
    assert (of(seasons, "a")["sacks"], of(seasons, "a")["sack_yards"]) == (2, 11)
    assert (of(seasons, "b")["sacks"], of(seasons, "b")["sack_yards"]) == (0, 0)


def test_a_game_belongs_to_the_passer_with_most_attempts(seasons):
    """a: g1 by the lower id, won; g3, tied. b: g2, lost. d threw only beside them."""
    row = of(seasons, "a")
    assert (row["games_as_main"], row["wins"], row["win_percent"]) == (2, 1.5, 0.75)
    row = of(seasons, "b")
    assert (row["games_as_main"], row["wins"], row["win_percent"]) == (1, 0, 0)
    row = of(seasons, "d")
    assert (row["games_as_main"], row["wins"], row["win_percent"]) == (0, 0, None)


def test_playoffs_are_those_of_the_team_of_most_attempts(seasons):
    assert of(seasons, "a")["playoffs"] is True
    assert of(seasons, "b")["playoffs"] is False
    assert of(seasons, "a", 2018)["playoffs"] is None  # ten games are there, of eleven


def test_the_ratings_are_by_the_counts(seasons):
    """8 of 15 for 80 yards, 3 touchdowns and 3 picks: parts 7/6, 7/12, 2.375 and 0."""
    row = of(seasons, "a")
    assert row["passer_rating"] == pytest.approx(100 / 6 * (7 / 6 + 7 / 12 + 2.375))
    assert row["any_a"] == pytest.approx((80 + 60 - 135 - 11) / 17)


def test_equal_spellings_go_by_the_alphabet_and_equal_teams_by_play():
    passes = throws("a", "g2", 2, team="DAL", name="A.Z") + throws("a", "g1", 2, name="A.B")
    row = of(passer_seasons(*frames(passes)), "a")
    assert (row["passer_name"], row["teams"], row["team"]) == ("A.B", "OAK/DAL", "OAK")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"passes": [dict(row, season_type="POST") for row in PASSES]}, "regular season, got none"),
        ({"passes": [dict(PASSES[0], offense=None)]}, "passes: expected offense .* null in 1"),
        ({"games": GAMES[1:]}, "games: expected every game .* got none for g1"),
        ({"games": [{"game_id": "g1"}]}, "games: expected the columns season, .*winner"),
        ({"snaps": [{"season": 2017}]}, "snaps: expected the columns season_type, kind"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ScoringError, match=message):
        passer_seasons(*frames(**change))


def test_ten_real_seasons(shared_data):
    """Sacks are not in the reference tables; nothing that is checked here depends on them."""
    folder = shared_data / "passes"
    passes = pl.read_parquet(folder / "passes.parquet")
    games = pl.read_parquet(folder / "games.parquet")
    no_sacks = pl.DataFrame(SNAPS).clear().cast({"season": pl.Int16})
    seasons = passer_seasons(passes, no_sacks, games)
    assert seasons.group_by("season").agg(pl.col("games_as_main", "wins").sum()).sort(
        "season"
    ).rows() == [(season, 512, 256.0) for season in range(2009, 2019)]
    reference = pl.read_csv(folder / "passer_rating_season.csv").filter(season_type="REG")
    keys = ["season", "passer_id"]
    counts = ["passer_name", "attempts", "completions", "yards", "touchdowns", "interceptions"]
    assert (
        seasons.select(*keys, *counts).rows() == reference.sort(keys).select(*keys, *counts).rows()
    )
    qualified = seasons.filter(pl.col("attempts") >= 224, pl.col("games_as_main") >= 8)
    assert len(qualified) == 311
    linked = qualified.select(pl.corr("passer_rating", "win_percent")).item()
    assert linked == pytest.approx(0.632, abs=0.0005)
    brady = qualified.filter(season=2016, passer_name="T.Brady").row(0, named=True)
    assert (brady["games_as_main"], brady["wins"], brady["playoffs"]) == (12, 11, True)
