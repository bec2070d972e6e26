"""Ratings by others: files of any layout, names and teams spelled otherwise, and real ones."""

import polars as pl
import pytest

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.passer_seasons import passer_seasons
from sbp_jax.nfl.rivals.join_ratings import join_ratings
from sbp_jax.nfl.rivals.other_ratings import read_ratings
from sbp_jax.nfl.rivals.player_names import name_key
from sbp_jax.nfl.rivals.team_codes import code_of_the_time

HEADER = "year,kind,player,club,points\n"
COLUMNS = {"name": "player", "rating": "points", "team": "club", "season": "year"}


def read(folder, text, **given):
    path = folder / "others.csv"
    path.write_text(text)
    return read_ratings(path, **{**COLUMNS, **given})


def ours(*rows):
    return pl.DataFrame(
        [(2018, *row) if len(row) == 2 else row for row in rows],
        schema={"season": pl.Int16, "passer_name": pl.String, "team": pl.String},
        orient="row",
    )


def theirs(*rows):
    return pl.DataFrame(
        [(i, 2018, *row) for i, row in enumerate(rows, 1)],
        schema={
            "row": pl.Int64,
            "season": pl.Int64,
            "name": pl.String,
            "team": pl.String,
            "rating": pl.Float64,
        },
        orient="row",
    )


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("P.Mahomes", "p mahomes"),
        ("Patrick Mahomes", "p mahomes"),
        ("P. Mahomes II", "p mahomes"),
        ("Patrick Mahomes, II", "p mahomes"),
        ("AJ McCarron", "a mccarron"),
        ("A.J. McCarron", "a mccarron"),
        ("A. J. McCarron", "a mccarron"),
        ("J.O'Sullivan", "j osullivan"),
        ("J.T. O\u2019Sullivan", "j osullivan"),
        ("M.Jones-Drew", "m jonesdrew"),
        ("Brian St. Pierre", "b stpierre"),
        ("B.St. Pierre (3rd QB)", "b stpierre"),
        ("Odell Beckham Jr.", "o beckham"),
        ("Terrelle Pryor Sr", "t pryor"),
        ("Sh.Hill", "s hill"),
        ("Ryan", "ryan"),
        ("Michael Vick", "m vick"),
        ("D.Ivy", "d ivy"),
    ],
)
def test_spellings_of_a_name_have_one_key(name, key):
    assert pl.DataFrame({"name": [name]}).select(name_key(pl.col("name"))).item() == key


@pytest.mark.parametrize(
    ("code", "season", "expected"),
    [
        ("WSH", 2010, "WAS"),
        ("jac", 2010, "JAX"),
        ("JAX", 2010, "JAX"),
        ("LAR", 2015, "STL"),
        ("STL", 2016, "LA"),
        ("LA", 2012, "STL"),
        ("LAC", 2016, "SD"),
        ("SDG", 2017, "LAC"),
        ("LV", 2018, "OAK"),
        ("OAK", 2020, "LV"),
        ("XYZ", 2018, "XYZ"),
    ],
)
def test_teams_have_the_code_of_their_time(code, season, expected):
    frame = pl.DataFrame({"team": [code], "season": [season]})
    assert frame.select(code_of_the_time(pl.col("team"), pl.col("season"))).item() == expected


def test_rows_are_picked_by_a_condition_and_keep_their_number(tmp_path):
    text = HEADER + "2018,P,Jared Goff,LAR,9\n2018,R, Jared Goff ,LAR,60.5\n2018,R,Tom Brady,,\n"
    found = read(tmp_path, text, where="kind = 'R' AND points > 10")
    assert found.rows() == [(2, 2018, "Jared Goff", "LA", 60.5)]
    without_team = read(tmp_path, text, where="points > 10", team=None)
    assert without_team.rows() == [(2, 2018, "Jared Goff", None, 60.5)]


