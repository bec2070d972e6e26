import numpy as np
import polars as pl
import pytest

from sbp_jax.evaluation import clustered_mean
from sbp_jax.scoring import ScoringError, play_scores, rate_passers, render_ranking, standardise


def throws(passer, game, scores, *, season=2018, name=None, team="KC", complete=True):
    """Passes of one passer in one game, with their scores."""
    return [
        {
            "season": season,
            "game_id": game,
            "passer_id": passer,
            "passer_name": name or passer.upper(),
            "offense": team,
            "complete": complete,
            "yards_gained": 7 * complete,
            "pass_touchdown": complete and i == 0,
            "interception": not complete and i == 0,
            "score": score,
        }
        for i, score in enumerate(scores)
    ]


def split(rows):
    frame = pl.DataFrame(rows)
    return frame.drop("score"), frame["score"].to_numpy()


THREE = (
    throws("a", "g1", [0.9, 0.8])
    + throws("a", "g2", [0.7, 0.6], team="SF", name="A.")
    + throws("b", "g1", [0.5, 0.5, 0.4], complete=False)
    + throws("a", "g3", [0.8, 0.7], team="SF", name="A.", complete=False)
    + throws("c", "g2", [0.1, 0.3, 0.5])
    + throws("d", "g2", [1.0, 1.0])
)


@pytest.fixture(scope="module")
def ratings():
    return rate_passers(*split(THREE), min_attempts=3)


def column(ratings, name):
    return dict(zip(ratings["passer_id"], ratings[name], strict=True))


def test_ranks_the_qualified_and_lists_the_others_after(ratings):
    assert ratings["passer_id"].to_list() == ["a", "b", "c", "d"]
    assert ratings["rank"].to_list() == [1, 2, 3, None]
    assert ratings["qualified"].to_list() == [True, True, True, False]
    assert ratings["attempts"].to_list() == [6, 3, 3, 2]


def test_the_scale_is_linear_in_the_mean_among_the_qualified(ratings):
    """Means of a, b, c are .75, .4667, .3; standardising the plays first changes no score."""
    means = np.array([0.75, 1.4 / 3, 0.3])
    expected = 85.7 + 4.7 * (means - means.mean()) / means.std(ddof=1)
    np.testing.assert_allclose(ratings["scaled_score"][:3], expected)
    np.testing.assert_allclose(ratings["mean_score"][:3], means)
    outside = 85.7 + 4.7 * (1.0 - means.mean()) / means.std(ddof=1)
    assert column(ratings, "scaled_score")["d"] == pytest.approx(outside)


def test_standard_errors_are_by_games_and_go_through_the_scale(ratings):
    passes, scores = split(THREE)
    mine = (passes["passer_id"] == "a").to_numpy()
    standard = standardise(scores, passes["season"].to_numpy())
    expected = clustered_mean(standard[mine], passes["game_id"].to_numpy()[mine])
    row = ratings.row(0, named=True)
    assert row["standardised"] == pytest.approx(expected.mean)
    assert row["standard_error"] == pytest.approx(expected.standard_error)
    means = ratings["standardised"].to_numpy()[:3]
    half = 1.96 * 4.7 * expected.standard_error / means.std(ddof=1)
    assert row["scaled_high"] - row["scaled_score"] == pytest.approx(half)
    assert row["scaled_score"] - row["scaled_low"] == pytest.approx(half)
    # A single game tells nothing of how games differ.
    assert column(ratings, "standard_error")["b"] is None
    assert column(ratings, "scaled_low")["b"] is None


def test_what_stands_beside_for_orientation(ratings):
    row = ratings.row(0, named=True)
    assert row["passer_name"] == "A."  # four times of six
    assert row["teams"] == "KC/SF"
    assert row["games"] == 3
    assert row["completion_percent"] == pytest.approx(100 * 4 / 6)
    assert (row["yards"], row["touchdowns"], row["interceptions"]) == (28, 2, 1)


def test_one_name_of_two_players_stays_two():
    rows = throws("x1", "g1", [0.5], name="A.Smith") + throws("x2", "g1", [0.6], name="A.Smith")
    found = rate_passers(*split(rows), min_attempts=1)
    assert found["passer_id"].to_list() == ["x2", "x1"]


def test_equal_passers_share_the_better_rank():
    rows = [
        row
        for passer, score in zip("pqrs", [0.2, 0.6, 0.6, 0.1], strict=True)
        for row in throws(passer, "g1", [score] * 2)
    ]
    found = rate_passers(*split(rows), min_attempts=1)
    assert found["passer_id"].to_list() == ["q", "r", "p", "s"]
    assert found["rank"].to_list() == [1, 1, 3, 4]


