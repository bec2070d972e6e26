"""Standardising, series side by side, and the stretches cut from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.series import (
    SeriesError,
    Split,
    fit_count_scaling,
    fit_scaling,
    make_panel,
    make_series,
)
from sbp_jax.series.windows import cut
from tests.series.small import mentions, wave


def test_the_training_part_alone_decides_the_unit():
    series = wave(100)
    later = series.values.copy()
    later[60:] = 1e3 * np.arange(40)
    panel, other = make_panel(series), make_panel(make_series(later, name="other"))
    assert panel.scalings == other.scalings
    np.testing.assert_array_equal(panel.values[..., :60], other.values[..., :60])
    earlier = series.values.copy()
    earlier[:30] += 1
    assert make_panel(make_series(earlier)).scalings != panel.scalings


def test_standardised_values_have_median_0_and_their_inner_80_percent_2_wide():
    values = np.random.default_rng(0).gamma(2.0, 50.0, 999)
    scaling = fit_scaling(values)
    standardised = scaling.standardise(values)
    assert np.median(standardised) == pytest.approx(0)
    low, high = np.quantile(standardised, [0.1, 0.9])
    assert high - low == pytest.approx(2)


def test_one_far_observation_moves_the_unit_little():
    values = np.random.default_rng(0).normal(size=500)
    plain = fit_scaling(values)
    values[7] = 1e9
    spoilt = fit_scaling(values)
    # One of 500 values moves a quantile to its neighbour at most.
    assert abs(spoilt.loc - plain.loc) < 0.02
    assert spoilt.scale == pytest.approx(plain.scale, rel=0.02)


def test_values_that_are_mostly_equal_have_a_unit():
    values = np.zeros(100)
    values[3], values[8] = 5.0, np.nan
    scaling = fit_scaling(values)
    assert (scaling.loc, scaling.scale) == (0.0, pytest.approx(5 / 99))


def test_of_counts_0_begins_at_0_and_the_mean_is_1():
    values = np.array([0.0, 7, np.nan, 2, 3])
    standardised = fit_count_scaling(values).standardise(values - 0.5)
    assert standardised[0] == 0
    assert np.nanmean(standardised + 0.5 / fit_count_scaling(values).scale) == pytest.approx(1)


@pytest.mark.parametrize(
    ("fit", "values", "message"),
    [
        (fit_scaling, [np.nan, np.nan], "clicks: expected observations to train on, got NaN in"),
        (fit_scaling, [2.0, np.nan, 2.0], "clicks: expected training values that vary, got 2.0"),
        (fit_count_scaling, [2.0, 2.0], "expected training values that vary, got 2.0 everywhere"),
        (fit_count_scaling, [np.nan], "got NaN in all of them"),
        (fit_count_scaling, [1.0, np.nan, 2.5], "clicks: expected whole numbers >= 0, got 2.5"),
        (fit_count_scaling, [1.0, -3.0], "clicks: expected whole numbers >= 0, got -3.0"),
    ],
)
def test_what_cannot_be_standardised_is_refused(fit, values, message):
    with pytest.raises(SeriesError, match=message):
        fit(np.array(values), name="clicks")


def test_a_member_for_each_series_or_one_for_all():
    series = [wave(100), wave(50, seed=1), wave(80, seed=2)]
    apart, jointly = make_panel(series), make_panel(series, jointly=True)
    assert (apart.members, jointly.members) == (3, 1)
    assert (apart.values.shape, jointly.values.shape) == ((3, 1, 100), (1, 3, 100))
    np.testing.assert_array_equal(apart.values[:, 0], jointly.values[0])
    np.testing.assert_array_equal(apart.end("train"), [[60], [30], [48]])
    np.testing.assert_array_equal(jointly.start("test"), [[80, 40, 64]])
    np.testing.assert_array_equal(jointly.end("test"), [[100, 50, 80]])
    np.testing.assert_array_equal(jointly.start("train"), [[0, 0, 0]])
    np.testing.assert_array_equal(jointly.scale[0], [each.scale for each in jointly.scalings])
    for row, each, scaling in zip(jointly.values[0], series, apart.scalings, strict=True):
        size = each.values.size
        assert np.isnan(row[size:]).all()
        back = row[:size] * scaling.scale + scaling.loc
        np.testing.assert_allclose(back, each.values, atol=1e-6)


@pytest.mark.parametrize(
    ("series", "settings", "message"),
    [
        ([], {}, "expected at least one series, got none"),
        ([wave(), wave(seed=1), wave()], {}, "expected series of different names, got wave 0"),
        ([wave()], {"lead": 0}, "lead: expected a whole number >= 1, got 0"),
        ([wave()], {"counts": True}, "wave 0: expected whole numbers"),
        ([wave(), wave(2, seed=1)], {}, "wave 1: .* of its 2 points in the part valid"),
        ([wave()], {"split": Split(200, 20)}, "wave 0: .* of its 120 points in the part train"),
    ],
)
def test_what_makes_no_panel_is_refused(series, settings, message):
    with pytest.raises(SeriesError, match=message):
        make_panel(series, **settings)


@pytest.mark.parametrize("value", [0.5, -1.0])
def test_counts_are_whole_numbers_in_every_part(value):
    values = mentions(100).values.copy()
    values[95] = value
    with pytest.raises(SeriesError, match=f"visits: expected whole numbers >= 0, got {value}"):
        make_panel(make_series(values, name="visits"), counts=True)


CUT = jax.jit(cut, static_argnames=("length", "context", "lead"))


@settings(max_examples=12, deadline=None)
@given(
    starts=st.lists(st.integers(-4, 25), min_size=2, max_size=2),
    ends=st.lists(st.integers(0, 25), min_size=2, max_size=2),
    sizes=st.sampled_from([(5, 4, 1), (3, 1, 3), (1, 6, 2)]),
    seed=st.integers(0, 3),
)
def test_windows_are_those_of_a_loop(starts, ends, sizes, seed):
    length, context, lead = sizes
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, 20)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan

    def at(row, i):
        return values[row, i] if 0 <= i < 20 else np.nan

    found = CUT(
        jnp.asarray(values),
        jnp.array([1, 0]),
        jnp.array(starts),
        jnp.array(ends),
        length=length,
        context=context,
        lead=lead,
    )
    for b, row in enumerate((1, 0)):
        for j in range(length):
            target = starts[b] + j
            seen = [at(row, target - lead - back) for back in range(context - 1, -1, -1)]
            np.testing.assert_array_equal(found.inputs[b, j : j + context], seen)
            expected = at(row, target) if target < ends[b] else np.nan
            assert bool(found.known[b, j]) == (not np.isnan(expected))
            assert float(found.targets[b, j]) == np.nan_to_num(expected)
    assert found.inputs.shape == (2, context - 1 + length)
