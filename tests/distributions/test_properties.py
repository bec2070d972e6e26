"""Laws for parameters that nobody chose, by hypothesis."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto
from tests.compilation import jit_as_users

EDGES = (-20.0, -3.0, -1.0, 0.0, 0.5, 4.0, 30.0)
FAMILIES = [
    pytest.param(
        SplicedBinnedPareto(EDGES, tail_mass=(0.1, 0.02), shape_range=(-0.5, 0.95)), id="quantile"
    ),
    pytest.param(SplicedBinnedPareto(EDGES, splice="edge"), id="edge", marks=pytest.mark.slow),
    pytest.param(Binned(EDGES), id="binned"),
    pytest.param(Gaussian(1.0, 10.0), id="gaussian"),
]
LEVELS = jnp.array([1e-5, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 0.999])
ordinary = settings(max_examples=60, deadline=None, derandomize=True)


def raws(largest):
    # Raw numbers for the largest family; the others take the first few.
    return arrays(np.float32, 10, elements=st.floats(-largest, largest, width=32))


@pytest.fixture(params=FAMILIES, scope="module")
def jitted(request):
    family = request.param

    @jit_as_users
    def evaluate(raw, y):
        params = family.constrain(raw[: family.num_outputs])
        quantiles = family.quantile(params, LEVELS)
        return {
            "params": params,
            "cdf": family.cdf(params, y),
            "sf": family.sf(params, y),
            "log_prob": family.log_prob(params, y),
            "log_interval": family.log_interval(params, y[:-1], y[1:]),
            "crps": family.crps(params, y),
            "quantile": quantiles,
            "again": family.cdf(params, quantiles),
            "density": jnp.exp(family.log_prob(params, quantiles)),
        }

    return evaluate


points = arrays(np.float32, 6, elements=st.floats(-1e4, 1e4, width=32)).map(np.sort)


@ordinary
@given(raw=raws(6.0), y=points)
def test_distribution_function_rises_from_zero_to_one(jitted, raw, y):
    got = jitted(raw, y)
    rounding = 1e-6
    assert np.all(np.diff(got["cdf"]) >= -rounding)
    assert np.all(np.diff(got["sf"]) <= rounding)
    assert np.all((got["cdf"] >= 0) & (got["cdf"] <= 1 + rounding))
    np.testing.assert_allclose(got["cdf"] + got["sf"], 1, atol=rounding)
    np.testing.assert_allclose(np.exp(got["log_interval"]), np.diff(got["cdf"]), atol=2e-6)
    assert np.all(got["crps"] >= -1e-5 * (1 + np.abs(y)))


@ordinary
@given(raw=raws(6.0))
def test_quantiles_rise_and_invert(jitted, raw):
    got = jitted(raw, np.zeros(6, np.float32))
    assert np.all(np.diff(got["quantile"]) >= 0)
    # A quantile is rounded to 1e-7 of itself and of the range, which moves F by that times f.
    slack = 3e-6 + 1e-6 * (np.abs(got["quantile"]) + 30) * got["density"]
    assert np.all(np.abs(got["again"] - LEVELS) <= slack)


@ordinary
@given(raw=raws(3.4028234663852886e38), y=points)
def test_any_finite_raw_is_valid(jitted, raw, y):
    got = jitted(raw, y)
    for leaf in jax.tree.leaves(got["params"]):
        assert np.all(np.isfinite(leaf))
    for name in ("cdf", "sf", "log_prob", "log_interval"):
        assert not np.any(np.isnan(got[name])), name
