"""Ratings of groups: the scale, ranks, what is counted, and what is refused."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.ratings import MIN_ATTEMPTS, ScoringError, rate, render_ratings, scored_plays
from tests.nfl.ratings.rated_plays import frame, sacks, throws

THREE = frame(
    throws("a", "g1", [4.0, 3.0]),
    throws("a", "g2", [2.0, 1.0], team="SF", name="A."),
    throws("b", "g1", [0.0, 0.1, -1.0], complete=False),
    throws("a", "g3", [3.0, 2.0], team="SF", name="A.", complete=False),
    throws("c", "g2", [-4.0, -2.0, -3.0]),
    throws("d", "g2", [5.0, 5.0]),
)


def league(seed=0, seasons=(2016, 2017, 2018), passers=12, games=6, plays=10):
    """Passers of differing quality, some plays of more weight than others."""
    rng = np.random.default_rng(seed)
    return frame(
        *(
            throws(f"p{i:02}", f"{season}{game:02}", rng.normal(skill, 2, plays), season=season)
            for season in seasons
            for i, skill in enumerate(rng.normal(0, 1, passers))
            for game in range(games)
        )
    ).with_columns(leverage=pl.Series(rng.uniform(0.5, 2, len(seasons) * passers * games * plays)))


@pytest.fixture(scope="module")
def ratings():
    return rate(THREE, "passer", min_attempts=3)


@pytest.fixture(scope="module")
def seasons():
    return rate(league())


def column(ratings, name):
    return dict(zip(ratings.table["passer_id"], ratings.table[name], strict=True))


def test_ranks_the_qualified_and_lists_the_others_after(ratings):
    assert ratings.table["passer_id"].to_list() == ["a", "b", "c", "d"]
    assert ratings.table["rank"].to_list() == [1, 2, 3, None]
    assert ratings.qualified["passer_id"].to_list() == ["a", "b", "c"]
    assert ratings.table["attempts"].to_list() == [6, 3, 3, 2]
    assert (ratings.unqualified, ratings.plays, ratings.left_out) == (1, 14, 0)


def test_an_attempt_less_than_asked_for_does_not_qualify():
    assert rate(THREE, "passer", min_attempts=2).unqualified == 0
    assert rate(THREE, "passer", min_attempts=4).qualified["passer_id"].to_list() == ["a"]
    assert MIN_ATTEMPTS == 14 * 16


@pytest.mark.parametrize("by", ["season, passer", "passer, season", "season, passer, game"])
def test_every_level_has_the_stated_mean_and_spread_of_its_own(by):
    table = rate(league(), by).table
    assert table.select(pl.col("score").is_between(50, 99, closed="none").all()).item()
    assert table["score"].mean() == pytest.approx(85.7)
    assert table["score"].std() == pytest.approx(4.7)


def test_the_unqualified_have_no_part_in_the_scale_but_go_through_it(ratings):
    values = np.array(ratings.table["value"])
    centre, spread = values[:3].mean(), values[:3].std(ddof=1)
    np.testing.assert_allclose(
        ratings.table["score"], np.clip(85.7 + 4.7 * (values - centre) / spread, 50, 99)
    )
    assert column(ratings, "score")["d"] > column(ratings, "score")["a"]


def test_the_interval_goes_through_the_scale(seasons):
    table = seasons.table.filter(pl.col("score_high") < 99, pl.col("score_low") > 50)
    assert table.height > 10
    half = 1.96 * 4.7 * table["value_error"] / seasons.table["value"].std()
    np.testing.assert_allclose(table["score_high"] - table["score"], half)
    np.testing.assert_allclose(table["score"] - table["score_low"], half)


def test_values_lie_between_the_group_and_its_parent_and_own_scores_are_drawn_nowhere(seasons):
    table = seasons.table.sort("mean")
    assert seasons.level_variances["passer_id"] > 0
    assert table["value"].std() < table["mean"].std()
    # All have as many plays in a season, but of differing weight.
    high, low = table.row(-1, named=True), table.row(0, named=True)
    assert high["value"] < high["mean"]
    assert low["value"] > low["mean"]
    assert high["own_score"] >= high["score"]
    assert low["own_score"] <= low["score"]


def test_the_scale_ends_at_50_and_99():
    rows = [throws(f"p{i:02}", f"g{i}", [0.001 * i, 0.001 * i + 1e-4]) for i in range(40)]
    found = rate(
        frame(*rows, throws("best", "g", [9.0, 9.1]), throws("worst", "h", [-9.0, -9.1])), "passer"
    )
    assert column(found, "score")["best"] == 99
    once = rate(frame(*rows, throws("once", "g", [-9.0])), "passer", min_attempts=2)
    assert column(once, "score")["once"] == 50
    assert column(once, "score_low")["once"] == 50


def test_equal_groups_share_the_better_rank():
    given = {"p": [1.0, 2.0], "q": [5.0, 6.0], "r": [5.0, 6.0], "s": [0.0, 1.0]}
    found = rate(frame(*(throws(who, f"g{who}", given[who]) for who in given)), "passer")
    assert found.table["passer_id"].to_list() == ["q", "r", "p", "s"]
    assert found.table["rank"].to_list() == [1, 1, 3, 4]


def test_one_qualified_group_makes_no_scale():
    found = rate(THREE, "passer", min_attempts=6)
    assert found.table["rank"].to_list() == [1, None, None, None]
    for name in ("score", "score_low", "score_high", "own_score"):
        assert found.table[name].null_count() == 4
    assert "   -  " in render_ratings(found)


def test_equal_groups_are_all_average():
    same = [throws(x, f"g{x}", [1.0, 2.0, 3.0]) for x in "abc"]
    found = rate(frame(*same), "passer")
    assert found.table["score"].to_list() == [85.7] * 3
    assert found.table["score_low"].null_count() == 3
    assert "no more than chance explains" in render_ratings(found)


def test_what_stands_beside_for_orientation(ratings):
    row = ratings.table.row(0, named=True)
    assert row["passer_name"] == "A."  # four times of six
    assert row["teams"] == "KC/SF"
    assert row["games"] == 3
    assert row["completion_percent"] == pytest.approx(100 * 4 / 6)
    assert (row["yards"], row["touchdowns"], row["interceptions"]) == (28, 2, 1)
    assert row["mean_play_score"] == pytest.approx(0.5 + 2.5 / 10)
    assert "passer_name" not in rate(THREE, "offense").table.columns


def test_one_name_of_two_players_stays_two():
    plays = frame(
        throws("x1", "g1", [1.0], name="A.Smith"), throws("x2", "g1", [2.0], name="A.Smith")
    )
    assert rate(plays, "passer").table["passer_id"].to_list() == ["x2", "x1"]


@pytest.mark.parametrize("by", ["season, passer", "passer, down", "game"])
def test_the_order_of_the_plays_does_not_matter(by):
    plays = league()
    found, shuffled = rate(plays, by), rate(plays.sample(fraction=1.0, shuffle=True, seed=1), by)
    other = found.table.select(pl.selectors.float())
    np.testing.assert_allclose(
        shuffled.table.select(pl.selectors.float()).to_numpy(), other.to_numpy(), rtol=1e-9
    )
    exact = pl.exclude(other.columns)
    assert shuffled.table.select(exact).equals(found.table.select(exact))


def test_leverage_weighs_the_mean_unless_told_not_to():
    """Plays of 3 and 0 with weights 2 and 1: 2, or 1.5."""
    plays = frame(
        throws("a", "g1", [3.0], leverage=2.0),
        throws("a", "g1", [0.0], leverage=1.0),
        throws("b", "g2", [0.0, 1.0]),
    )
    assert column(rate(plays, "passer"), "mean")["a"] == pytest.approx(2)
    assert column(rate(plays, "passer", by_leverage=False), "mean")["a"] == pytest.approx(1.5)


SACKED = frame(
    throws("a", "g1", [1.0, 2.0, 1.5]),
    throws("b", "g1", [1.0, 2.0, 1.6]),
    sacks("a", "g1", [-6.0, -5.0]),
).with_columns(throw_score=pl.col("throw_score") / 2)


def test_sacks_are_rated_and_counted_but_are_no_attempts():
    found = rate(SACKED, "passer")
    assert (found.part, found.plays) == ("dropback", 8)
    assert column(found, "attempts") == {"a": 3, "b": 3}
    assert column(found, "sacks") == {"a": 2, "b": 0}
    assert column(found, "mean")["a"] == pytest.approx((4.5 - 11) / 5)
    assert column(found, "completion_percent") == {"a": 100, "b": 100}
    assert column(found, "passer_name") == {"a": "A", "b": "B"}
    assert rate(SACKED, "passer", min_attempts=4).qualified.is_empty()


@pytest.mark.parametrize(
    ("by", "where", "part"),
    [
        ("passer", None, "dropback"),
        ("passer, down", None, "dropback"),
        ("passer", "down = 1", "dropback"),
        ("passer", "sack", "dropback"),
        ("passer, air_yards > 3 AS far", None, "throw"),
        ("passer", "air_yards > 3", "throw"),
        ("passer", "complete", "throw"),
        ("passer", "NOT sack", "throw"),
        ("passer, depth", None, "throw"),
    ],
)
def test_a_split_by_what_sacks_lack_is_of_throws(by, where, part):
    plays = SACKED.with_columns(season_type=pl.lit("REG"))
    assert rate(plays, by, where=where).part == part


def test_the_part_can_be_chosen():
    found = rate(SACKED, "passer", part="throw")
    assert (found.part, found.plays) == ("throw", 6)
    assert column(found, "mean")["a"] == pytest.approx(4.5 / 3 / 2)
    assert column(found, "sacks") == {"a": 0, "b": 0}
    with pytest.raises(ScoringError, match="part: expected throws, got sacks alone"):
        rate(SACKED, "passer", where="sack", part="throw")


def test_variances_of_all_levels_are_told(seasons):
    assert list(seasons.level_variances) == ["season", "passer_id", "game_id"]
    # Normal draws with standard deviation 2, of weights whose squares have mean 1.75, mean 1.25.
    error = 4 * np.sqrt(2 / 1944 * 1.75 / 1.25**2)
    assert seasons.play_variance == pytest.approx(4, abs=3 * error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop("offense", "complete"), "none of the columns offense, complete$"),
        (lambda t: t.clear(), "at least one, got an empty set"),
        (
            lambda t: t.with_columns(standard_score=pl.lit(float("nan"))),
            "finite numbers in standard_score, got nan in 14 rows",
        ),
        (
            lambda t: t.with_columns(
                throw_score=pl.when(pl.col("throw_score") < 5).then("throw_score")
            ),
            "finite numbers in throw_score, got None in 2 rows",
        ),
        (
            lambda t: t.with_columns(leverage=pl.when(passer_id="d").then(0.0).otherwise(1.0)),
            "finite numbers above 0 in leverage, got 0.0 in 2 rows",
        ),
    ],
)
def test_bad_plays_are_named(change, message):
    with pytest.raises(ScoringError, match=message):
        rate(change(THREE), "passer")


@pytest.mark.parametrize("name", ["value", "attempts", "score", "weight", "teams"])
def test_a_group_called_as_a_column_of_the_table_is_refused(name):
    with pytest.raises(ScoringError, match=f"names that ratings have not got, got {name};"):
        rate(THREE, f"passer, down AS {name}")


def test_the_table_shows_both_ends_and_counts_the_rest():
    rows = [throws(f"p{i}", f"g{i}", [i, i + 0.1, i - 0.1]) for i in range(9)]
    found = rate(frame(*rows, throws("q", "g", [1.0])), "season, passer", min_attempts=3)
    lines = render_ratings(found, count=2, title="Mine").splitlines()
    assert lines[0].startswith("Mine: 9 qualified, 1 more with too few attempts;")
    assert max(map(len, lines)) <= 110
    at = lines.index("")
    head = lines[at + 1].split()
    assert head[:6] == ["rank", "passer", "team", "score", "95", "%"]  # one season: not shown
    shown = [line.split()[:3] for line in lines[at + 2 :]]
    assert shown == [
        ["1", "P8", "KC"],
        ["2", "P7", "KC"],
        ["..."],
        ["8", "P1", "KC"],
        ["9", "P0", "KC"],
    ]
    assert len({len(line) for line in lines[at + 1 :] if "..." not in line}) == 1
    whole = render_ratings(found).splitlines()
    assert len(whole) == at + 2 + 9
    first = found.table.row(0, named=True)
    cells = whole[at + 2].split()
    assert cells[3:5] == [
        f"{first['score']:.1f}",
        f"{first['score_low']:.1f}-{first['score_high']:.1f}",
    ]
    assert cells[5:] == ["+8.000", f"{first['standard_error']:.3f}", "3", "100.0", "21", "1", "0"]


def test_the_table_names_what_tells_groups_apart_in_at_most_110_columns():
    text = render_ratings(rate(league(), "season, passer, down"))
    head = next(line for line in text.splitlines() if line.startswith("rank"))
    assert head.split()[:5] == ["rank", "passer", "team", "season", "down"]
    assert max(map(len, text.splitlines())) <= 110
    teams = render_ratings(rate(THREE, "offense, sack"))
    assert "passer" not in next(line for line in teams.splitlines() if line.startswith("rank"))


def test_groups_of_sacks_alone_can_be_shown():
    assert "sacks" in rate(SACKED, "passer", where="sack").table.columns
    text = render_ratings(rate(SACKED, "passer, sack", min_attempts=0))
    assert text.splitlines()[-1].split()[-5:] == ["0", "-", "0", "0", "0"]


def test_without_a_qualified_group_there_is_no_table():
    with pytest.raises(ScoringError, match="enough attempts, got none: all 4 have fewer"):
        render_ratings(rate(THREE, "passer", min_attempts=100))


def test_real_totals_agree_with_the_public_record(shared_data):
    """Mahomes 2018, Ryan 2016, Brees 2011: yards and touchdowns, all of them on targeted throws."""
    passes = pl.read_parquet(shared_data / "passes" / "passes.parquet").filter(
        (pl.col("season_type") == "REG") & pl.col("targeted") & ~pl.col("spike")
    )
    gained = passes["yards_gained"].cast(pl.Float64)
    share = gained.rank("average").to_numpy() / (passes.height + 1)
    plays = scored_plays(
        passes,
        outcome=gained.to_numpy(),
        expected=np.zeros(passes.height),
        pit_lower=share,
        pit_upper=share,
    )
    found = rate(plays, min_attempts=MIN_ATTEMPTS).table
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
        assert 30 <= rows.height <= 36, year


def test_the_same_plays_are_rated_the_same_to_the_last_digit():
    """Sums in the order in which groups happen to be found differ from one call to the next."""
    plays = league(seasons=tuple(range(2000, 2030)), passers=60, games=6, plays=4)
    first = rate(plays, min_attempts=MIN_ATTEMPTS)
    for _ in range(4):
        again = rate(plays, min_attempts=MIN_ATTEMPTS)
        assert again.table.equals(first.table)
        assert again.level_variances == first.level_variances
