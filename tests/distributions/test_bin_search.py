"""Finding bins, masses and points: against NumPy, on many grids, with two orders of derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions.bin_grid import bin_of
from sbp_jax.distributions.bin_search import mass_at, point_at, rank_at

COUNTS = [2, 3, 4, 5, 17, 100, 115, 300, 1000]
random = np.random.default_rng(0)


def grids(count):
    """Even, nearly even, and uneven edges."""
    even = np.linspace(-3.0, 5.0, count + 1)
    width = 8 / count
    jitter = random.uniform(-0.39, 0.39, count + 1) * width
    jitter[[0, -1]] = 0
    uneven = np.cumsum(np.append(-3.0, random.exponential(width, count) + 1e-3))
    return [tuple(x.tolist()) for x in (even, even + jitter, uneven)]


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("count", COUNTS)
def test_bin_of_is_numpy_s_search(count):
    for edges in grids(count):
        inside = random.uniform(edges[0] - 1, edges[-1] + 1, 500)
        before = np.nextafter(edges, -np.inf)
        before[np.abs(before) < 1e-300] = -1e-300  # subnormal numbers count as 0
        y = np.concatenate([inside, edges, before, [-np.inf, np.inf, 1e300]])
        want = np.searchsorted(edges[1:-1], y, side="right")
        np.testing.assert_array_equal(jax.jit(bin_of, static_argnums=0)(edges, y), want)


def test_a_point_that_is_nan_has_some_bin():
    for edges in grids(5):
        assert 0 <= int(bin_of(edges, jnp.asarray(jnp.nan))) < 5


def masses(count, rows):
    """Logits with some empty bins, and their cumulative probabilities from either side."""
    logits = random.normal(size=(rows, count)) * 2
    logits[random.uniform(size=logits.shape) < 0.2] -= 1000
    logits[:, 0] = 0  # so that not all are empty
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    below = np.concatenate([np.zeros((rows, 1)), np.cumsum(p, 1)], 1)
    above = np.concatenate([np.zeros((rows, 1)), np.cumsum(p[:, ::-1], 1)], 1)[:, ::-1]
    return logits, below, above


@pytest.mark.parametrize("count", COUNTS)
def test_masses_and_points_are_numpy_s_interpolation(count):
    edges = np.array(grids(count)[2])
    static = tuple(edges.tolist())
    logits, below, above = masses(count, 40)
    y = random.uniform(edges[0] - 0.1, edges[-1] + 0.1, 40)
    level = random.uniform(1e-3, 0.5, 40)
    for upper, cumulative in ((False, below), (True, above)):
        side = np.full(40, upper)
        rows = zip(y, cumulative, strict=True)
        want = [np.interp(x, edges, c) for x, c in rows]
        found = jax.jit(mass_at, static_argnums=0)(static, logits, y, side)
        np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-14)
        point = jax.jit(point_at, static_argnums=0)(static, logits, level, side)
        # Where bins are empty the inverse jumps; going back is what tells.
        again = jax.jit(mass_at, static_argnums=0)(static, logits, point, side)
        np.testing.assert_allclose(again, level, rtol=1e-11)
        rank = jax.jit(rank_at)(logits, level, side)
        held = cumulative[:, ::-1] if upper else cumulative
        want = np.minimum((held[:, 1:] <= level[:, None]).sum(1), count - 1)
        np.testing.assert_array_equal(rank, want)


def test_many_levels_and_points_broadcast_against_rows():
    edges = grids(17)[0]
    logits = jnp.asarray(masses(17, 6)[0])
    level = jnp.linspace(0.01, 0.5, 9)[:, None]
    side = jnp.full((1, 1), False)
    found = jax.jit(point_at, static_argnums=0)(edges, logits[None], level, side)
    assert found.shape == (9, 6)
    for k in range(9):
        row = point_at(edges, logits, jnp.full(6, level[k, 0]), side[0])
        np.testing.assert_allclose(found[k], row, rtol=1e-13)


@pytest.mark.parametrize("upper", [False, True])
def test_derivatives_of_two_orders_are_differences(upper):
    edges = grids(7)[2]
    logits = random.normal(size=7)
    side = jnp.asarray(upper)
    functions = (
        lambda x: mass_at(edges, x[:7], x[7], side),
        lambda x: point_at(edges, x[:7], 0.25 + 0.01 * x[7], side),
    )
    x = np.append(logits, 1.1)
    for function in functions:
        slope = jax.jit(jax.grad(function))
        steps = 1e-6 * np.eye(8)
        jitted = jax.jit(function)
        want = [(jitted(x + h) - jitted(x - h)) / 2e-6 for h in steps]
        np.testing.assert_allclose(slope(x), want, rtol=1e-6, atol=1e-9)
        curvature = [(slope(x + h) - slope(x - h)) / 2e-6 for h in steps]
        np.testing.assert_allclose(
            jax.jit(jax.hessian(function))(x), curvature, rtol=1e-5, atol=1e-8
        )
        # Forward and backward agree.
        np.testing.assert_allclose(jax.jit(jax.jacfwd(function))(x), slope(x), rtol=1e-12)
