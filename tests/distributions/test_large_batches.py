"""Values must not depend on how many rows are asked for at once, nor on whether vmap asks.

XLA's CPU compiler has been seen to fuse a softmax and a masked sum over (yards, plays, bins) into
a wrong program, from some hundreds of plays on and with its usual optimisations only.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    Mixture,
    Moved,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.distributions.elementary import weighted_sum
from tests.compilation import jit_as_users

EDGES = np.arange(-15.5, 100)
FAMILIES = [
    pytest.param(SplicedBinnedPareto(EDGES, 0.05), marks=pytest.mark.slow),
    SplicedBinnedPareto(EDGES, 0.01, "edge"),
    Binned(EDGES),
    # Nothing is summed over bins or components in these two.
    pytest.param(Gaussian(5.0, 10.0), marks=pytest.mark.slow),
    pytest.param(StudentT(5.0, 10.0), marks=pytest.mark.slow),
    pytest.param(GaussianMixture(3, 5.0, 10.0), marks=pytest.mark.slow),
    HybridPareto(2, 5.0, 10.0),
    pytest.param(QuantileHead(np.linspace(0.05, 0.95, 19), 5.0, 10.0), marks=pytest.mark.slow),
]
ROWS, YARDS = 700, jnp.arange(-12.0, 90.0, 6.0)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: type(family).__name__)
def test_vmap_over_yards_equals_one_yard_at_a_time(family):
    raw = jax.random.normal(jax.random.key(0), (ROWS, family.num_outputs))
    params = jax.jit(family.constrain)(raw)

    def at(y):
        return {
            "log_prob": family.log_prob(params, y),
            "cdf": family.cdf(params, y),
            "cell": family.log_interval(params, y - 0.5, y + 0.5),
            "crps": family.crps(params, y),
        }

    if isinstance(family, HybridPareto):  # its quadrature over yards and rows takes minutes

        def at(y):
            return {"log_prob": family.log_prob(params, y), "cdf": family.cdf(params, y)}

    # The optimisations are on trial.
    together = jit_as_users(jax.vmap(at))(YARDS)
    alone = jax.jit(at)
    one_at_a_time = [alone(y) for y in YARDS]
    for k, y in enumerate(YARDS):
        for name, value in one_at_a_time[k].items():
            np.testing.assert_allclose(
                together[name][k], value, rtol=2e-5, atol=2e-5, err_msg=f"{name} at {y}"
            )


def test_weighted_sums_of_many_are_not_lost_when_something_follows():
    keys = jax.random.split(jax.random.key(0), 2)
    logits, places = jax.random.normal(keys[0], (256, 5)), jax.random.normal(keys[1], (256, 5))
    grid = jnp.linspace(-5.0, 5.0, 1000)[:, None]

    @jit_as_users
    def found(logits, places, grid):
        each = jax.nn.sigmoid(grid[..., None] - places[None])
        return jnp.minimum(weighted_sum(jax.nn.softmax(logits)[None], each), 1.0)

    weights = np.exp(np.asarray(logits, np.float64))
    weights /= weights.sum(-1, keepdims=True)
    apart = np.asarray(grid, np.float64)[..., None] - np.asarray(places, np.float64)
    exact = (weights / (1 + np.exp(-apart))).sum(-1)
    np.testing.assert_allclose(found(logits, places, grid), exact, rtol=1e-5)


@pytest.mark.parametrize(
    ("family", "method"),
    [
        (Mixture(Moved(Binned(range(-4, 5))), 5), "cdf"),
        (HybridPareto(2), "cdf"),
        (GaussianMixture(5), "crps"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_a_fine_grid_has_the_answers_of_a_few_rows(family, method):
    raw = jax.random.normal(jax.random.key(0), (256, family.num_outputs))
    params, few = jax.jit(family.constrain)(raw), jax.jit(family.constrain)(raw[:2])
    grid = jnp.linspace(-8.0, 8.0, 400)[:, None]

    def in_another_unit(params, y):
        return 2 * getattr(family, method)(params, y) + 1

    many, one = jit_as_users(in_another_unit)(params, grid), in_another_unit(few, grid)
    np.testing.assert_allclose(many[:, :2], one, rtol=2e-5, atol=2e-5)
