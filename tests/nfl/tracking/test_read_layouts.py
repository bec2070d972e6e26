"""Every layout, in every file format, gives the plays that were written."""

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.tracking.check_frames import check_frames
from sbp_jax.nfl.tracking.play_frames import NOBODY, Role
from sbp_jax.nfl.tracking.reading import open_folder, plays_without_tracking, read_tracking_file
from sbp_jax.nfl.tracking.sources import Layout
from sbp_jax.nfl.tracking.tables import DROP_COLUMNS, PLAY_COLUMNS

from .small_reading import assert_motion, read_only_file
from .small_season import (
    LINEMEN,
    NAMES,
    PASSER,
    PLAYERS,
    RUSHERS,
    TARGET,
    TRACKING,
    SmallPlay,
    nfl_id,
    write_season,
)

PLAYS = (
    SmallPlay(),
    SmallPlay(play_id=77, right=False, frames=21, own_yards=80, yards=20),
    SmallPlay(play_id=98, home=False, result="I", yards=4, clock="00:09"),
    SmallPlay(play_id=120, right=False, home=False, result="IN", yards=-3),
)
SPARSE = (*LINEMEN, *RUSHERS)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("layout", NAMES)
def test_written_plays_are_read(tmp_path, layout, suffix):
    write_season(tmp_path, layout, PLAYS, suffix=suffix)
    opened = open_folder(tmp_path)
    assert opened.source.layout == layout
    assert opened.seen == len(PLAYS)
    reading = read_only_file(tmp_path)
    check_frames(reading.frames)
    assert not reading.drops.height
    assert not any(reading.problems.values()), reading.problems
    assert dict(reading.plays.schema) == dict(PLAY_COLUMNS)
    assert dict(reading.drops.schema) == dict(DROP_COLUMNS)
    seen = [i for i, (position, *_) in enumerate(PLAYERS)
            if layout != "2026" or position not in SPARSE]  # fmt: skip
    for k, play in enumerate(PLAYS):
        assert_motion(reading, k, play, seen)


@pytest.mark.parametrize("layout", NAMES)
def test_table_of_plays(tmp_path, layout):
    reading = read_only_file(write_season(tmp_path, layout, PLAYS))
    first, _, third, last = reading.plays.iter_rows(named=True)
    assert first == {
        "game_id": 2022090800,
        "play_id": 56,
        "season": 2022,
        "week": 1,
        "file": NAMES[layout].format(1) + ".csv",
        "home_team": "KC",
        "away_team": "LV",
        "offense": "KC",
        "defense": "LV",
        "quarter": 2,
        "clock_seconds": 258,
        "down": 3,
        "yards_to_go": 8,
        "yards_to_endzone": 65,
        "offense_score": 14,
        "defense_score": 10,
        "passer_id": nfl_id(PASSER),
        "target_id": nfl_id(TARGET),
        "pass_result": "C",
        "yards_gained": 7,
        "snap_frame": 1 if layout == "2026" else 5,
        "throw_frame": 12 if layout == "2026" else 16,
        "description": PLAYS[0].text,
    }
    assert reading.plays["yards_to_endzone"].to_list() == [65, 20, 65, 65]
    # Whatever the column says, an incompletion and an interception gain nothing.
    assert reading.plays["yards_gained"].to_list() == [7, 20, 0, 0]
    assert (third["offense"], third["offense_score"], third["clock_seconds"]) == ("LV", 10, 9)
    assert (last["defense"], last["defense_score"], last["yards_to_endzone"]) == ("KC", 14, 65)


@pytest.mark.parametrize("layout", NAMES)
def test_roles_and_sides(tmp_path, layout):
    reading = read_only_file(write_season(tmp_path, layout, PLAYS))
    sparse = layout == "2026"
    for ids, roles in zip(reading.frames.player_id, reading.frames.role, strict=True):
        found = {player: Role(role) for player, role in zip(ids, roles, strict=True)
                 if player != NOBODY}  # fmt: skip
        for i, (position, *_) in enumerate(PLAYERS):
            usual = Role.ELIGIBLE if i < 11 else Role.COVERAGE
            expected = {PASSER: Role.PASSER, TARGET: Role.TARGET}.get(i, usual)
            if position in SPARSE:
                expected = Role.LINE if position in LINEMEN else Role.RUSHER
            if not (sparse and position in SPARSE):
                assert found.pop(nfl_id(i)) == expected
        assert not found
        absent = ids == NOBODY
        assert ((roles == Role.ABSENT) == absent).all()
        assert (absent[:11].sum(), absent[11:].sum()) == ((5, 4) if sparse else (0, 0))
        assert np.isin(ids[:11], [*map(nfl_id, range(11)), NOBODY]).all()


