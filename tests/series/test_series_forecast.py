"""Forecasts in the series' own unit, and their scores against integrals, sums and definitions."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy import stats

from sbp_jax.evaluation.bands import BAND_LEVELS
from sbp_jax.series import (
    Scaling,
    SeriesError,
    SeriesFit,
    SeriesForecast,
    fit_series,
    forecast,
    make_panel,
    make_series,
    score,
    series_forecaster,
)
from sbp_jax.series.criteria import FINE
from sbp_jax.series.forecast import bands
from sbp_jax.series.network import init_network
from tests.series.small import COUNT_FAMILIES, FAMILIES, NETWORK, TRAINING, mentions, wave

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

GAUSSIAN = series_forecaster(FAMILIES["gaussian"], NETWORK)


@pytest.fixture(scope="module")
def fitted():
    panel = make_panel([wave(seed=1, unit=30.0), wave(100, seed=2)])
    return fit_series(GAUSSIAN, "density_nll", panel, TRAINING), panel


@pytest.mark.parametrize(
    ("part", "bounds"),
    [
        ("train", [(0, 72), (0, 60)]),
        ("valid", [(72, 96), (60, 80)]),
        ("test", [(96, 120), (80, 100)]),
    ],
)
def test_each_point_of_a_part_is_forecast(fitted, part, bounds):
    fit, panel = fitted
    found = forecast(GAUSSIAN, fit, panel, part)
    assert [each.name for each in found] == ["wave 1", "wave 2"]
    for each, series, (start, end) in zip(found, panel.series, bounds, strict=True):
        np.testing.assert_array_equal(each.index, np.arange(start, end))
        np.testing.assert_array_equal(each.y, series.values[start:end])
        assert {leaf.shape[0] for leaf in jax.tree.leaves(each.params)} == {end - start}
        assert np.isfinite(each.quantile(0.5)).all()


def test_its_law_is_in_the_unit_of_the_series(fitted):
    fit, panel = fitted
    each = forecast(GAUSSIAN, fit, panel)[0]
    law, y = each.law, each.y.astype(np.float32)
    rounding = 1e-5 * each.scaling.scale
    found = law.quantile([0.05, 0.9])[:, 1]
    np.testing.assert_allclose(found, each.quantile(0.9), atol=rounding)
    np.testing.assert_allclose(law.cdf(y), each.cdf(each.y), rtol=1e-4)
    np.testing.assert_allclose(law.sf(y), each.sf(each.y), rtol=1e-4)
    np.testing.assert_allclose(law[3].median, each.quantile(0.5)[3], atol=rounding)
    # In thousands all is a thousandth, and the density a thousand times as high.
    thousands = law.affine(0.0, 1e-3)
    np.testing.assert_allclose(
        thousands.log_prob(y / 1e3), law.log_prob(y) + np.log(1e3), rtol=1e-3, atol=1e-3
    )


def test_a_series_far_from_0_keeps_its_digits(fitted):
    fit, panel = fitted
    each = forecast(GAUSSIAN, fit, panel)[0]
    far = replace(each, scaling=Scaling(each.scaling.loc + 1e9, each.scaling.scale))
    np.testing.assert_allclose(far.quantile(0.9) - 1e9, each.quantile(0.9), atol=1e-5)
    np.testing.assert_allclose(far.cdf(each.y + 1e9), each.cdf(each.y), rtol=1e-4)


def test_a_series_that_is_too_short_is_named(fitted):
    fit, _ = fitted
    with pytest.raises(SeriesError, match="short: expected at least 8 training points"):
        forecast(GAUSSIAN, fit, make_panel([wave(), wave(11, name="short")]))


def forecast_of(family, y, *, seed=0, scale=40.0, loc=100.0, counts=False):
    raw = np.random.default_rng(seed).normal(size=(len(y), family.num_outputs))
    params = jax.tree.map(np.asarray, family.constrain(raw.astype(np.float32)))
    scaling = Scaling(loc, scale)
    cell = 1 / scale if counts else FINE
    index = np.arange(len(y))
    return SeriesForecast("sales", index, np.asarray(y), family, params, scaling, counts, cell)


Y = np.array([-50.0, 95.0, np.nan, 100.0, 130.0, 400.0])
SLOW = pytest.mark.slow
CONTINUOUS = [
    "gaussian",
    "binned",
    *(pytest.param(name, marks=SLOW) for name in ("student-t", "spliced")),
]
COUNTS = ["gaussian", "binned", pytest.param("spliced", marks=SLOW)]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_quantiles_are_in_the_unit_of_the_series(name):
    law = forecast_of(FAMILIES[name], Y)
    for q in (0.03, 0.5, 0.9):
        values = law.quantile(q)
        np.testing.assert_allclose(law.cdf(values), q, atol=1e-4)
        np.testing.assert_allclose(law.sf(values), 1 - q, atol=1e-4)
    assert np.all(law.quantile(0.4) < law.quantile(0.6))


@pytest.mark.parametrize("name", COUNTS)
def test_quantiles_of_counts_are_the_first_that_reach_the_level(name):
    law = forecast_of(COUNT_FAMILIES[name], np.arange(8.0), scale=5.5, loc=-0.5, counts=True)
    for q in (0.01, 0.2, 0.5, 0.99):
        values = law.quantile(q)
        assert np.all(values == np.maximum(np.round(values), 0))
        assert np.all(law.cdf(values) > q - 1e-5)
        assert np.all((law.cdf(values - 1) < q + 1e-5) | (values == 0))
    np.testing.assert_allclose(law.cdf(3.0) + law.sf(3.0), 1, atol=1e-5)


def test_gaussian_scores_are_those_of_the_normal_law_in_the_unit():
    law = forecast_of(FAMILIES["gaussian"], Y)
    known = ~np.isnan(Y)
    center, scale = (np.asarray(x, np.float64)[known] * 40 for x in law.params)
    normal = stats.norm(center + 100, scale)
    y = Y[known]
    found = score([law], {"sales": 120.0})["sales"]
    np.testing.assert_allclose(found.verdict.log_score, -normal.logpdf(y), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(found.verdict.pit_lower, normal.cdf(y), atol=1e-5)
    np.testing.assert_array_equal(found.verdict.pit_lower, found.verdict.pit_upper)
    np.testing.assert_allclose(found.verdict.median, normal.median(), rtol=1e-5)
    np.testing.assert_array_equal(found.y, y)
    # Gneiting and Raftery (2007), equation 5.
    z = (y - normal.mean()) / scale
    crps = scale * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - np.pi**-0.5)
    np.testing.assert_allclose(found.verdict.crps, crps, rtol=1e-4)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_crps_is_the_integral_of_the_distribution_function(name):
    law = forecast_of(FAMILIES[name], Y)
    found = score([law], {"sales": 120.0})["sales"]
    edges = np.concatenate([-np.geomspace(1e5, 1, 3000), np.linspace(-1, 600, 12_001)[1:]])
    grid = np.concatenate([edges, np.geomspace(600, 1e6, 3000)[1:]])
    known = np.flatnonzero(~np.isnan(Y))
    cdf, sf = (function(grid[:, None])[:, known] for function in (law.cdf, law.sf))
    squares = np.where(grid[:, None] < Y[known], cdf, sf) ** 2
    pieces = (squares[1:] + squares[:-1]) / 2 * np.diff(grid)[:, None]
    np.testing.assert_allclose(found.verdict.crps, pieces.sum(axis=0), rtol=2e-3, atol=0.03)
    above = np.where(grid[1:, None] > 120, pieces, 0.0)
    np.testing.assert_allclose(found.twcrps, above.sum(axis=0), rtol=2e-3, atol=0.06)


@pytest.mark.parametrize("name", COUNTS)
def test_scores_of_counts_are_sums_over_counts(name):
    y = np.array([0.0, 3, np.nan, 12, 60])
    law = forecast_of(COUNT_FAMILIES[name], y, scale=5.5, loc=-0.5, counts=True)
    found = score([law], {"sales": 4.0})["sales"]
    numbers = np.arange(4000.0)
    known = ~np.isnan(y)
    cdf = law.cdf(numbers[:, None])[:, known]
    squares = (cdf - (numbers[:, None] >= y[known])) ** 2
    np.testing.assert_allclose(found.verdict.crps, squares.sum(axis=0), rtol=2e-3)
    np.testing.assert_allclose(found.twcrps, squares[4:].sum(axis=0), rtol=2e-3, atol=1e-4)
    at = y[known].astype(int)
    upper = cdf[at, np.arange(4)]
    lower = np.where(at > 0, cdf[np.maximum(at - 1, 0), np.arange(4)], 0.0)
    np.testing.assert_allclose(found.verdict.pit_upper, upper, atol=2e-5)
    np.testing.assert_allclose(found.verdict.pit_lower, lower, atol=2e-5)
    likely = upper - lower > 1e-3
    assert likely.sum() >= 2
    np.testing.assert_allclose(
        found.verdict.log_score[likely], -np.log((upper - lower)[likely]), atol=1e-2
    )
    np.testing.assert_array_equal(found.verdict.median, law.quantile(0.5)[known])


def test_missing_points_are_left_out_and_series_kept_apart():
    family = FAMILIES["gaussian"]
    one = forecast_of(family, Y)
    other = replace(forecast_of(family, Y[3:], seed=1, scale=2.0), name="visits")
    both, alone = score([one, other]), score([other])
    assert both["sales"].y.tolist() == [-50, 95, 100, 130, 400]
    assert list(both) == ["sales", "visits"]
    columns = map(jax.tree.leaves, (both["visits"], alone["visits"]))
    for column, expected in zip(*columns, strict=True):
        np.testing.assert_allclose(column, expected, rtol=1e-5)
    np.testing.assert_allclose(both["sales"].verdict.crps, both["sales"].twcrps, rtol=1e-4)


def test_more_points_than_are_scored_at_once():
    family = FAMILIES["gaussian"]
    law = forecast_of(family, np.linspace(0, 300, 1100))
    found = score([law])["sales"]
    center, scale = (np.asarray(x, np.float64) * 40 for x in law.params)
    np.testing.assert_allclose(
        found.verdict.pit_lower, stats.norm.cdf(law.y, center + 100, scale), atol=2e-5
    )


def test_another_unit_of_the_series_is_another_unit_of_the_scores(fitted):
    fit, panel = fitted
    larger = make_panel([make_series(1000 * x.values, name=x.name) for x in panel.series])
    one, other = (score(forecast(GAUSSIAN, fit, each))["wave 1"] for each in (panel, larger))
    np.testing.assert_allclose(other.verdict.pit_lower, one.verdict.pit_lower, atol=1e-4)
    np.testing.assert_allclose(other.verdict.crps, 1000 * one.verdict.crps, rtol=1e-3)
    np.testing.assert_allclose(other.twcrps, 1000 * one.twcrps, rtol=1e-3)
    # The probability of a cell of 1e-3 in float32 is good to half a percent.
    np.testing.assert_allclose(
        other.verdict.log_score, one.verdict.log_score + np.log(1000), atol=1e-2
    )
    np.testing.assert_allclose(other.verdict.median, 1000 * one.verdict.median, rtol=1e-3, atol=1)


def test_bands_are_the_quantiles_shown():
    law = forecast_of(FAMILIES["gaussian"], Y)
    found = bands(law)
    assert found.quantiles.shape == (len(BAND_LEVELS), len(Y))
    np.testing.assert_array_equal(found.quantiles[1], law.quantile(0.05))
    assert np.all(np.diff(found.quantiles, axis=0) > 0)
    np.testing.assert_array_equal(found.steps, law.index)
    np.testing.assert_array_equal(found.y, Y)


@pytest.mark.slow
def test_counts_are_forecast_as_counts():
    network = replace(NETWORK, center=1.0)
    forecaster = series_forecaster(COUNT_FAMILIES["gaussian"], network)
    panel = make_panel(mentions(mean=6.0), counts=True)
    params = init_network(forecaster, jax.random.key(0))
    none = np.zeros((1, 1))
    fresh = SeriesFit(jax.tree.map(lambda leaf: leaf[None], params), np.zeros(1, int), none, none)
    (law,) = forecast(forecaster, fresh, panel)
    assert law.counts
    assert law.cell == pytest.approx(1 / panel.scalings[0].scale)
    scores = score([law])[law.name]
    assert np.all(scores.verdict.median == np.round(scores.verdict.median))
    assert np.all(scores.verdict.pit_lower < scores.verdict.pit_upper)
    # Untrained but centred at the mean, a probability of a count is some tenth, not some 1e-3.
    assert 1.5 < scores.verdict.log_score.mean() < 6
