"""Settings and calibration values that are refused, and what is said of them."""

import numpy as np
import pytest
from jaxtyping import config

from sbp_jax.errors import SbpJaxError
from sbp_jax.extremes import DetectorError, Spot
from tests.extremes.draws import DETECTOR, SERIES, START

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
NOISE = np.random.default_rng(0).normal(size=600)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": 1.0}, r"level: expected a number in \(0, 1\), got 1.0"),
        ({"risk": 0.03}, r"risk: expected a number in \(0, 1 - level\) = \(0, 0.02\), got 0.03"),
        ({"risk": 0.0}, "risk: expected a finite number > 0, got 0.0"),
        ({"depth": -1}, "depth: expected a whole number >= 0, got -1"),
        ({"depth": 2.5}, "depth: expected a whole number >= 0, got 2.5"),
        ({"capacity": 9}, "capacity: expected a whole number >= 10, got 9"),
        (
            {"tails": "left"},
            r"tails: expected one of \('upper', 'lower', 'both'\), got 'left'",
        ),
        ({"alarms": "keep"}, r"alarms: expected one of \('censor', 'exclude'\), got 'keep'"),
    ],
)
def test_settings(settings, message, monkeypatch):
    monkeypatch.setattr(config, "jaxtyping_disable", True)  # else names are refused before
    with pytest.raises(DetectorError, match=message):
        Spot(**settings)


def broken(row, where, value):
    x = np.stack([NOISE, NOISE])
    x[row, where] = value
    return x


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (np.zeros((0,)), r"calibration: expected values, got an empty \(0,\)"),
        (np.zeros((2, 0)), r"got an empty \(2, 0\)"),
        (np.zeros((2, 3, 4)), r"expected shape \(N,\) or \(S, N\), got \(2, 3, 4\)"),
        (np.full(9, np.nan), "the series: expected calibration values, got NaN in all 9"),
        (
            broken(1, slice(None), np.nan),
            "series 1: expected calibration values, got NaN in all 600",
        ),
        (
            broken(1, 17, np.inf),
            "series 1: expected finite calibration values, got inf at index 17",
        ),
        (
            broken(0, 3, -np.inf),
            "series 0: expected finite calibration values, got -inf at index 3",
        ),
        (NOISE[:50], "more calibration values than the depth 50 of the moving mean, got 50"),
        (broken(1, slice(None), 7.5), "series 1: expected values that vary, got 7.5 in all 600"),
        (NOISE[:100], r"the series: expected at least 10 .* above the threshold, got 1 of 50"),
        (NOISE[:100], r"give more values \(about 500 where none are equal\), or lower the level 0"),
        (1e35 * NOISE, "expected size and spread within .* got median"),
    ],
)
def test_calibration_values(calibration, message):
    with pytest.raises(DetectorError, match=message):
        Spot(depth=50).fit(calibration)


def test_ties_leave_no_peaks_on_the_side_that_lacks_them():
    counts = np.minimum(np.arange(1000) % 40, 30.0)  # a quarter of the values are the largest
    with pytest.raises(DetectorError, match="above the threshold, got 0 of 1000"):
        Spot().fit(counts)
    with pytest.raises(DetectorError, match="below the threshold, got 0 of 1000"):
        Spot(tails="lower").fit(-counts)


def test_streams_of_other_shapes():
    alone, three = (DETECTOR.fit(x) for x in (SERIES[0, :START], SERIES[:, :START]))
    for state, x, message in (
        (alone, NOISE[None], r"values: expected shape \(T\) for the .* got \(1, 600\)"),
        (three, NOISE, r"values: expected shape \(3, T\) .* got \(600,\)"),
        (three, NOISE[None], r"got \(1, 600\)"),
    ):
        with pytest.raises(DetectorError, match=message):
            DETECTOR.run(state, x)
    with pytest.raises(DetectorError, match=r"expected shape \(3\) .* got \(\)"):
        DETECTOR.update(three, 0.5)


def test_they_are_caught_as_the_librarys_and_as_value_errors():
    assert issubclass(DetectorError, SbpJaxError)
    assert issubclass(DetectorError, ValueError)
