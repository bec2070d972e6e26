"""Series from CSV files, what is refused, and where their parts end."""

import gzip
from datetime import datetime

import numpy as np
import pytest

from sbp_jax.series import SeriesError, Split, make_series, read_series


def written(folder, text, name="visits.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_compressed_file_reads_like_a_plain_one(tmp_path):
    text = "when,value\n2024-01-01 00:00:00,3\n2024-01-01 00:05:00,\n2024-01-01 00:15:00,-1.5e2\n"
    (tmp_path / "visits.csv.gz").write_bytes(gzip.compress(text.encode()))
    for path in (written(tmp_path, text), tmp_path / "visits.csv.gz"):
        series = read_series(path, timestamp="when")
        assert series.name == "visits"
        np.testing.assert_array_equal(series.values, [3, np.nan, -150])
        assert series.values.dtype == np.float64
        steps = np.diff(series.times) / np.timedelta64(1, "s")
        np.testing.assert_array_equal(steps, [300, 600])


def test_texts_of_a_missing_value(tmp_path):
    path = written(tmp_path, "value\n1\n\nNA\nnan\nNaN\nNone\nnull\n 2 \n")
    values = read_series(path, timestamp=None, name="gaps").values
    missing = np.isnan(values)
    assert values[~missing].tolist() == [1, 2]
    assert missing.sum() >= 5


def test_times_may_be_numbers_or_absent(tmp_path):
    path = written(tmp_path, "time,value\n2,1\n9,2\n10,4\n")  # as texts, 10 comes before 9
    assert read_series(path, timestamp="time").times.tolist() == [2, 9, 10]
    assert read_series(path, timestamp=None).times is None


def test_other_columns_are_left_alone(tmp_path):
    path = written(tmp_path, "note,value,count\nx,1,5\n,2,6\n")
    series = read_series(path, value="count", timestamp=None, name="other")
    assert series.name == "other"
    assert series.values.tolist() == [5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamp,count\n1,2\n", r"expected a column 'value', got timestamp, count"),
        ("value\n2\n", r"expected a column 'timestamp', got value"),
        (
            "timestamp,value\n1,2\n2,x3\n3,y\n",
            r"visits.csv: value: expected a number, got 'x3' in row 1",
        ),
        ("timestamp,value\n1,2\n2,inf\n", r"visits: expected finite values .* got inf in row 1"),
        ("timestamp,value\n1,2\n3,4\n2,5\n", r"times that increase, got 2.0 after 3.0 in row 2"),
        (
            "timestamp,value\n2024-01-02,2\n2024-01-01,4\n",
            r"times that increase, got 2024-01-01\S* after 2024-01-02\S* in row 1",
        ),
        ("timestamp,value\n1,2\n3,4\n3,5\n", r"each time once, got 3.0 again in row 2"),
        ("timestamp,value\n1,2\n,4\n3,5\n", r"timestamp: expected a time, got none in row 1"),
        ("timestamp,value\n1,2\n2,2\n3,\n", r"expected values that vary, got 2.0 everywhere"),
        ("timestamp,value\n1,\n2,NA\n", r"expected observations, got NaN in all 2 rows"),
        ("timestamp,value\n", r"expected observations, got an empty series"),
        ("", r"visits.csv: cannot be read as CSV"),
        ("timestamp,value\n1,2,3\n", r"visits.csv: cannot be read as CSV"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    with pytest.raises(SeriesError, match=message):
        read_series(written(tmp_path, text))


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(SeriesError, match=r"nowhere.csv: expected a CSV file, got none"):
        read_series(tmp_path / "nowhere.csv")
    with pytest.raises(SeriesError, match=r"expected a CSV file, got a folder"):
        read_series(tmp_path)
    (tmp_path / "noise.csv.gz").write_bytes(b"\x1f\x8b no gzip at all")
    with pytest.raises(SeriesError, match=r"noise.csv.gz: cannot be read as CSV"):
        read_series(tmp_path / "noise.csv.gz")


@pytest.mark.parametrize(
    ("values", "times", "message"),
    [
        ([[1.0, 2.0]], None, r"sales: expected one row of numbers, got shape \(1, 2\)"),
        (np.array(3.0), None, r"expected one row of numbers, got shape \(\)"),
        ([], None, r"got an empty series"),
        (["a", "b"], None, r"sales: expected numbers, got could not convert"),
        ([1.0, -np.inf, np.inf], None, r"got -inf in row 1"),
        ([5.0, np.nan, 5.0], None, r"expected values that vary, got 5.0 everywhere"),
        ([1.0, 2.0], [1], r"expected a time for each of 2 rows, got \(1,\)"),
        ([1.0, 2.0, 3.0], [1.0, np.nan, 3.0], r"expected times, got none in row 1"),
        (
            [1.0, 2.0],
            np.array(["2024-01-01", "NaT"], "datetime64[s]"),
            r"expected times, got none in row 1",
        ),
        ([1.0, 2.0], [datetime(2024, 1, 1), None], r"expected times, got none in row 1"),
        ([1.0, 2.0], [datetime(2024, 1, 2), datetime(2024, 1, 1)], r"times that increase"),
        ([1.0, 2.0], [datetime(2024, 1, 2), 3], r"times that can be ordered"),
        ([1.0, 2.0], ["a", "b"], r"sales: expected a number or a date .* got 'a' in row 0"),
    ],
)
def test_what_is_wrong_with_values_is_said(values, times, message):
    with pytest.raises(SeriesError, match=message):
        make_series(values, times, name="sales")


def test_whole_numbers_and_gaps_are_kept():
    series = make_series(np.array([3, 1, 2]), [datetime(2024, 1, d) for d in (1, 2, 5)])
    assert series.values.tolist() == [3.0, 1.0, 2.0]
    assert series.times.size == 3


@pytest.mark.parametrize(
    ("split", "points", "ends"),
    [
        (Split(), 10, (6, 8, 10)),
        (Split(50, 20), 100, (50, 70, 100)),
        (Split(0.5, 20, 10), 100, (50, 70, 80)),
        (Split(7, 0.1, 0.2), 10, (7, 8, 10)),
        (Split(0.5, 0.25, 0.25), 7, (4, 6, 8)),
    ],
)
def test_parts_are_counts_or_shares(split, points, ends):
    if ends[-1] > points:  # shares that round up beyond the end
        with pytest.raises(SeriesError, match="part test"):
            split.bounds(points)
    else:
        assert split.bounds(points) == ends


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Split(5, 0.01), r"in the part valid, got 5 to 5"),
        (Split(5, 5), r"visits: expected at least one of its 10 points in the part test, got 10"),
        (Split(8, 4), r"in the part valid, got 8 to 12"),
        (Split(6, 2, 3), r"in the part test, got 8 to 11"),
    ],
)
def test_a_part_without_points_is_refused(split, message):
    with pytest.raises(SeriesError, match=message):
        split.bounds(10, "visits")
