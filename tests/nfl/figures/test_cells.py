from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, Family, Gaussian, SplicedBinnedPareto
from sbp_jax.nfl.figures import CELLS, cell_forecast

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

EDGES = np.arange(-15.5, 100)
FAMILIES: dict[str, Family[Any]] = {
    "spliced": SplicedBinnedPareto(EDGES, tail_mass=0.01, splice="edge"),
    "binned": Binned(EDGES),
    "gaussian": Gaussian(center=7.0, spread=10.0),
}


@pytest.fixture(params=FAMILIES, scope="module")
def case(request):
    family = FAMILIES[request.param]
    raw = jax.random.normal(jax.random.key(0), (5, family.num_outputs))

    @jax.jit
    def both(params):
        edges = jnp.arange(CELLS[0], CELLS[1] + 2) - 0.5
        return cell_forecast(family, params), jax.lax.map(
            lambda edge: family.cdf(params, edge), edges
        )

    return family, *both(family.constrain(raw))


def test_cells_are_differences_of_the_distribution_function(case):
    _, forecast, cdf = case
    np.testing.assert_allclose(forecast.pmf, np.diff(cdf, axis=0).T, atol=2e-6)


def test_the_median_is_the_first_yard_with_half_of_the_probability(case):
    _, forecast, cdf = case
    below = np.asarray(cdf)[1:]
    expected = CELLS[0] + np.argmax(below >= 0.5, axis=0)
    np.testing.assert_array_equal(forecast.median, expected)


def test_only_tails_have_thresholds(case):
    family, forecast, _ = case
    if isinstance(family, SplicedBinnedPareto):
        assert np.all(np.asarray(forecast.lower) < np.asarray(forecast.upper))
    else:
        assert np.isnan(forecast.lower).all()
        assert np.isnan(forecast.upper).all()
