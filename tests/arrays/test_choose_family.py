"""Which families are tried on a target."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sbp_jax.arrays.choose_family import candidates, moving_bins
from sbp_jax.distributions import SplicedBinnedPareto


@pytest.mark.parametrize("unit", [0.1, 1e-6, 3e5])
@pytest.mark.parametrize("numbers", [[0, 1, 2, 3, 4, 5], [4, 0, 3, 3, 9], [-7, -5, -6]])
def test_every_whole_number_has_a_cell_and_no_other(numbers, unit):
    """Also where the median, which is 0 in standard units, lies halfway between two of them."""
    y = unit * np.array(numbers)
    z = ((y - np.median(y)) / y.std()).astype(np.float32)
    [(family, objective, _)] = candidates(z, unit / y.std())
    edges = np.array(family.edges) * y.std() + np.median(y)
    expected = np.arange(min(numbers), max(numbers) + 2) - 0.5
    np.testing.assert_allclose(edges / unit, expected, atol=1e-3)
    assert objective == "interval_nll"


def test_values_that_recur_want_fixed_bins_too():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 400, 6000).astype(np.float32)
    moved, fixed = candidates(numbers, None)
    assert moved == moving_bins()
    assert isinstance(fixed.family, SplicedBinnedPareto)
    assert candidates(rng.normal(size=6000), None) == [moved]
    assert candidates(numbers[:900], None) == [moved]
    mostly_zero = np.zeros(130_000, np.float32)
    mostly_zero[:250] = np.arange(250)
    assert candidates(mostly_zero, None) == [moved]


def test_a_network_starts_from_narrow_logistic_tops_about_the_middle():
    family, objective, arrangement = moving_bins(bins=20, tops=3, pace=0.1)
    params = family.constrain(arrangement(jnp.zeros(family.num_outputs)))
    np.testing.assert_allclose(params.base.loc, [-0.3, 0.0, 0.3], atol=1e-6)
    np.testing.assert_allclose(params.base.scale, np.exp(-1), rtol=1e-2)
    shape, edges = family.base.base, np.array(family.base.base.edges)[5:-5]
    found = shape.bins.cdf(params.base.base.logits, jnp.asarray(edges))
    law = stats.logistic(scale=0.55)
    low, high = law.cdf([-5, 5])
    np.testing.assert_allclose(found, (law.cdf(edges) - low) / (high - low), atol=1e-5)
    slowed = [i for i, pace in enumerate(arrangement.pace) if pace == 0.1]
    assert slowed == list(range(3, 3 + shape.num_outputs))
    assert objective == "window_nll"
