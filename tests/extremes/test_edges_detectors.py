"""Detectors that must not go blind, after bursts, anomalies and changes, and far from 0.

All streams of a detector are the series of one run, as a program is compiled for each detector.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from sbp_jax.distributions import Gaussian, Law
from sbp_jax.errors import DetectorError
from sbp_jax.extremes import Spot, SpotState, SpotStep, run_on_law, run_on_residuals
from tests.extremes.draws import DETECTOR, pareto
from tests.extremes.draws import START as START_OF_SHARED

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
START, LENGTH = 2000, 3030
OFFSETS = [(0.0, 1e-9), (1e-9, 1e-9), (1.0, 1e-6), (1e9, 1.0), (-1e9, 1e3), (1e9, 1e9), (0.0, 1e9)]


def the_issues_stream():
    rng = np.random.default_rng(0)
    known = rng.normal(size=START)
    parts = rng.normal(size=1000), 20 + rng.normal(size=30), rng.normal(size=2000)
    x = np.concatenate(parts)
    x[-5] = 10
    return np.append(known, x)


def ordinary():
    return np.random.default_rng(1).normal(size=START + LENGTH)


def added(where, size):
    x = ordinary()
    x[START:][where] += size
    return x


def wider():
    x = ordinary()
    x[START + 500 :] *= 3
    return x


STREAMS = {
    "issue": the_issues_stream(),
    "burst": added(slice(1000, 1200), 20),
    "low burst": added(slice(1000, 1030), 9),
    "repeated": added(slice(100, 2900, 50), 20),
    "often": added(slice(100, 2900, 3), 20),
    "up": added(slice(500, None), 20),
    "far up": added(slice(500, None), 1e9),
    "down": added(slice(500, None), -20),
    "up and back": added(slice(500, 1500), 20),
    "wider": wider(),
    **{f"{at:g} {by:g}": at + by * the_issues_stream() for at, by in OFFSETS},
}
ROWS = {name: row for row, name in enumerate(STREAMS)}


class Judged(NamedTuple):
    spot: Spot
    x: np.ndarray
    start: SpotState
    steps: SpotStep

    def of(self, name):
        """Alarms and limits of a stream, in float64."""
        return self.steps.alarm[ROWS[name], :, 0], self.steps.limit[ROWS[name], :, 0]


@pytest.fixture(
    scope="module",
    params=[Spot(), Spot(risk=1e-3, depth=200)],
    ids=["SPOT", "DSPOT"],
)
def judged(request):
    x = np.stack(list(STREAMS.values()))
    start = request.param.fit(x[:, :START])
    return Judged(request.param, x[:, START:], start, request.param.run(start, x[:, START:])[1])


def test_a_burst_is_found_whole_and_blinds_no_one(judged):
    alarm, limit = judged.of("issue")
    assert np.all(alarm[1000:1030])
    assert alarm[-5]
    assert np.sum(alarm) <= 30 + 1 + 5
    np.testing.assert_allclose(limit, limit[0], rtol=0, atol=0.7)


@pytest.mark.parametrize("name", ["burst", "low burst", "repeated", "often"])
def test_anomalies_are_found_however_long_they_last(judged, name):
    alarm, limit = judged.of(name)
    moved = STREAMS[name][START:] > ordinary()[START:] + 1
    assert np.mean(alarm[moved]) > 0.99
    assert np.mean(alarm[~moved]) < 3e-3
    assert np.all(limit[-900:] < 7)


@pytest.mark.parametrize("name", ["up", "far up", "down", "up and back"])
def test_a_level_that_lasts_is_the_new_one(judged, name):
    alarm, limit = judged.of(name)
    level = np.median(STREAMS[name][-900:])
    # All are alarms until patience ends; falls are none of the upper side.
    assert np.all(alarm[500 : 500 + judged.spot.patience]) == (name != "down")
    assert np.mean(alarm[-900:]) < 6e-3
    assert np.all((limit[-900:] - level > 2) & (limit[-900:] - level < 6))


def test_a_spread_that_lasts_is_learnt(judged):
    alarm, limit = judged.of("wider")
    assert np.mean(alarm[-500:]) < 0.3 * np.mean(ordinary() > limit[0] / 3)
    assert 2 * limit[0] < limit[-1] < 20


def test_ordinary_values_do_not_lock_the_moving_mean():
    # Of draws with a heavy upper tail a few large ones lift the mean of 20 far above the median.
    x = pareto(0.3, (32, START_OF_SHARED + 1600), seed=5)
    _, steps = DETECTOR.run(DETECTOR.fit(x[:, :START_OF_SHARED]), x[:, START_OF_SHARED:])
    alarms = np.sum(steps.alarm, axis=1)
    assert np.all(alarms < 60)
    assert np.mean(alarms) < 1.5 * 1600 * DETECTOR.risk


@pytest.mark.parametrize(("offset", "scale"), OFFSETS)
def test_limits_far_from_0(judged, offset, scale):
    want_alarm, want = judged.of("issue")
    alarm, limit = judged.of(f"{offset:g} {scale:g}")
    assert limit.dtype == np.float64
    got = (limit - offset) / scale
    assert 2.5 < got[0] < 4
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-2)
    np.testing.assert_array_equal(alarm, want_alarm)


def test_limits_far_from_0_of_residuals(judged):
    x = 1e9 + judged.x
    _, steps = run_on_residuals(judged.spot, judged.start, x, jnp.full(x.shape, 1e9))
    near = ROWS["issue"]
    np.testing.assert_allclose(steps.limit[near] - 1e9, judged.steps.limit[near], rtol=0, atol=1e-2)


@pytest.mark.slow
def test_limits_far_from_0_in_a_traced_program_are_two_numbers(judged):
    x = the_issues_stream()
    start = judged.spot.fit(1e9 + x[:START])
    _, steps = jax.jit(lambda state: judged.spot.run(state, 1e9 + x[START:]))(start)
    assert steps.limit.dtype == jnp.float32
    got = np.float64(steps.limit[:, 0]) - 1e9 + np.float64(steps.rest[:, 0])
    alarm, limit = judged.of("issue")
    np.testing.assert_allclose(got, limit, rtol=0, atol=2e-2)
    np.testing.assert_array_equal(steps.alarm[:, 0], alarm)


@pytest.mark.slow
def test_limits_far_from_0_of_laws_of_float64(judged):
    x = the_issues_stream()
    start = judged.spot.fit(x[:START])
    with jax.enable_x64(True):
        z = jnp.asarray(x[START:])
        law = Law(Gaussian(), Gaussian.Params(jnp.full(z.shape, 1e9), jnp.ones(z.shape)))
        _, steps = run_on_law(judged.spot, start, 1e9 + z, law)
        got = np.asarray(steps.limit)[:, 0] - 1e9
    np.testing.assert_allclose(got, judged.of("issue")[1], rtol=0, atol=2e-2)


def test_patience_is_refused_where_there_is_none():
    with pytest.raises(DetectorError, match="patience: expected a whole number >= 1, got 0"):
        Spot(patience=0)


@pytest.mark.parametrize(
    ("axes", "divided"),
    [
        (AxisType.Explicit, "series"),
        pytest.param(AxisType.Explicit, "time", marks=pytest.mark.slow),
        pytest.param(AxisType.Auto, "series", marks=pytest.mark.slow),
    ],
)
def test_values_may_be_divided_over_devices(axes, divided):
    """A mesh's answers are those of one device, whichever kind its axes are of."""
    rng = np.random.default_rng(0)
    many = divided == "series"
    known, stream = (np.float32(rng.normal(size=(8, n) if many else n)) for n in (1000, 64))
    stream[..., 40] = 9
    spot = Spot(risk=1e-3, depth=20)
    state = spot.fit(known)
    mesh = jax.make_mesh((jax.device_count(),), ("b",), axis_types=(axes,))
    placed = jax.device_put(stream, NamedSharding(mesh, PartitionSpec("b")))
    with jax.set_mesh(mesh):
        found = spot.run(state, placed)
        updates = [spot.update, jax.jit(spot.update)] if many else []
        ones = [update(state, placed[:, 0]) for update in updates]
    expected = spot.run(state, stream)
    assert expected[1].alarm[..., 40, 0].all()
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, found, expected)
    for one in ones:
        jax.tree.map(close, one, spot.update(state, stream[:, 0]))