GOOD = HEADER + "2018,R,Jared Goff,LAR,60\n"


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (GOOD, {"name": "who"}, "expected a column 'who', got year, kind, player, club, points"),
        (GOOD, {"team": "side"}, "expected a column 'side'"),
        (GOOD, {"season": "season"}, "expected a column 'season'"),
        (
            GOOD + "2018,R,Tom Brady,NE,good\n",
            {},
            "points: expected a finite number, got 'good' in",
        ),
        (
            GOOD + "2018,R,Tom Brady,NE,\n",
            {},
            "points: expected a finite number, got none in row 2",
        ),
        (GOOD + "2018,R,Tom Brady,NE,inf\n", {}, "points: .* got inf in row 2"),
        (
            GOOD + "2018.5,R,Tom Brady,NE,7\n",
            {},
            "year: expected a whole number, got 2018.5 in row 2",
        ),
        (GOOD + "2018,R,,NE,7\n", {}, "player: expected a name, got none in row 2"),
        (GOOD, {"where": "kind = 'P'"}, "expected at least one row where kind = 'P', got none"),
        (GOOD, {"where": "kind = = 'P'"}, "where: expected an SQL condition, got \"kind = = 'P'\""),
        (GOOD, {"where": "type = 'P'"}, "where: expected an SQL condition, got .*type"),
        (HEADER, {}, "expected at least one row, got none"),
        ("", {}, "cannot be read as CSV"),
        (
            GOOD + "2018,R,Tom Brady,NE,7\n2018,P,Jared Goff,LA,61\n",
            {},
            r"one row for each season, name and team, got 'Jared Goff' \(LA\) of 2018 in rows 1, 3",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, text, given, message):
    with pytest.raises(ScoringError, match=message) as raised:
        read(tmp_path, text, **given)
    assert "others.csv" in str(raised.value) or "where:" in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ScoringError, match=r"nothing\.csv: expected a CSV file, got none"):
        read_ratings(tmp_path / "nothing.csv", **COLUMNS)
    with pytest.raises(ScoringError, match="expected a CSV file, got a folder"):
        read_ratings(tmp_path, **COLUMNS)


def test_rows_keep_their_order_and_each_side_is_counted():
    passers = ours(("T.Brady", "NE"), ("J.Goff", "LA"), ("N.Foles", "PHI"), ("A.Smith", "WAS"))
    found = theirs(("Nick Foles", "PHI", 3.0), ("Jared Goff", "LA", 2.0), ("B. Kern", "TEN", 9.0))
    joined, report = join_ratings(passers, found)
    assert joined.drop("rating").equals(passers)
    assert joined["rating"].to_list() == [None, 2.0, 3.0, None]
    assert (report.matched, report.other_team) == (2, ())
    assert report.without_rating == ("2018 T.Brady NE", "2018 A.Smith WAS")
    assert report.without_passer == ("2018 B. Kern TEN",)


def test_a_name_that_stands_once_is_matched_whatever_the_team():
    joined, report = join_ratings(ours(("K.Orton", "DEN")), theirs(("Kyle Orton", "KC", 5.0)))
    assert joined["rating"].to_list() == [5.0]
    assert report.other_team == ("2018 Kyle Orton KC",)
    joined, report = join_ratings(ours(("K.Orton", "DEN")), theirs(("Kyle Orton", None, 5.0)))
    assert (joined["rating"].to_list(), report.other_team) == ([5.0], ())


def test_a_name_that_stands_twice_is_matched_by_the_team_only():
    passers = ours(("M.Moore", "CAR"), ("M.Moore", "PIT"))
    found = theirs(("Mewelde Moore", "PIT", 1.0), ("Matt Moore", "CAR", 2.0))
    assert join_ratings(passers, found)[0]["rating"].to_list() == [2.0, 1.0]
    joined, report = join_ratings(passers, theirs(("Matt Moore", "MIA", 2.0)))
    assert joined["rating"].to_list() == [None, None]
    assert report.without_passer == ("2018 Matt Moore MIA",)
    # A passer listed once for each of his teams has the rating of the one he threw most for.
    joined, report = join_ratings(ours(("K.Orton", "DEN")), theirs(*KYLE))
    assert (joined["rating"].to_list(), report.without_passer) == ([6.0], ("2018 Kyle Orton KC",))


KYLE = (("Kyle Orton", "KC", 5.0), ("Kyle Orton", "DEN", 6.0))


