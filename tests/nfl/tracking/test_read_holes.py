"""Holes against a loop over plays and players that does the obvious."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sbp_jax.nfl.tracking.fill_holes import fill_holes, find_holes, wrap

PLAYERS = 3


@st.composite
def plays(draw):
    """Offsets, and values with NaN where missing."""
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    shape = (int(offsets[-1]), PLAYERS)
    values = draw(arrays(np.float64, shape, elements=st.floats(-3, 3, width=32)))
    missing = draw(arrays(bool, shape))
    return offsets, np.where(missing, np.nan, values)


def naive(offsets, values, angles):
    """Length of holes, and filled values, one series after the other."""
    lengths, filled = np.zeros(values.shape, int), values.copy()
    for first, last in pairwise(offsets):
        for player in range(PLAYERS):
            series = values[first:last, player]
            there = np.flatnonzero(~np.isnan(series))
            for i in np.flatnonzero(np.isnan(series)):
                before, after = there[there < i], there[there > i]
                low = before[-1] if len(before) else -1
                high = after[0] if len(after) else len(series)
                lengths[first + i, player] = high - low - 1
            if len(there):
                known = np.unwrap(series[there]) if angles else series[there]
                filled[first:last, player] = np.interp(np.arange(len(series)), there, known)
    return lengths, filled


@settings(max_examples=60, deadline=None)
@given(plays(), st.booleans())
def test_against_a_loop(case, angles):
    offsets, values = case
    lengths, expected = naive(offsets, values, angles)
    holes = find_holes(~np.isnan(values), offsets)
    np.testing.assert_array_equal(holes.length, lengths)
    filled = fill_holes(values, holes, angles=angles)
    if angles:
        assert not (np.abs(filled) > np.pi).any()
        filled, expected = np.exp(1j * filled), np.exp(1j * expected)
    np.testing.assert_allclose(filled, expected, atol=1e-6)
    kept = ~np.isnan(values)
    untouched = np.exp(1j * values) if angles else values
    np.testing.assert_array_equal(filled[kept], untouched[kept])


@pytest.mark.parametrize(
    ("start", "end", "middle"), [(3.0, -3.0, np.pi), (-3.0, 3.0, np.pi), (0.5, 1.5, 1.0)]
)
def test_angles_go_the_shorter_way(start, end, middle):
    values = np.array([[start], [np.nan], [end]])
    filled = fill_holes(values, find_holes(~np.isnan(values), np.array([0, 3])), angles=True)
    assert np.cos(filled[1, 0] - middle) == pytest.approx(1)


@given(st.floats(-50, 50))
def test_wrap_keeps_the_direction(angle):
    wrapped = wrap(np.array(angle))
    assert abs(wrapped) <= np.pi
    assert np.exp(1j * wrapped) == pytest.approx(np.exp(1j * angle))
