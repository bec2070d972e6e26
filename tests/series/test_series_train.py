"""Training: what it lowers, what it keeps, what it must not see, and what it refuses."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy import stats

from sbp_jax.errors import TrainingError
from sbp_jax.series import (
    SeriesError,
    SeriesTraining,
    fit_series,
    forecast,
    make_panel,
    make_series,
    series_forecaster,
)
from sbp_jax.series import train as training
from sbp_jax.series.criteria import FINE
from tests.series.small import COUNT_FAMILIES, FAMILIES, NETWORK, TRAINING, mentions, wave

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

GAUSSIAN = series_forecaster(FAMILIES["gaussian"], NETWORK)


@pytest.fixture(scope="module", autouse=True)
def shared_programs():
    """Fits of one kind and shape share a program, instead of compiling it again."""
    usual, programs = training._epoch, {}

    def shared(forecaster, objective, panel, config, *sizes):
        key = (forecaster, objective, panel.counts, panel.lead, replace(config, seed=0))
        key += sizes[:-1]  # the optimizer follows from them
        return programs.setdefault(key, usual(forecaster, objective, panel, config, *sizes))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_epoch", shared)
        yield


def fit(series, config=TRAINING, *, forecaster=GAUSSIAN, objective="density_nll", **panel):
    return fit_series(forecaster, objective, make_panel(series, **panel), config)


def member(fitted, at):
    return jax.tree.map(lambda leaf: np.asarray(leaf[at]), fitted.params)


def assert_equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def changed(series, stretch, change):
    values = series.values.copy()
    values[slice(*stretch)] = change(values[slice(*stretch)])
    return make_series(values, name=series.name)


@pytest.fixture(scope="module")
def panel():
    """Two series, the second of which jumps about in its validation part only."""
    return make_panel([wave(seed=1), changed(wave(seed=2), (72, 96), lambda x: 9 * x)])


@pytest.fixture(scope="module")
def pair(panel):
    """A fit, how often its program was traced after each epoch, and what was reported."""
    calls, counts, reports = [], [], []
    usual = training.forecast_steps

    def counted(*args, **settings):
        calls.append(None)
        return usual(*args, **settings)

    def report(epoch, losses, scores):
        counts.append(len(calls))
        reports.append((epoch, losses, scores))

    config = replace(TRAINING, epochs=8, learning_rate=0.1, average=0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "forecast_steps", counted)
        found = fit_series(GAUSSIAN, "density_nll", panel, config, report=report)
    return found, counts, reports


def test_the_loss_falls(pair):
    found, _, _ = pair
    assert found.losses.shape == found.scores.shape == (8, 2)
    assert np.all(found.losses[-1] < found.losses[0] - 0.1)
    assert found.scores[-1, 0] < found.scores[0, 0] - 0.1


def test_an_epoch_is_compiled_once_and_reported(pair):
    found, counts, reports = pair
    assert counts[0] > 0
    assert counts == [counts[0]] * 8
    for epoch, (number, losses, scores) in enumerate(reports):
        assert number == epoch
        np.testing.assert_array_equal(losses, found.losses[epoch])
        np.testing.assert_array_equal(scores, found.scores[epoch])


def test_the_epoch_kept_is_the_best_of_the_validation_part(pair, panel):
    found, _, _ = pair
    np.testing.assert_array_equal(found.epoch, np.argmin(found.scores, axis=0))
    # The more the second is sure of what it trains on, the worse it does on what jumps about.
    assert found.epoch[1] < found.epoch[0]
    for law, series, score in zip(
        forecast(GAUSSIAN, found, panel, "valid"), panel.series, found.scores.T, strict=True
    ):
        y = law.scaling.standardise(series.values[72:96])
        expected = -stats.norm.logpdf(y, *law.params).mean() - np.log(FINE)
        assert score.min() == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module")
def beside():
    return fit([wave(seed=1), wave(seed=2)])


def test_a_member_does_not_depend_on_the_others(beside):
    other = fit([wave(seed=1), wave(seed=3)])
    assert_equal(member(beside, 0), member(other, 0))
    assert not np.array_equal(beside.losses[:, 1], other.losses[:, 1])


def test_the_seed_decides(beside):
    other = fit([wave(seed=1), wave(seed=2)], replace(TRAINING, seed=1))
    assert not np.array_equal(beside.losses, other.losses)


def test_test_values_change_nothing_and_validation_values_only_the_choice(beside):
    spoilt = changed(wave(seed=1), (96, None), lambda x: 1e3 * x)
    again = fit([spoilt, wave(seed=2)])
    assert_equal(again.params, beside.params)
    assert_equal(again.scores, beside.scores)
    wild = fit([changed(wave(seed=1), (72, None), lambda x: 5 * x), wave(seed=2)])
    assert_equal(wild.losses, beside.losses)
    assert np.all(wild.scores[:, 0] > beside.scores[:, 0])
    assert_equal(wild.scores[:, 1], beside.scores[:, 1])


@pytest.fixture(scope="module")
def joint():
    """A longer series beside a shorter one with gaps; the longer one sets the stretches."""
    gaps = changed(wave(60, seed=1), (9, 11), lambda x: np.nan * x)
    return [wave(120, seed=2, unit=100.0), gaps]


def test_one_network_for_series_of_several_lengths_and_units(joint):
    config = replace(TRAINING, epochs=4, learning_rate=0.05)
    found = fit(joint, config, jointly=True, lead=2)
    assert found.losses.shape == (4, 1)
    assert found.losses[-1, 0] < found.losses[0, 0]
    assert np.isfinite(found.scores).all()
    # What lies after the training end of the shorter series, in reach of the stretches.
    later = [joint[0], changed(joint[1], (36, None), lambda x: 9 * x)]
    other = fit(later, config, jointly=True, lead=2)
    assert_equal(found.losses, other.losses)
    assert np.all(found.scores != other.scores)


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        pytest.param("spliced", "interval_nll", marks=pytest.mark.slow),
        pytest.param("binned", "interval_nll", marks=pytest.mark.slow),
        pytest.param("hybrid", "interval_nll", marks=pytest.mark.slow),
        pytest.param("mixture", "interval_nll", marks=pytest.mark.slow),
        pytest.param("quantiles", "pinball", marks=pytest.mark.slow),
    ],
)
def test_counts(name, objective):
    found = fit(
        mentions(),
        replace(TRAINING, epochs=4, learning_rate=0.05),
        forecaster=series_forecaster(COUNT_FAMILIES[name], replace(NETWORK, center=1.0)),
        objective=objective,
        counts=True,
    )
    assert np.isfinite(found.losses).all()
    assert np.isfinite(found.scores).all()
    assert found.losses[-1, 0] < found.losses[0, 0]


def test_a_loss_that_is_not_finite_names_the_series():
    wild = replace(TRAINING, learning_rate=1e30, epochs=3)
    with pytest.raises(
        TrainingError, match=r"wave 1: expected finite losses, got \S+ in epoch \d; a lower"
    ):
        fit([wave(seed=1)], wild)


@pytest.mark.parametrize(
    ("points", "lead", "message"),
    [
        (
            24,
            1,
            r"short: expected at least 15 training points \(a context of 7, 1 ahead, a segment "
            r"of 8\), got 14",
        ),
        (26, 3, r"short: expected at least 17 training points .* got 16"),
    ],
)
def test_a_series_that_is_too_short_is_named(points, lead, message):
    with pytest.raises(SeriesError, match=message):
        fit([wave(), wave(points, name="short")], lead=lead)


@pytest.mark.parametrize(
    ("part", "stretch"), [("train", (7, 72)), ("valid", (72, 96)), ("test", (96, 120))]
)
def test_a_part_without_observations_is_refused(part, stretch):
    sales = changed(wave(name="sales"), stretch, lambda x: np.nan * x)
    with pytest.raises(
        SeriesError, match=rf"sales: expected observations in the part {part}, got none"
    ):
        fit([wave(), sales])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs: expected a whole number >= 1, got 0"),
        ({"segment": 0}, "segment: expected a whole number >= 1, got 0"),
        ({"batch_size": -1}, "batch_size: expected a whole number >= 1, got -1"),
        ({"average": 1.0}, r"average: expected a number in \[0, 1\), got 1.0"),
        ({"average": -0.1}, r"average: expected a number in \[0, 1\), got -0.1"),
    ],
)
def test_settings_that_cannot_be_run(settings, message):
    with pytest.raises(ValueError, match=message):
        SeriesTraining(**settings)