def test_absent_players_are_nowhere(tmp_path):
    frames = read_only_file(write_season(tmp_path, "2026", PLAYS)).frames
    absent = np.repeat(frames.role == Role.ABSENT, np.diff(frames.offsets), axis=0)
    for value in (frames.x, frames.y, frames.speed, frames.direction, frames.orientation):
        assert not value[absent].any()
        assert value[~absent].any()


def test_order_of_rows_means_nothing(tmp_path):
    write_season(tmp_path / "usual", "2025", PLAYS)
    edit = {TRACKING: lambda table: table.sample(fraction=1, shuffle=True, seed=3)}
    write_season(tmp_path / "mixed", "2025", PLAYS, edit=edit)
    usual, mixed = (read_only_file(tmp_path / name) for name in ("usual", "mixed"))
    assert usual.plays.equals(mixed.plays)
    for one, other in zip(usual.frames, mixed.frames, strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_files_or_one(tmp_path):
    plays = [SmallPlay(), SmallPlay(game_id=2022091500, week=2)]
    opened = open_folder(write_season(tmp_path, "2025", plays))
    assert [path.name for path in opened.tracking_files] == [
        "tracking_week_1.csv",
        "tracking_week_2.csv",
    ]
    read = [read_tracking_file(opened, path) for path in opened.tracking_files]
    assert [reading.plays["week"].to_list() for reading in read] == [[1], [2]]
    lost = plays_without_tracking(opened, read[0].plays)
    assert lost.select("game_id", "file", "reason").rows() == [(2022091500, "", "no tracking")]
    both = pl.concat(reading.plays for reading in read)
    assert plays_without_tracking(opened, both).is_empty()
    (tmp_path / "tracking.csv").write_text(
        (tmp_path / "tracking_week_1.csv").read_text()
        + (tmp_path / "tracking_week_2.csv").read_text().partition("\n")[2]
    )
    for week in (1, 2):
        (tmp_path / f"tracking_week_{week}.csv").unlink()
    single = read_only_file(tmp_path)
    assert single.plays.drop("file").equals(both.drop("file"))


def test_tracking_in_a_folder_of_its_own(tmp_path):
    write_season(tmp_path, "2026", PLAYS)
    (tmp_path / "train").mkdir()
    (tmp_path / "input_2023_w01.csv").rename(tmp_path / "train" / "input_2023_w01.csv")
    assert read_only_file(tmp_path).plays.height == len(PLAYS)


def test_sparse_plays_of_2021(tmp_path):
    edit = {TRACKING: lambda rows: rows.filter(~pl.col("position").is_in(SPARSE))}
    reading = read_only_file(write_season(tmp_path, "2021", PLAYS, edit=edit))
    assert reading.plays.height == len(PLAYS)
    assert ((reading.frames.role == Role.ABSENT).sum(axis=1) == 9).all()


def test_targeted_receiver_of_2021_wins_over_the_text(tmp_path):
    write_season(tmp_path, "2021", PLAYS)
    (tmp_path / "targetedReceiver.csv").write_text(
        f"gameId,playId,targetNflId\n2022090800,56,{nfl_id(3)}.0\n2022090800,77,NA\n"
    )
    targets = read_only_file(tmp_path).plays["target_id"].to_list()
    assert targets == [nfl_id(3), nfl_id(TARGET), nfl_id(TARGET), nfl_id(TARGET)]


def test_season_without_a_column(tmp_path):
    plays = [SmallPlay(game_id=game) for game in (2018090600, 2019010600, 2019020300, 2019090500)]
    reading = read_only_file(write_season(tmp_path, "2021", plays))
    assert reading.plays["season"].to_list() == [2018, 2018, 2018, 2019]


def test_orientation_of_2017_is_measured_from_the_other_axis(tmp_path):
    play = SmallPlay(game_id=2018011401, season=2017)

    def turn(rows):
        return rows.with_columns(o=(pl.col("o") - 90) % 360)

    reading = read_only_file(write_season(tmp_path, "2021", [play], edit={TRACKING: turn}))
    assert reading.plays["season"].to_list() == [2017]
    assert_motion(reading, 0, play)


def test_layout_can_be_demanded(tmp_path):
    write_season(tmp_path, "2023", PLAYS)
    assert open_folder(tmp_path, Layout.BDB2023).source.layout is Layout.BDB2023
