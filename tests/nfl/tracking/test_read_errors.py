"""Bad folders and files: one message that names the file, the row, what was expected and found."""

import re

import polars as pl
import pytest

from sbp_jax.nfl.errors import (
    LayoutError,
    NoTrackingError,
    TrackingError,
    TrackingFileError,
)
from sbp_jax.nfl.tracking.reading import ReadConfig, open_folder
from sbp_jax.nfl.tracking.sources import SOURCES, Layout

from .small_reading import read_only_file
from .small_season import NAMES, TRACKING, SmallPlay, write_season

PLAY = SmallPlay()


def test_no_folder(tmp_path):
    with pytest.raises(NoTrackingError, match=r"absent: expected a folder of tracking files"):
        open_folder(tmp_path / "absent")


def test_empty_folder(tmp_path):
    expected = "expected a plays table plays.csv or supplementary_data.csv, found none"
    with pytest.raises(NoTrackingError, match=expected):
        open_folder(tmp_path)


@pytest.mark.parametrize("layout", NAMES)
def test_missing_tables(tmp_path, layout):
    write_season(tmp_path, layout, [PLAY])
    source = SOURCES[Layout(layout)]
    needed = [path for path in tmp_path.iterdir() if path.stem != source.plays_table]
    for path in needed:
        text = path.read_bytes()
        path.unlink()
        with pytest.raises(NoTrackingError, match=r"expected .*\.csv.*, found none"):
            open_folder(tmp_path)
        path.write_bytes(text)
    open_folder(tmp_path)


def test_unknown_layout_tells_what_there_is(tmp_path):
    edit = {"plays": lambda table: table.drop("prePenaltyYardsGained")}
    write_season(tmp_path, "2025", [PLAY], edit=edit)
    with pytest.raises(LayoutError) as error:
        open_folder(tmp_path)
    assert "prePenaltyYardsGained (2025)" in str(error.value)
    assert "plays: gameId, playId, playDescription" in str(error.value)


def test_layout_other_than_demanded(tmp_path):
    write_season(tmp_path, "2025", [PLAY])
    with pytest.raises(LayoutError, match=r"offensePlayResult \(2021\), got plays: gameId"):
        open_folder(tmp_path, Layout.BDB2021)


def test_both_of_two_layouts(tmp_path):
    edit = {"plays": lambda table: table.with_columns(offensePlayResult=pl.lit(3))}
    write_season(tmp_path, "2025", [PLAY], edit=edit)
    with pytest.raises(LayoutError, match="exactly one of the columns"):
        open_folder(tmp_path)


@pytest.mark.parametrize("name", ["plays", "tracking_week_1"])
def test_a_file_in_two_formats(tmp_path, name):
    write_season(tmp_path, "2025", [PLAY])
    pl.read_csv(tmp_path / f"{name}.csv", infer_schema=False).write_parquet(
        tmp_path / f"{name}.parquet"
    )
    with pytest.raises(LayoutError, match=rf"{name}\.csv(, | and ){name}\.parquet"):
        open_folder(tmp_path)


@pytest.mark.parametrize("layout", NAMES)
def test_missing_columns_of_tracking(tmp_path, layout):
    for column in ("x", {"2025": "club", "2026": "player_side"}.get(layout, "team")):
        edit = {TRACKING: lambda rows, column=column: rows.drop(column)}
        folder = write_season(tmp_path / column, layout, [PLAY], edit=edit)
        name = NAMES[layout].format(1)
        with pytest.raises(LayoutError, match=rf"{name}\.csv: expected a column {column}, got "):
            read_only_file(folder)


def test_missing_column_of_a_table(tmp_path):
    edit = {"players": lambda table: table.drop("officialPosition")}
    folder = write_season(tmp_path, "2023", [PLAY], edit=edit)
    expected = r"players\.csv: expected a column position or officialPosition, got nflId, "
    with pytest.raises(LayoutError, match=expected):
        open_folder(folder)


