"""Times written as text: what they are is known from `datetime`, or they are refused."""

from datetime import datetime

import numpy as np
import pytest

from sbp_jax.series import SeriesError, make_series, read_series

# texts of two rows, and what they mean
CLEAR = {
    "month first, for no day is a month": (["9/30/2015", "10/1/2015"], [(9, 30), (10, 1)]),
    "day first": (["30.9.2015", "1.10.2015"], [(9, 30), (10, 1)]),
    "a later row says which": (["1/9/2015", "1/13/2015"], [(1, 9), (1, 13)]),
    "the same either way": (["1/1/2015", "2/2/2015"], [(1, 1), (2, 2)]),
    "year first, without zeros": (["2015/9/30", "2015/10/1"], [(9, 30), (10, 1)]),
    "months": (["2015-9", "2015-10"], [(9, 1), (10, 1)]),
    "names of months": (["2 Feb 2015", "1 March 2015"], [(2, 2), (3, 1)]),
    "names first": (["February 2, 2015", "Mar 1, 2015"], [(2, 2), (3, 1)]),
    "a clock": (["9/30/2015 9:30", "9/30/2015 10:05"], [(9, 30, 9, 30), (9, 30, 10, 5)]),
    "of twelve hours": (
        ["9/30/2015 9:30 AM", "9/30/2015 1:05 PM"],
        [(9, 30, 9, 30), (9, 30, 13, 5)],
    ),
    "midnight left out": (["2015-09-30", "2015-09-30 00:05:00"], [(9, 30), (9, 30, 0, 5)]),
    "zones": (
        ["2015-09-30T09:30:00+02:00", "2015-09-30T09:30:00Z"],
        [(9, 30, 7, 30), (9, 30, 9, 30)],
    ),
}


def means(times):
    return np.array([datetime(2015, *time) for time in times], "datetime64[us]")


def written(folder, texts):
    path = folder / "visits.csv"
    rows = (f'"{text}",{i}' for i, text in enumerate(texts))
    path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("name", CLEAR)
def test_dates_that_can_be_read_in_one_way(tmp_path, name):
    texts, times = CLEAR[name]
    for series in (
        read_series(written(tmp_path, texts)),
        make_series([1.0, 2.0], texts),
        make_series([1.0, 2.0], np.array(texts)),
        make_series([1.0, 2.0], [text.encode() for text in texts]),
    ):
        np.testing.assert_array_equal(series.times, means(times))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["1/2/2015", "1/3/2015"], "'1/2/2015' in row 0, which is 2015-01-02 as .* and 2015-02-01"),
        (["1/1/2015", "2/1/2015"], "'2/1/2015' in row 1, which is 2015-02-01 as .* and 2015-01-02"),
        (["1/2/15", "1/3/15"], "'1/2/15' in row 0, which is 2015-01-02 .* and 2001-02-15"),
        (["2015-W9", "2015-W10"], "number or a date such as .* got '2015-W9' in row 0"),
        (["9:30", "10:15"], "number or a date such as .* got '9:30' in row 0"),
        (["week 9", "week 10"], "number or a date such as .* got 'week 9' in row 0"),
        (["2015-02-28", "2015-02-29"], "got '2015-02-29' in row 1"),
        (["1", "2015-02-28"], "a date such as .* got '2015-02-28' in row 1"),
        (["30/9/2015", "9/30/2015"], "number or a date such as .* in row [01]"),
        (["10/1/2015", "9/30/2015"], "got 2015-09-30.* after 2015-10-01.* in row 1"),
        (["1/14/2015", "1/15/15"], "number or a date such as .* got '1/15/15' in row 1"),
        (["0015-09-30", "0015-10-01"], "number or a date such as .* got '0015-09-30' in row 0"),
        (["1500-01-01 0:00:00.0000001", "1500-01-02 0:00:00"], "got '1500-01-01 0.* in row 0"),
    ],
)  # fmt: skip
def test_what_is_no_date_or_several_is_refused(tmp_path, texts, message):
    with pytest.raises(SeriesError, match=message):
        read_series(written(tmp_path, texts))
    with pytest.raises(SeriesError, match=message):
        make_series([1.0, 2.0], texts)


@pytest.mark.parametrize(
    ("texts", "form", "times"),
    [
        (["1/2/2015", "1/3/2015"], "%m/%d/%Y", [(1, 2), (1, 3)]),
        (["1/2/2015", "1/3/2015"], "%d/%m/%Y", [(2, 1), (3, 1)]),
        (["2015 Q9", "2015 Q10"], "%Y Q%m", [(9, 1), (10, 1)]),
        (["20150930 0930", "20151001 0930"], "%Y%m%d %H%M", [(9, 30, 9, 30), (10, 1, 9, 30)]),
        (["20150930", "20151001"], "%Y%m%d", [(9, 30), (10, 1)]),
    ],
)
def test_a_format_says_how_they_are_written(tmp_path, texts, form, times):
    series = read_series(written(tmp_path, texts), time_format=form)
    np.testing.assert_array_equal(series.times, means(times))
    np.testing.assert_array_equal(
        make_series([1.0, 2.0], texts, time_format=form).times, series.times
    )


def test_a_text_of_another_format_is_named(tmp_path):
    path = written(tmp_path, ["1/2/2015", "30/1/2015"])
    with pytest.raises(SeriesError, match="format '%m/%d/%Y', got '30/1/2015' in row 1"):
        read_series(path, time_format="%m/%d/%Y")


def test_nanoseconds_are_kept():
    texts = ["2015-09-30 00:00:00.000000001", "2015-09-30 00:00:00.000000002"]
    times = make_series([1.0, 2.0], texts).times
    np.testing.assert_array_equal(times, np.array(texts, "datetime64[ns]"))


def test_bytes_are_read_as_the_texts_that_they_are():
    with pytest.raises(SeriesError, match=r"2015-09-30.* after 2015-10-01"):
        make_series([1.0, 2.0], np.array([b"10/1/2015", b"9/30/2015"]))


def test_texts_among_other_times_are_refused():
    with pytest.raises(SeriesError, match="times that can be ordered"):
        make_series([1.0, 2.0], [datetime(2015, 1, 1), "2015-01-02"])


def test_a_real_file_of_american_dates(shared_data):
    path = shared_data / "series" / "temps_us_dates.csv"
    series = read_series(path, value="Daily minimum temperatures", timestamp="Date")
    days = np.diff(series.times) / np.timedelta64(1, "D")
    assert series.times[0] == np.datetime64("1981-01-01")
    assert np.median(days) == 1
    assert set(days) <= {1, 2}  # the 31st of December of leap years is left out
