"""Derivatives where an end, or a point, is infinite: finite, and those of a far one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, Gaussian, Moved
from tests.distributions.edge_families import AT_POINTS, FAMILIES, numbers_of

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
ENDS = np.array([-np.inf, 0.5, 9.0, np.inf])


def test_the_scale_of_a_censored_normal():
    def log_mass(scale):
        return Gaussian().log_interval(Gaussian.Params(jnp.zeros(()), scale), 1.0, jnp.inf)

    slope = jax.grad(log_mass)
    np.testing.assert_allclose(slope(jnp.ones(())), 1.525135, rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_derivative_is_nan(family):
    row, back = numbers_of(family)

    @jax.jit
    def at_points(row, y):
        def values(row, y):
            return jnp.stack([getattr(family, name)(back(row), y) for name in AT_POINTS])

        return values(row, y), jax.jacrev(values, (0, 1))(row, y)

    @jax.jit
    def of_intervals(row, lo, hi):
        def value(row, lo, hi):
            return family.log_interval(back(row), lo, hi)

        return jax.vmap(jax.value_and_grad(value, (0, 1, 2)), (None, 0, 0))(row, lo, hi)

    for y, expected in ((-np.inf, (0, -np.inf, 1, 0)), (np.inf, (1, 0, 0, -np.inf))):
        values, slopes = at_points(row, y)
        np.testing.assert_array_equal(values, [-np.inf, *expected, np.inf])
        for slope in slopes:
            assert np.all(np.isfinite(slope))
    lo, hi = (x.ravel() for x in np.meshgrid(ENDS, ENDS))
    value, slopes = of_intervals(row, lo, hi)
    assert np.all(np.asarray(value)[hi <= lo] == -np.inf)
    for slope in slopes:
        assert np.all(np.isfinite(slope))
    beyond = [np.abs(hi) < np.inf, np.abs(lo) < np.inf]
    for slope, finite in zip(slopes[:0:-1], beyond, strict=True):
        assert np.all(np.asarray(slope)[~finite] == 0)
    _, far = of_intervals(row, np.clip(lo, -1e7, 1e7), np.clip(hi, -1e7, 1e7))
    np.testing.assert_allclose(slopes[0], far[0], rtol=2e-2, atol=1e-5)


def test_the_scale_of_a_moved_score():
    family = Moved(Binned(range(4)))
    base = Binned.Params(jnp.zeros(3))

    def score(scale):
        return family.twcrps(family.Params(jnp.zeros(()), scale, base), jnp.inf, 0.5)

    assert jax.value_and_grad(score)(jnp.ones(())) == (jnp.inf, 0)