def replace_cell(path, line, column, text):
    lines = path.read_text().splitlines()
    values = lines[line - 1].split(",")
    values[lines[0].split(",").index(column)] = text
    lines[line - 1] = ",".join(values)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("x", "12.5x", "x: expected a number, got '12.5x'"),
        ("s", "fast", "s: expected a number, got 'fast'"),
        ("nflId", "40000.5", "nflId: expected a whole number, got '40000.5'"),
        ("gameId", "NA", "gameId: expected a whole number, got nothing"),
        ("frameId", "", "frameId: expected a whole number, got nothing"),
        ("time", "noon", "time: expected a time such as 2022-09-08 20:24:05.2, got 'noon'"),
    ],
)
def test_bad_value_is_found(tmp_path, column, text, expected):
    write_season(tmp_path, "2025", [PLAY])
    replace_cell(tmp_path / "tracking_week_1.csv", 100, column, text)
    with pytest.raises(TrackingFileError, match=r"tracking_week_1\.csv: line 100: " + expected):
        read_only_file(tmp_path)


def test_bad_value_in_parquet_is_found(tmp_path):
    edit = {TRACKING: lambda rows: rows.with_columns(
        y=pl.when(pl.int_range(pl.len()) == 57).then(pl.lit("wide")).otherwise(pl.col("y"))
    )}  # fmt: skip
    folder = write_season(tmp_path, "2025", [PLAY], suffix=".parquet", edit=edit)
    expected = r"tracking_week_1\.parquet: row 58: y: expected a number, got 'wide'"
    with pytest.raises(TrackingFileError, match=expected):
        read_only_file(folder)


def test_bad_value_in_a_table_is_found(tmp_path):
    edit = {"plays": lambda table: table.with_columns(down=pl.lit("third"))}
    folder = write_season(tmp_path, "2023", [PLAY], edit=edit)
    with pytest.raises(TrackingFileError, match=r"plays\.csv: line 2: down: expected a whole"):
        open_folder(folder)


def test_play_without_id_in_the_plays_table(tmp_path):
    edit = {"plays": lambda table: table.with_columns(playId=None)}
    folder = write_season(tmp_path, "2023", [PLAY], edit=edit)
    with pytest.raises(TrackingFileError, match=r"plays\.csv: line 2: playId: expected a whole"):
        open_folder(folder)


@pytest.mark.parametrize("kept", [0.3, 0.99])
def test_truncated_gzip(tmp_path, kept):
    write_season(tmp_path, "2025", [PLAY], suffix=".csv.gz")
    path = tmp_path / "tracking_week_1.csv.gz"
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(TrackingFileError, match=r"tracking_week_1\.csv\.gz: the file is truncated"):
        read_only_file(tmp_path)


def test_truncated_text(tmp_path):
    write_season(tmp_path, "2025", [PLAY])
    path = tmp_path / "tracking_week_1.csv"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TrackingFileError, match=r"is truncated \(its last line has \d+ of 18"):
        read_only_file(tmp_path)


def test_truncated_parquet(tmp_path):
    write_season(tmp_path, "2025", [PLAY], suffix=".parquet")
    path = tmp_path / "tracking_week_1.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TrackingFileError, match=r"tracking_week_1\.parquet: cannot be read"):
        read_only_file(tmp_path)


def test_empty_file(tmp_path):
    write_season(tmp_path, "2025", [PLAY])
    (tmp_path / "tracking_week_1.csv").write_text("")
    with pytest.raises(TrackingFileError, match=r"tracking_week_1\.csv: the file is empty"):
        read_only_file(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_frames": 0}, "min_frames: expected a whole number >= 1, got 0"),
        ({"max_frames": 5}, "expected min_frames <= max_frames, got 8 and 5"),
        ({"max_hole": -1}, "max_hole: expected a whole number >= 0, got -1"),
        ({"max_speed": float("nan")}, "max_speed: expected a finite number >= 0, got nan"),
        ({"max_off_field": -0.5}, "max_off_field: expected a finite number >= 0, got -0.5"),
    ],
)
def test_impossible_config(arguments, message):
    with pytest.raises(TrackingError, match=re.escape(message)):
        ReadConfig(**arguments)
