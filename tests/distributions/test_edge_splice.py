"""Splicing at edges: an atom (38 % of passes gain 0 yards) keeps its whole probability."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import SplicedBinnedPareto

EDGES = np.arange(-5.0, 16.0) - 0.5


def with_masses(family, bins, masses):
    p = np.full(20, 1e-9)
    p[list(bins)] = masses
    p[10] += 1 - p.sum()
    raw = jnp.asarray(np.append(np.log(p), np.zeros(4)))
    return family.constrain(raw)


def test_atom_is_not_cut():
    # Quantile mode would put its lower threshold inside the atom in bin 5 (the number 0).
    family = SplicedBinnedPareto(EDGES, tail_mass=0.05, splice="edge")
    params = with_masses(family, [2, 5, 15], [0.01, 0.38, 0.03])
    assert [float(t) for t in family.thresholds(params)] == [-0.5, 5.5]
    atom = jnp.exp(family.log_interval(params, -0.5, 0.5))
    assert float(atom) == pytest.approx(0.38, rel=1e-6)
    assert float(family.cdf(params, -0.5)) == pytest.approx(0.01, rel=1e-5)
    cut = SplicedBinnedPareto(EDGES, tail_mass=0.05)
    assert -0.5 < float(cut.thresholds(params)[0]) < 0.5


def test_full_outermost_bin_goes_to_the_tail():
    family = SplicedBinnedPareto(EDGES, tail_mass=0.05, splice="edge")
    params = with_masses(family, [0], [0.3])
    assert float(family.thresholds(params)[0]) == -4.5
    assert float(family.cdf(params, -4.5)) == pytest.approx(0.3, rel=1e-5)
    assert float(family.quantile(params, 0.1)) < -4.5


def test_tiny_tail_mass_keeps_its_digits():
    family = SplicedBinnedPareto(EDGES, splice="edge")
    raw = jnp.asarray([*[-60.0] * 10, 0.0, *[-100.0] * 9, 0, 0, 0, 0])
    params = family.constrain(raw)
    assert float(family.log_cdf(params, 4.5)) == pytest.approx(-60 + np.log(10), rel=1e-6)
    assert float(family.log_sf(params, 5.5)) == pytest.approx(-100 + np.log(9), rel=1e-6)
    gradient = jax.grad(lambda p: family.log_sf(p, 20.0))(params).logits
    np.testing.assert_allclose(gradient[11:], 1 / 9, rtol=1e-5)
    assert float(gradient[10]) == pytest.approx(-1)


def test_points_on_thresholds():
    # The lower threshold belongs to the body, the upper to its tail.
    family = SplicedBinnedPareto(EDGES, tail_mass=0.05, splice="edge")
    params = with_masses(family, [2, 5, 15], [0.01, 0.38, 0.03])
    lower, upper = family.thresholds(params)
    assert float(family.log_prob(params, lower)) == pytest.approx(np.log(0.38), rel=1e-5)
    mass = float(family.sf(params, upper))
    want = np.log(mass / params.upper_scale)
    assert float(family.log_prob(params, upper)) == pytest.approx(want, rel=1e-5)


def test_both_thresholds_on_one_edge():
    with jax.enable_x64(True):
        family = SplicedBinnedPareto([0.0, 1.0, 3.0], splice="edge")
        params = family.constrain(jnp.asarray([np.log(0.9), np.log(0.1), 0, 0, 0, 0]))
        assert [float(t) for t in family.thresholds(params)] == [1, 1]
        np.testing.assert_allclose(family.cdf(params, jnp.array([1.0, 1e9])), [0.9, 1])
        assert float(family.quantile(params, 0.9)) == pytest.approx(1)
        assert np.isfinite(family.log_prob(params, 1.0))
