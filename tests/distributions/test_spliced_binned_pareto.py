"""The spliced binned-Pareto against its formulas at 50 digits, and what is its own."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from mpmath import mpf

from sbp_jax.distributions import SplicedBinnedPareto
from tests.distributions.exact import Exact

UNEVEN = (-30.0, -12.0, -5.0, -2.0, -0.5, 0.5, 1.0, 4.0, 4.25, 9.0, 20.0, 45.0)
LOGITS = (0.3, -1.0, 0.5, 1.5, -2.0, 4.0, 0.1, -0.7, -30.0, 0.0, -1.2)
TAILS = (0.3, 2.0, 1e-8, 5.0)
Y = np.array([-1e6, -900.0, -40.0, -7.0, -3.0, -0.4, 0.7, 3.0, 4.1, 8.0, 11.0, 60.0, 160.0])
mpmath.mp.dps = 50


def make(dtype, **options):
    family = SplicedBinnedPareto(UNEVEN, **({"tail_mass": (0.01, 0.1)} | options))
    arrays = [jnp.asarray(x, dtype) for x in (LOGITS, *TAILS)]
    return family, family.Params(*arrays)


@functools.cache
def compiled(family, method):
    """Compiled once for each shape of arguments: operation by operation takes longer."""
    return jax.jit(getattr(family, method))


@pytest.mark.parametrize(
    ("splice", "dtype", "error"),
    [
        ("quantile", np.float64, 1e-12),
        ("edge", np.float32, 1e-5),
        pytest.param("quantile", np.float32, 1e-5, marks=pytest.mark.slow),
        pytest.param("edge", np.float64, 1e-12, marks=pytest.mark.slow),
    ],
)
def test_formulas(splice, dtype, error):
    with jax.enable_x64(dtype == np.float64):
        family, params = make(dtype, splice=splice)
        exact = Exact(family, params)
        lower, upper = compiled(family, "thresholds")(params)
        np.testing.assert_allclose(
            [lower, upper], [float(exact.lower), float(exact.upper)], rtol=error
        )
        y = Y.astype(dtype)
        for method in ("log_prob", "cdf", "sf", "log_cdf", "log_sf"):
            want = np.array([float(getattr(exact, method)(mpf(float(x)))) for x in y])
            got = compiled(family, method)(params, y)
            np.testing.assert_allclose(got, want, rtol=error, atol=1e-37, err_msg=method)
        # Cells of width 1, one within a bin (narrow even in float32) and the whole line.
        lo = np.append(y[1:] - dtype(0.5), [4.05, -np.inf]).astype(dtype)
        hi = np.append(y[1:] + dtype(0.5), [4.0625, 1e4]).astype(dtype)
        cells = zip(lo.tolist(), hi.tolist(), strict=True)
        want = np.array([float(exact.log_interval(mpf(near), mpf(far))) for near, far in cells])
        got = compiled(family, "log_interval")(params, lo, hi)
        np.testing.assert_allclose(got, want, rtol=error, atol=error)
        q = np.array([1e-12, 1e-6, 0.009, 0.02, 0.2, 0.51, 0.85, 0.95, 0.9999], dtype)
        want = np.array([float(exact.quantile(mpf(float(x)))) for x in q])
        np.testing.assert_allclose(compiled(family, "quantile")(params, q), want, rtol=error)


def test_interval_in_the_far_tail_is_not_lost():
    # F differs by 1e-18 over this cell: nothing is left of it in a float64 difference.
    with jax.enable_x64(True):
        family, params = make(np.float64)
        exact = Exact(family, params)
        for lo, hi in ((-1e9, -1e9 + 1), (400.0, 401.0), (4.05, 4.05 + 2.0**-40)):
            want = float(exact.log_interval(mpf(lo), mpf(hi)))
            got = compiled(family, "log_interval")(params, lo, hi)
            assert float(got) == pytest.approx(want, rel=1e-11)


def test_tails_in_float32_far_beyond_underflow_of_one_minus_f():
    family, params = make(np.float32)
    log_sf, log_interval = compiled(family, "log_sf"), compiled(family, "log_interval")
    assert -40 < float(log_sf(params, 160.0)) < -30
    assert float(compiled(family, "sf")(params, 160.0)) == pytest.approx(
        float(jnp.exp(log_sf(params, 160.0))), rel=1e-6
    )
    heavy = params._replace(upper_shape=jnp.asarray(0.9))
    assert np.isfinite(log_sf(heavy, 1e30))
    assert float(log_interval(params, 1e5, 1e5 + 1)) == pytest.approx(-2e4, rel=0.01)


def test_bin_far_below_the_mode_keeps_its_probability():
    # exp(-150) is no float32, its logarithm is.
    family = SplicedBinnedPareto(np.arange(7.0))
    logits = jnp.array([0.0, 0.0, 0.0, -150.0, 0.0, 0.0])
    params = compiled(family, "constrain")(jnp.zeros(10))._replace(logits=logits)
    want = -150 - float(jnp.log(5.0))
    value, gradient = jax.jit(jax.value_and_grad(lambda p: family.log_interval(p, 3.0, 4.0)))(
        params
    )
    assert float(value) == pytest.approx(want)
    assert float(compiled(family, "log_prob")(params, 3.5)) == pytest.approx(want)
    np.testing.assert_allclose(gradient.logits, [-0.2, -0.2, -0.2, 1, -0.2, -0.2], atol=1e-6)


def test_thresholds_in_quantile_mode_split_off_exactly_the_masses():
    with jax.enable_x64(True):
        family, params = make(np.float64)
        lower, upper = compiled(family, "thresholds")(params)
        cdf = compiled(family, "cdf")
        assert float(cdf(params, lower)) == pytest.approx(0.01, rel=1e-14)
        assert float(compiled(family, "sf")(params, upper)) == pytest.approx(0.1, rel=1e-14)
        assert float(cdf(params, lower - 1e-13)) == pytest.approx(0.01, rel=1e-11)


def test_threshold_gradient_is_that_of_the_quantile():
    # dt / dlogit_j = -(dF(t) / dlogit_j) / f(t), also where the quantile is exactly on an edge.
    with jax.enable_x64(True):
        family = SplicedBinnedPareto(np.arange(21.0))
        params = compiled(family, "constrain")(jnp.zeros(24))
        upper, slopes = jax.jit(jax.value_and_grad(lambda p: family.thresholds(p)[1]))(params)
        slope = slopes.logits
        assert float(upper) == pytest.approx(19)
        # F(19) moves by p_j (1{j < 19} - 0.95), and f = 0.05.
        want = -((np.arange(20) < 19) - 0.95)
        np.testing.assert_allclose(slope, want, atol=1e-12)


def test_beyond_a_finite_tail_the_density_is_zero():
    family, params = make(np.float32)
    short = params._replace(lower_shape=jnp.asarray(-0.5), upper_shape=jnp.asarray(-0.5))
    functions = [family.log_prob, lambda p, y: family.log_interval(p, y - 0.5, y + 0.5)]
    for function in functions:
        value_and_slopes = jax.jit(jax.value_and_grad(function, (0, 1)))
        for y in (-30.0, 50.0):
            value, gradients = value_and_slopes(short, y)
            assert float(value) == -np.inf
            assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(gradients))


def test_moments_that_do_not_exist():
    family, params = make(np.float32)
    upper = params._replace(upper_shape=jnp.asarray(1.0))
    mean, variance = compiled(family, "mean"), compiled(family, "variance")
    assert float(mean(upper)) == np.inf
    assert float(mean(upper._replace(lower_shape=jnp.asarray(1.2)))) != 0
    assert np.isnan(mean(upper._replace(lower_shape=jnp.asarray(1.2))))
    assert float(variance(params._replace(lower_shape=jnp.asarray(0.5)))) == np.inf
    assert np.isfinite(compiled(family, "crps")(upper, 3.0))


def test_constrain_maps():
    family = SplicedBinnedPareto(np.arange(-10.0, 11.0), tail_mass=(0.05, 0.1))
    constrain = compiled(family, "constrain")
    params = constrain(jnp.zeros(24))
    np.testing.assert_allclose(params[1:], [0.1, 1.0, 0.1, 2.0], rtol=1e-6)
    # The density of equal bins continues into the tails without a jump.
    lower, upper = compiled(family, "thresholds")(params)
    beyond = compiled(family, "log_prob")(params, jnp.array([lower - 1e-4, upper + 1e-4]))
    np.testing.assert_allclose(beyond, np.log(0.05), atol=1e-3)
    low = constrain(jnp.full(24, -1e30))
    np.testing.assert_allclose(low[1:], [0.0, 1e-3, 0.0, 2e-3], rtol=1e-5)
    high = constrain(jnp.full(24, 20.0))
    np.testing.assert_allclose(high.upper_shape, 0.95, rtol=1e-5)
    np.testing.assert_allclose(high.upper_scale, 2 * 20 / np.log(2), rtol=2e-3)
    wide = dataclasses.replace(family, shape_range=(-0.5, 0.05))
    wide = compiled(wide, "constrain")(jnp.zeros(24))
    np.testing.assert_allclose(wide.lower_shape, -0.225, rtol=1e-6)


def test_options_are_stored_as_given():
    family = SplicedBinnedPareto(np.arange(4), 0.1)
    assert family.edges == (0.0, 1.0, 2.0, 3.0)
    assert family.tail_mass == (0.1, 0.1)
    assert family == SplicedBinnedPareto([0, 1, 2, 3], (0.1, 0.1))
    assert family != SplicedBinnedPareto([0, 1, 2, 3], (0.1, 0.2))
    assert family.num_outputs == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edges": [0.0, 1.0]}, r"edges: expected at least 3 numbers in one row, got shape \(2,\)"),
        ({"edges": np.zeros((3, 3))}, r"edges: .* in one row, got shape \(3, 3\)"),
        ({"edges": [0.0, np.nan, 1.0]}, r"edges: expected finite numbers, got \[0.0, nan, 1.0\]"),
        (
            {"edges": [0.0, 2.0, 1.0]},
            "edges: expected strictly increasing numbers, got 2.0 followed by 1.0 at index 1",
        ),
        ({"tail_mass": 0.5}, r"tail_mass: expected a number in \(0, 0.5\) or a pair .* got 0.5"),
        ({"tail_mass": (0.1, 0.0)}, r"tail_mass: .* got \(0.1, 0.0\)"),
        ({"tail_mass": (0.1, 0.1, 0.1)}, "tail_mass: "),
        ({"tail_mass": float("nan")}, "tail_mass: .* got nan"),
        ({"shape_range": (0.5, 0.5)}, r"shape_range: expected .* got \(0.5, 0.5\)"),
        ({"shape_range": (0.0, 2.0)}, r"shape_range: expected .* got \(0.0, 2.0\)"),
    ],
)
def test_static_misuse_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SplicedBinnedPareto(**({"edges": [0.0, 1.0, 2.0]} | options))


def test_edges_that_coincide_in_float32_are_refused():
    family = SplicedBinnedPareto([1e9, 1e9 + 1, 1e9 + 100])
    with pytest.raises(ValueError, match="edges: expected to differ in float32"):
        family.median(family.constrain(jnp.zeros(6)))
