"""Tail masses and label smoothing as traced numbers give what static ones give."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.training.objective import make_objective

EDGES = np.arange(-3.5, 4)
MASSES = (0.01, 0.3)
RAW = jax.random.normal(jax.random.key(0), (6, 11))
Y = jnp.array([-9.0, -2.0, 0.0, 1.0, 3.4, 40.0])


def losses(family, params):
    """What training and the choice of epochs need."""
    return {
        "params": params,
        "log_interval": family.log_interval(params, Y - 0.5, Y + 0.5),
        "base_plus_tail": make_objective("base_plus_tail", family, 1.0)(params, Y),
    }


def everything(family, params):
    """What else depends on the tail mass."""
    return {
        "thresholds": family.thresholds(params),
        "cdf": family.cdf(params, Y),
        "quantile": family.quantile(params, jnp.array([0.001, 0.02, 0.5, 0.9, 0.97, 0.9999])),
        "crps": family.crps(params, Y),
        "sample": family.sample(jax.random.key(1), params, (2,)),
        "gradient": jax.grad(lambda p: -jnp.sum(family.log_interval(p, Y - 0.5, Y + 0.5)))(params),
    }


@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize(
    ("splice", "of"),
    [
        ("edge", losses),
        *(
            pytest.param(splice, of, marks=pytest.mark.slow)
            for splice, of in [("quantile", losses), ("quantile", everything), ("edge", everything)]
        ),
    ],
)
def test_traced_masses_give_the_numbers_of_static_ones(splice, of):
    def of_mass(mass):
        family = SplicedBinnedPareto(EDGES, mass, splice)
        return of(family, family.constrain(RAW))

    traced = jax.jit(jax.vmap(of_mass))(jnp.array(MASSES))
    for i, mass in enumerate(MASSES):
        static = jax.jit(lambda mass=mass: of_mass(mass))()
        for name in static:
            found = jax.tree.leaves(jax.tree.map(lambda leaf, i=i: leaf[i], traced[name]))
            for a, b in zip(found, jax.tree.leaves(static[name]), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6, err_msg=name)


@pytest.mark.usefixtures("quick_compilation")
def test_one_traced_side():
    def below(mass):
        family = SplicedBinnedPareto(EDGES, (mass, None))
        return family.cdf(family.constrain(RAW[:, :9]), family.edges[0])

    static = below(0.05)
    np.testing.assert_allclose(jax.jit(below)(0.05), static, rtol=1e-5)
    assert not np.allclose(jax.jit(below)(0.2), static, rtol=1e-2)


def test_values_are_checked_as_long_as_there_are_any():
    with pytest.raises(ValueError, match="tail_mass: expected a number in"):
        jax.jit(lambda mass: SplicedBinnedPareto(EDGES, (mass, 0.7)).edges)(0.1)
    with pytest.raises(ValueError, match="smoothing: expected a number in"):
        make_objective("smoothed_classification", SplicedBinnedPareto(EDGES), smoothing=0.5)


def test_traced_smoothing_gives_the_numbers_of_the_static_one():
    family = SplicedBinnedPareto(EDGES)
    params = family.constrain(RAW)

    def losses(smoothing):
        objective = make_objective("smoothed_classification", family, smoothing=smoothing)
        return objective(params, Y)

    traced = jax.vmap(losses)(jnp.array([0.0, 0.1, 0.4]))
    for found, smoothing in zip(traced, (0.0, 0.1, 0.4), strict=True):
        np.testing.assert_allclose(found, losses(smoothing), rtol=1e-6)