def test_seasons_do_not_mix():
    other = throws("a", "g9", [0.1] * 3, season=2017) + throws("b", "g9", [0.2] * 3, season=2017)
    found = rate_passers(*split(other + THREE), min_attempts=3)
    assert found["season"].to_list() == [2017] * 2 + [2018] * 4
    assert found["passer_id"].to_list()[:2] == ["b", "a"]
    alone = rate_passers(*split(THREE), min_attempts=3)
    assert found.filter(season=2018).drop("season").equals(alone.drop("season"))


def test_the_scale_ends_at_50_and_99():
    rows = [row for i in range(30) for row in throws(f"p{i:02}", "g1", [0.5 + 1e-4 * i])]
    rows += throws("best", "g1", [1.0]) + throws("worst", "g1", [0.0])
    found = column(rate_passers(*split(rows), min_attempts=1), "scaled_score")
    assert found["best"] == 99
    assert 50 <= found["worst"] < 70
    unqualified = throws("once", "g1", [0.0]) + [
        row for i in range(9) for row in throws(f"p{i}", "g1", [0.5 + 1e-3 * i] * 2)
    ]
    assert column(rate_passers(*split(unqualified), min_attempts=2), "scaled_score")["once"] == 50


def test_without_a_spread_of_qualified_passers_there_is_no_scale():
    one = rate_passers(*split(THREE), min_attempts=6)
    assert one["rank"].to_list() == [1, None, None, None]
    assert one["scaled_score"].null_count() == 4
    same = throws("a", "g1", [0.5]) + throws("b", "g1", [0.5])
    assert rate_passers(*split(same), min_attempts=1)["scaled_score"].to_list() == [85.7, 85.7]


def test_the_table_shows_both_ends(ratings):
    rows = [row for i in range(9) for row in throws(f"p{i}", "g1", [0.1 * i] * 3)]
    text = render_ranking(rate_passers(*split(rows), min_attempts=3), 2018, count=2)
    lines = text.splitlines()
    assert "9 qualified" in lines[0]
    shown = [line.split()[:2] for line in lines[4:]]
    assert shown == [["1", "P8"], ["2", "P7"], ["..."], ["8", "P1"], ["9", "P0"]]
    assert max(map(len, lines)) <= 100
    whole = render_ranking(ratings, 2018).splitlines()
    assert len(whole) == 4 + 3
    assert len({len(line) for line in whole[3:]}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, s: (p.drop("offense", "complete"), s), "columns offense, complete, which"),
        (lambda p, s: (p, s[1:]), r"one for each of 14 passes, got shape \(13,\)"),
        (lambda p, s: (p.clear(), s[:0]), "empty set"),
        (lambda p, s: (p, np.where(s == 0.1, np.nan, s)), "got nan in row 9"),
        (
            lambda p, s: (p.with_columns(passer_id=pl.lit(None, pl.String)), s),
            "expected passer_id in every row, got null in 14",
        ),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ScoringError, match=message):
        rate_passers(*change(*split(THREE)))


def test_a_season_without_qualified_passers_has_no_table(ratings):
    with pytest.raises(ScoringError, match="season 2017: expected qualified passers"):
        render_ranking(ratings, 2017)


def test_real_totals_agree_with_the_public_record(shared_data):
    """Mahomes 2018, Ryan 2016, Brees 2011: yards and touchdowns, all of them on targeted throws."""
    passes = pl.read_parquet(shared_data / "passes" / "passes.parquet").filter(
        (pl.col("season_type") == "REG") & pl.col("targeted") & ~pl.col("spike")
    )
    scores = passes["yards_gained"].rank("average").to_numpy() / (passes.height + 1)
    found = rate_passers(passes, play_scores(scores, scores))
    record = [
        (2018, "P.Mahomes", "KC", 5097, 50),
        (2016, "M.Ryan", "ATL", 4944, 38),
        (2011, "D.Brees", "NO", 5476, 46),
    ]
    for season, name, team, yards, touchdowns in record:
        row = found.row(
            by_predicate=(pl.col("season") == season) & (pl.col("yards") == yards), named=True
        )
        assert (row["passer_name"], row["teams"], row["touchdowns"]) == (name, team, touchdowns)
    for year, rows in found.filter("qualified").partition_by("season", as_dict=True).items():
        scaled = rows["scaled_score"].to_numpy()
        assert 30 <= rows.height <= 36, year
        # The published scale: the best 92 to 99, the eighth 88 to 91, within 3.
        assert 89 <= scaled[0] <= 99, year
        assert 85 <= scaled[7] <= 94, year
        assert scaled.mean() == pytest.approx(85.7, abs=0.5), year