def test_seasons_do_not_mix():
    passers = ours((2017, "T.Brady", "NE"), (2018, "T.Brady", "NE"))
    assert join_ratings(passers, theirs(("T. Brady", "NE", 1.0)))[0]["rating"].to_list() == [
        None,
        1,
    ]


@pytest.mark.parametrize(
    ("passers", "found", "message"),
    [
        (
            [("M.Moore", "CAR"), ("M.Moore", "PIT")],
            [("Matt Moore", None, 1.0)],
            "the name 'm moore' of 2018 for 2 passers and in rows 1, and the teams do not",
        ),
        (
            [("M.Moore", "CAR")],
            [("Matt Moore", "CAR", 1.0), ("Mike Moore", "CAR", 2.0)],
            "for 1 passers and in rows 1, 2",
        ),
        (
            [("M.Moore", "CAR"), ("M.Moore", "CAR")],
            [("Matt Moore", "CAR", 1.0)],
            "for 2 passers and in rows 1",
        ),
    ],
)
def test_what_the_team_cannot_tell_is_refused(passers, found, message):
    with pytest.raises(ScoringError, match=message):
        join_ratings(ours(*passers), theirs(*found))


def test_aliases_are_for_players_who_changed_their_names():
    passers, found = ours(("C.Ochocinco", "CIN")), theirs(("Chad Johnson", "CIN", 4.0))
    assert join_ratings(passers, found)[1].matched == 0
    joined, _ = join_ratings(passers, found, aliases={"Chad Johnson": "C.Ochocinco"})
    assert joined["rating"].to_list() == [4.0]


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(ScoringError, match="passer_seasons: expected the columns team, which are"):
        join_ratings(ours().drop("team"), theirs())
    with pytest.raises(ScoringError, match="ratings: expected the columns row, rating, which are"):
        join_ratings(ours(), theirs().drop("row", "rating"))
    with pytest.raises(ScoringError, match="passer_seasons: expected no column rating yet"):
        join_ratings(ours().with_columns(rating=1.0), theirs())


def test_the_report_shows_three_of_each():
    passers = ours(("A.A", "NE"), ("B.B", "NE"), ("C.C", "NE"), ("D.D", "NE"), ("E.E", "KC"))
    report = join_ratings(passers, theirs(("Ed E", "LA", 4.0)))[1]
    assert str(report).splitlines() == [
        "1 passers have a rating",
        "1 of them with another team: 2018 Ed E LA",
        "4 passers without a rating: 2018 A.A NE, 2018 B.B NE, 2018 C.C NE, ...",
        "0 ratings without a passer",
    ]


def test_real_ratings_find_their_passers(shared_data):
    """Of 311 passer-seasons, 7 are not in the file at all; one passer had changed teams."""
    folder = shared_data / "passes"
    no_sacks = pl.DataFrame(
        schema={
            "season": pl.Int16,
            "season_type": pl.String,
            "kind": pl.String,
            "passer_id": pl.String,
            "yards": pl.Int8,
        }
    )
    passes, games = (pl.read_parquet(folder / f"{x}.parquet") for x in ("passes", "games"))
    passers = passer_seasons(passes, no_sacks, games)
    qualified = passers.filter(pl.col("attempts") >= 224, pl.col("games_as_main") >= 8)
    ratings = read_ratings(
        folder / "qbr_season.csv",
        name="name_display",
        rating="qbr_total",
        team="team_abb",
        where="season_type = 'Regular'",
    )
    joined, report = join_ratings(qualified, ratings)
    assert report.matched == 304
    assert report.other_team == ("2011 Kyle Orton KC",)
    assert len(report.without_passer) == len(ratings) - 304
    # None of the seven has a row under any name with his last name in that season.
    last = ratings.select("season", last=pl.col("name").str.split(" ").list.get(1))
    for name in report.without_rating:
        season, passer, _ = name.split(" ")
        assert (int(season), passer.split(".")[1]) not in last.rows()
    linked = joined.filter(pl.col("rating").is_not_null()).select(pl.corr("rating", "win_percent"))
    assert linked.item() == pytest.approx(0.69, abs=0.005)
