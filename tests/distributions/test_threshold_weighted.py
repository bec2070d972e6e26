"""The threshold-weighted CRPS against numerical integration and plain sums."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto, StudentT
from sbp_jax.distributions.threshold_weighted import count_crps, twcrps

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

EDGES = np.linspace(-2.0, 4.0, 13)
FAMILIES: dict[str, Any] = {
    "spliced": SplicedBinnedPareto(EDGES, tail_mass=0.1),
    "binned": Binned(EDGES),
    "gaussian": Gaussian(),
    "student-t": StudentT(),
}
Y = np.array([-7.0, 0.3, 0.3, 2.0, 9.0, 3.9], np.float32)
LOWER = np.array([-1.0, -3.0, 1.5, 2.0, 5.0, 30.0], np.float32)
GRID = np.concatenate([np.linspace(-10, 40, 20_001), np.geomspace(40, 4e7, 4_001)[1:]])


SLOW = pytest.mark.slow


@pytest.fixture(
    params=["spliced", "binned", "gaussian", pytest.param("student-t", marks=SLOW)], scope="module"
)
def case(request):
    """A family, parameters, both scores of it, and F and S on the grid, in double precision."""
    family = FAMILIES[request.param]
    raw = np.random.default_rng(0).normal(size=(len(Y), family.num_outputs))
    params = family.constrain(jnp.asarray(raw, jnp.float32))

    @jax.jit
    def scores(params, y, lower):
        whole = jnp.full_like(y, -jnp.inf)
        return twcrps(family, params, y, lower), twcrps(family, params, y, whole)

    @jax.jit
    def probabilities(params):
        return jax.lax.map(
            lambda t: (family.cdf(params, t), family.sf(params, t)), jnp.asarray(GRID)
        )

    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
        cdf, sf = (np.asarray(x) for x in probabilities(wide))
    return family, params, scores, cdf, sf


def integrated(cdf, sf, y, lower):
    """Trapezoidal rule, each piece weighed by the part of it above the threshold."""
    squares = np.where(y > GRID, cdf**2, sf**2)
    middle = (GRID[1:] + GRID[:-1]) / 2
    pieces = np.where(middle > lower, (squares[1:] + squares[:-1]) / 2 * np.diff(GRID), 0.0)
    return pieces.sum()


def test_it_is_the_integral_from_the_threshold_on(case):
    _, params, scores, cdf, sf = case
    found = np.asarray(scores(params, Y, LOWER)[0])
    expected = [integrated(cdf[:, b], sf[:, b], Y[b], LOWER[b]) for b in range(len(Y))]
    # The grid is 0.0025 wide at y and the threshold.
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=3e-3)
    assert np.all(found >= 0)


def test_without_a_threshold_it_is_the_crps(case):
    family, params, scores, _, _ = case
    np.testing.assert_allclose(scores(params, Y, LOWER)[1], family.crps(params, Y), rtol=2e-4)


def test_what_happens_below_the_threshold_does_not_matter(case):
    _, params, scores, _, _ = case
    lower = np.full(len(Y), 1.5, np.float32)
    below = np.array([-50.0, -1.0, 0.0, 0.3, 1.0, 1.4], np.float32)
    low = scores(params, below, lower)[0]
    np.testing.assert_array_equal(low, scores(params, np.full(len(Y), 1.4, np.float32), lower)[0])
    assert np.all(low != scores(params, np.full(len(Y), 2.4, np.float32), lower)[0])


def test_mass_may_move_below_the_threshold():
    family = Binned(np.arange(6.0))
    one = family.constrain(jnp.log(jnp.array([[0.1, 0.2, 0.3, 0.2, 0.2]])))
    other = family.constrain(jnp.log(jnp.array([[0.3, 0.05, 0.25, 0.2, 0.2]])))
    y = jnp.array([4.5])
    same, moved = jnp.array([3.0]), jnp.array([2.0])
    np.testing.assert_allclose(
        twcrps(family, one, y, same), twcrps(family, other, y, same), rtol=1e-5
    )
    assert not np.allclose(twcrps(family, one, y, moved), twcrps(family, other, y, moved))


COUNTS: dict[str, Any] = {
    "spliced": SplicedBinnedPareto(np.linspace(0.0, 6.0, 13), (None, 0.05)),
    "binned": Binned(np.linspace(0.0, 6.0, 13)),
    "gaussian": Gaussian(1.0),
    "student-t": StudentT(1.0),
}


@pytest.mark.parametrize(
    ("name", "mean"),  # a mean of 400 has counts beyond those that are summed one by one
    [
        ("binned", 4.0),
        ("gaussian", 4.0),
        ("gaussian", 400.0),
        *(pytest.param(name, 4.0, marks=SLOW) for name in ("spliced", "student-t")),
        *(pytest.param(name, 400.0, marks=SLOW) for name in ("spliced", "binned", "student-t")),
    ],
)
def test_of_counts_it_is_a_sum(name, mean):
    family, cell = COUNTS[name], 1 / (mean + 0.5)
    counts = np.array([0, 1, 3, 9]) * int(mean / 4)
    lower = np.array([0.0, 2, 5, 3]) * int(mean / 4)
    raw = np.random.default_rng(3).normal(size=(4, family.num_outputs))
    params = family.constrain(jnp.asarray(raw, jnp.float32))
    numbers = np.arange(int(300 * mean))

    @jax.jit
    def both(params):
        upper = jnp.asarray((numbers + 1) * cell, jnp.float32)
        sums = jax.lax.map(lambda t: (family.cdf(params, t), family.sf(params, t)), upper)
        found = count_crps(
            family,
            params,
            jnp.asarray((counts + 0.5) * cell, jnp.float32),
            jnp.asarray(lower, jnp.float32),
            cell=jnp.full(4, cell, jnp.float32),
        )
        return *sums, *found

    cdf, sf, whole, tail = (np.asarray(x, np.float64) for x in both(params))
    squares = np.where(numbers[:, None] < counts, cdf**2, sf**2)
    # 300 means hold all but some 1e-3 of the heaviest tail's share here.
    np.testing.assert_allclose(whole, squares.sum(axis=0), rtol=3e-3)
    above = np.where(numbers[:, None] >= lower, squares, 0.0)
    np.testing.assert_allclose(tail, above.sum(axis=0), rtol=3e-3, atol=2e-3)
