"""What a detector does with values, missing ones, scales, and batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.extremes.draws import DETECTOR, LENGTH, PUBLISHED, SERIES, START, judge

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


def same(one, other, rtol=1e-5, atol=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=atol), one, other)


def at(values, where):
    """The series with values put in, whose places count from the start of the stream."""
    x = SERIES.copy()
    x[:, START + np.array(where)] = values
    return x


def test_batch_is_each_series_alone():
    state, steps = judge(SERIES)
    assert steps.alarm.shape == steps.limit.shape == steps.probability.shape == (3, LENGTH, 2)
    for row, series in enumerate(SERIES):
        state_alone, steps_alone = judge(series)
        same(jax.tree.map(lambda part, row=row: part[row], state), state_alone, rtol=1e-4)
        same(jax.tree.map(lambda part, row=row: part[row], steps), steps_alone, rtol=1e-4)


def test_values_one_by_one_are_the_stream():
    state, steps = judge(SERIES)
    follow = DETECTOR.fit(SERIES[:, :START])
    for time in range(LENGTH):
        follow, step = DETECTOR.update(follow, SERIES[:, START + time])
        same(step, jax.tree.map(lambda part, time=time: part[:, time], steps))
    same(follow, state)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e9])
def test_scales_have_the_same_alarms(scale):
    _, steps = judge(SERIES)
    _, scaled = judge(scale * SERIES)
    np.testing.assert_array_equal(scaled.alarm, steps.alarm)
    np.testing.assert_allclose(scaled.limit, scale * steps.limit, rtol=0, atol=1e-3 * scale)
    np.testing.assert_allclose(scaled.probability, steps.probability, rtol=1e-3, atol=1e-6)


def test_numpy_series_far_from_zero_keep_their_digits():
    _, steps = judge(SERIES)
    _, moved = judge(1e9 + SERIES)  # float32 has steps of 64 there
    np.testing.assert_array_equal(moved.alarm, steps.alarm)
    np.testing.assert_allclose(moved.probability, steps.probability, rtol=1e-3, atol=1e-6)


def test_lower_side_is_the_upper_side_of_the_negative():
    _, steps = judge(SERIES)
    _, negative = judge(-SERIES)
    assert np.any(steps.alarm[..., 0] != steps.alarm[..., 1])
    np.testing.assert_array_equal(negative.alarm, steps.alarm[..., ::-1])
    np.testing.assert_allclose(negative.limit, -steps.limit[..., ::-1], rtol=0, atol=1e-4)


def test_missing_values_are_passed_over():
    stream = SERIES[:, START:].copy()
    stream[:, ::3] = np.nan
    late = np.stack([np.append(row[~np.isnan(row)], row[np.isnan(row)]) for row in stream])
    start = DETECTOR.fit(SERIES[:, :START])
    gaps, steps = DETECTOR.run(start, stream)
    none, _ = DETECTOR.run(start, late)
    same(gaps, none)
    missing = np.isnan(stream)
    assert not np.any(steps.alarm[missing])
    assert np.all(np.isnan(steps.probability[missing]))
    assert np.all(np.isfinite(steps.limit))


def test_infinite_values_are_alarms_that_change_nothing():
    state, steps = judge(at([np.inf, -np.inf], [50, 90]))
    without, _ = judge(at(np.nan, [50, 90]))
    same(state, without)
    np.testing.assert_array_equal(steps.alarm[:, [50, 90]], [[[True, False], [False, True]]] * 3)
    np.testing.assert_array_equal(steps.probability[:, 50], [[0, np.nan]] * 3)


def test_published_alarms_change_nothing_at_all():
    state, steps = judge(at([40, -40], [50, 90]), PUBLISHED)
    without, passed = judge(at(np.nan, [50, 90]), PUBLISHED)
    assert np.all(np.any(steps.alarm[:, [50, 90]], axis=-1))
    same(state.window, without.window)
    # The other side counts the value, as one that is not beyond its threshold.
    same(state.tails.peaks, without.tails.peaks)
    np.testing.assert_allclose(steps.limit, passed.limit, rtol=0, atol=0.1)


def test_how_far_out_an_alarm_lies_changes_nothing():
    state, steps = judge(at([40, -40], [50, 90]))
    far, far_steps = judge(at([4e6, -4e6], [50, 90]))
    same(state._replace(level=None), far._replace(level=None))
    np.testing.assert_array_equal(steps.limit, far_steps.limit)


def test_an_alarm_counts_as_a_peak_and_stays_out_of_the_moving_mean():
    x = at(np.nan, np.arange(40, LENGTH))
    x[:, START + np.array([40, 41, 43, 44])] = 0  # as many as are waited for, on both sides
    before, _ = judge(x)
    x[:, START + 42] = 40
    after, steps = judge(x)
    same(after.window, before.window)
    np.testing.assert_array_equal(steps.alarm[:, 42], [[True, False]] * 3)
    tails = after.tails
    np.testing.assert_array_equal(tails.peak_count - before.tails.peak_count, [[1, 0]] * 3)
    np.testing.assert_array_equal(tails.value_count - before.tails.value_count, [[1, 1]] * 3)
    assert np.all(tails.limit[:, 0] > before.tails.limit[:, 0])


def test_a_tail_rarer_than_the_risk_has_its_limit_at_the_threshold_and_still_learns():
    state = DETECTOR.fit(SERIES[:, :START])
    for _ in range(30):  # until the peaks are less than the risk's share of all values
        state, _ = DETECTOR.run(state, np.zeros((3, LENGTH)))
    quiet = state.tails
    assert np.all(quiet.peak_count < 5e-3 * quiet.value_count)
    one = np.full((3, LENGTH), np.nan)
    one[:, :3] = 9, 0, 0
    state, _ = DETECTOR.run(state, one)
    assert np.all(state.tails.limit[:, 0] < 1e-20)
    np.testing.assert_array_equal(state.tails.peak_count - quiet.peak_count, [[1, 0]] * 3)
    loud = np.tile([9.0, 0.0, -9.0, 0.0], (3, LENGTH // 4))
    state, steps = DETECTOR.run(state, loud)
    assert np.all(steps.alarm[:, 0, 0])
    assert np.all(np.isfinite(steps.limit))
    # Alarms count as far as peaks lead up to them, and the share of peaks is the risk's again.
    assert np.all(state.tails.peak_count - quiet.peak_count > LENGTH // 20)
    assert np.all(state.tails.peak_count > 0.8 * 5e-3 * state.tails.value_count)


def test_arrays_on_the_device_are_judged_the_same_by_a_program_compiled_once():
    run = jax.jit(DETECTOR.run)
    for factor in (1, 2):
        start = DETECTOR.fit(factor * SERIES[:, :START])
        got = run(start, jnp.asarray(factor * SERIES[:, START:], jnp.float32))
        want = judge(factor * SERIES)
        same(got, want, rtol=1e-3, atol=1e-3)
    assert run._cache_size() == 1
