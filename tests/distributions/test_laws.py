"""Laws that every family obeys, tried on the table of cases in conftest.py."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from sbp_jax.distributions import Binned, Gaussian

DTYPES = [np.float32, np.float64]
LEVELS = np.array([1e-9, 1e-4, 0.003, 0.02, 0.07, 0.3, 0.5, 0.61, 0.85, 0.97, 0.999, 1 - 1e-6])
POINT_METHODS = ["log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps"]
FREE_METHODS = ["mean", "variance", "median"]


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def cast(params, dtype):
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), params)


def points(case):
    """A point inside every piece, in random position, and some far out."""
    cuts = case.cuts()
    inner = cuts[np.isfinite(cuts)]
    share = np.random.default_rng(0).uniform(0.1, 0.9, inner.size - 1)
    inside = inner[:-1] + share * np.diff(inner)
    if isinstance(case.family, Binned):
        return inside
    low, high = case.family.quantile(case.params, jnp.array([1e-5, 1 - 1e-4]))
    return np.array([float(low), *inside, float(high)])


def integrate(function, cuts):
    """Integral over all pieces between neighbouring cuts, by SciPy's tanh-sinh quadrature."""
    result = scipy.integrate.tanhsinh(lambda y: np.asarray(function(y)), cuts[:-1], cuts[1:])
    return np.sum(result.integral)


@pytest.mark.parametrize("dtype", DTYPES)
def test_integrates_to_one(case, dtype):
    params = cast(case.params, dtype)
    total = integrate(lambda y: jnp.exp(case.family.log_prob(params, y.astype(dtype))), case.cuts())
    assert total == pytest.approx(1, abs=1e-5 if dtype == np.float32 else 1e-9)


def test_density_is_the_derivative_of_the_cdf(case):
    y = jnp.asarray(points(case))
    slope = jax.vmap(jax.grad(case.family.cdf, argnums=1), (None, 0))(case.params, y)
    np.testing.assert_allclose(slope, jnp.exp(case.family.log_prob(case.params, y)), rtol=1e-10)


def test_cdf_inverts_quantile(case):
    y = case.family.quantile(case.params, LEVELS)
    np.testing.assert_allclose(case.family.cdf(case.params, y), LEVELS, rtol=1e-10)
    np.testing.assert_allclose(case.family.sf(case.params, y), 1 - LEVELS, rtol=1e-9)


def test_quantile_inverts_cdf(case):
    y = points(case)
    again = case.family.quantile(case.params, case.family.cdf(case.params, y))
    np.testing.assert_allclose(again, y, rtol=1e-9, atol=1e-9)


def test_quantile_at_the_ends(case):
    ends = case.family.quantile(case.params, jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(ends, case.cuts()[[0, -1]])
    outside = case.family.quantile(case.params, jnp.array([-0.1, 1.1, np.nan]))
    assert np.all(np.isnan(outside))


def test_logarithms_and_complements_agree(case):
    family, params, y = case.family, case.params, points(case)
    cdf, sf = family.cdf(params, y), family.sf(params, y)
    np.testing.assert_allclose(cdf + sf, 1, rtol=1e-13)
    np.testing.assert_allclose(family.log_cdf(params, y), np.log(cdf), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(family.log_sf(params, y), np.log(sf), rtol=1e-9, atol=1e-12)


def test_values_at_infinity(case):
    family, params, y = case.family, case.params, jnp.array([-jnp.inf, jnp.inf])
    np.testing.assert_array_equal(family.log_prob(params, y), [-np.inf, -np.inf])
    np.testing.assert_array_equal(family.cdf(params, y), [0, 1])
    np.testing.assert_array_equal(family.sf(params, y), [1, 0])
    np.testing.assert_array_equal(family.log_cdf(params, y), [-np.inf, 0])
    np.testing.assert_array_equal(family.log_sf(params, y), [0, -np.inf])


def test_nan_is_passed_on(case):
    for method in POINT_METHODS:
        assert np.isnan(getattr(case.family, method)(case.params, jnp.nan)), method


def test_interval_is_the_difference_of_the_cdf(case):
    family, params, y = case.family, case.params, points(case)
    lo, hi = y[:, None], y[None, :]
    got = jnp.exp(family.log_interval(params, lo, hi))
    difference = family.cdf(params, hi) - family.cdf(params, lo)
    np.testing.assert_allclose(got, np.maximum(difference, 0), rtol=1e-10, atol=1e-15)


def test_interval_with_infinite_ends(case):
    family, params, y = case.family, case.params, points(case)
    whole = family.log_interval(params, -jnp.inf, jnp.inf)
    np.testing.assert_allclose(whole, 0, atol=1e-14)
    below, above = family.log_interval(params, -jnp.inf, y), family.log_interval(params, y, jnp.inf)
    np.testing.assert_allclose(below, family.log_cdf(params, y), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(above, family.log_sf(params, y), rtol=1e-10, atol=1e-14)


def test_narrow_interval_is_density_times_width(case):
    # Relative error of the midpoint rule: width^2 f'' / (24 f), far below the tolerance.
    family, params, y = case.family, case.params, jnp.asarray(points(case))
    width = 1e-6
    got = family.log_interval(params, y - width / 2, y + width / 2)
    # y +- width / 2 is rounded to 1e-16 |y|: relative to the width, 1e-10 |y|.
    expected = family.log_prob(params, y) + jnp.log(width)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8)


def test_crps_is_its_integral(case):
    family, params = case.family, case.params
    for y in [*points(case), *np.asarray(family.quantile(params, jnp.array([0.2, 0.8])))]:
        cuts = np.unique([*case.cuts(), y])
        below, above = cuts[cuts <= y], cuts[cuts >= y]
        lower = integrate(lambda t: family.cdf(params, t) ** 2, below)
        upper = integrate(lambda t: family.sf(params, t) ** 2, above)
        np.testing.assert_allclose(family.crps(params, y), lower + upper, rtol=1e-8)


def test_moments_are_their_integrals(case):
    # By parts, E Y = c - int_-inf^c F + int_c^inf (1 - F), and likewise E (Y - c)^2: these decay
    # fast enough for quadrature where y f(y) and y^2 f(y) do not.
    family, params = case.family, case.params
    mean, variance = float(family.mean(params)), float(family.variance(params))
    cuts = np.unique([*case.cuts(), mean])
    below, above = cuts[cuts <= mean], cuts[cuts >= mean]
    first = integrate(lambda t: family.sf(params, t), above) - integrate(
        lambda t: family.cdf(params, t), below
    )
    assert first == pytest.approx(0, abs=1e-7)
    second = integrate(lambda t: 2 * (t - mean) * family.sf(params, t), above) + integrate(
        lambda t: 2 * (mean - t) * family.cdf(params, t), below
    )
    assert second == pytest.approx(variance, rel=1e-6)


def test_median_halves(case):
    np.testing.assert_allclose(
        case.family.cdf(case.params, case.family.median(case.params)), 0.5, rtol=1e-12
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_follow_the_cdf(case, dtype):
    n = 20_000
    params = cast(case.params, dtype)
    draws = case.family.sample(jax.random.key(3), params, (n,))
    assert draws.dtype == dtype
    level = np.asarray(case.family.cdf(params, draws), np.float64)
    # Probability of a p-value this small for a right sampler: 1e-4 a case, with a fixed key.
    assert scipy.stats.kstest(level, "uniform").pvalue > 1e-4
    # Tails: a count with mean n / 100, standard error sqrt(n / 100) = 14; five of them.
    for tail in (level, 1 - level):
        assert abs(np.sum(tail < 0.01) - n * 0.01) < 5 * np.sqrt(n * 0.01)


def test_sample_shape_and_gradient(case):
    params = jax.tree.map(lambda x: jnp.stack([x, x, x]), cast(case.params, np.float64))
    key = jax.random.key(0)
    assert case.family.sample(key, params, (5, 2)).shape == (5, 2, 3)
    assert case.family.sample(key, params).shape == (3,)
    # The pathwise gradient: differences of draws under the same key.
    direction = jax.tree.map(lambda x: 1e-6 * jnp.cos(jnp.arange(x.size)).reshape(x.shape), params)
    step = jax.tree.map(jnp.add, params, direction)
    back = jax.tree.map(jnp.subtract, params, direction)
    _, slope = jax.jvp(lambda p: case.family.sample(key, p, (50,)), (params,), (direction,))
    change = case.family.sample(key, step, (50,)) - case.family.sample(key, back, (50,))
    np.testing.assert_allclose(slope, change / 2, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("method", [*POINT_METHODS, "quantile", "log_interval", *FREE_METHODS])
def test_transformations_agree(case, method):
    function = getattr(case.family, method)
    params = cast(case.params, np.float64)
    y = jnp.asarray(points(case))
    arguments = {"quantile": (jnp.asarray(LEVELS),), "log_interval": (y - 0.4, y + 0.5)}.get(
        method, () if method in FREE_METHODS else (y,)
    )
    value = function(params, *arguments)
    close = dict(rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(jax.jit(function)(params, *arguments), value, **close)
    single = np.float32(1)
    rounded = function(cast(params, single), *(a.astype(single) for a in arguments))
    assert rounded.dtype == single
    np.testing.assert_allclose(rounded, value, rtol=3e-4, atol=2e-5)
    if not arguments:
        return
    mapped = jax.vmap(function, (None, *(0 for _ in arguments)))(params, *arguments)
    np.testing.assert_allclose(mapped, value, **close)
    gradient = jax.grad(lambda p: jnp.sum(function(p, *arguments)))(params)
    tangent = jax.tree.map(lambda x: jnp.sin(1.0 + jnp.arange(x.size)).reshape(x.shape), params)
    _, slope = jax.jvp(lambda p: jnp.sum(function(p, *arguments)), (params,), (tangent,))
    dots = jax.tree.map(lambda g, t: jnp.sum(g * t), gradient, tangent)
    np.testing.assert_allclose(sum(jax.tree.leaves(dots)), slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", POINT_METHODS)
def test_batch_dimensions_broadcast(case, method):
    function = getattr(case.family, method)
    shifts = np.array([0.0, 0.1, 0.2])
    batch = jax.tree.map(lambda x: x + shifts.reshape((3,) + (1,) * np.ndim(x)), case.params)
    y = points(case)[:, None]
    value = function(batch, y)
    assert value.shape == (y.size, 3)
    for i in range(3):
        one = jax.tree.map(lambda x, i=i: x[i], batch)
        np.testing.assert_allclose(value[:, i], function(one, y[:, 0]), rtol=1e-12, atol=1e-14)


def test_gradient_agrees_with_differences(case):
    family, y = case.family, jnp.asarray(points(case))
    params = cast(case.params, np.float64)
    direction = jax.tree.map(lambda x: 1e-5 * jnp.cos(jnp.arange(x.size)).reshape(x.shape), params)
    step = jax.tree.map(jnp.add, params, direction)
    back = jax.tree.map(jnp.subtract, params, direction)
    for method in POINT_METHODS:
        function = getattr(family, method)
        _, slope = jax.jvp(lambda p, f=function: f(p, y), (params,), (direction,))
        change = (function(step, y) - function(back, y)) / 2
        np.testing.assert_allclose(slope, change, rtol=1e-4, atol=1e-13, err_msg=method)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", [*POINT_METHODS, "log_interval"])
def test_gradients_are_finite(case, method, dtype):
    # Far out, on every edge and threshold, and beyond the support.
    function = getattr(case.family, method)
    cuts = case.cuts()
    y = jnp.asarray([-1e6, *cuts[np.isfinite(cuts)], 0.0, 1e6], dtype)
    arguments = (y - 0.5, y + 0.5) if method == "log_interval" else (y,)
    params = cast(case.params, dtype)

    def total(params, *arguments):
        value = function(params, *arguments)
        return jnp.sum(jnp.where(jnp.isfinite(value), value, 0.0))

    gradients = jax.grad(total, argnums=tuple(range(1 + len(arguments))))(params, *arguments)
    for leaf in jax.tree.leaves(gradients):
        assert np.all(np.isfinite(leaf))


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantile_gradients_are_finite(case, dtype):
    params = cast(case.params, dtype)
    q = jnp.asarray([0.0, 1e-12, 0.05, 0.5, 0.95, 1.0], dtype)

    def total(params, q):
        value = case.family.quantile(params, q)
        return jnp.sum(jnp.where(jnp.isfinite(value), value, 0.0))

    for leaf in jax.tree.leaves(jax.grad(total, argnums=(0, 1))(params, q)):
        assert np.all(np.isfinite(leaf))


def test_params_are_a_pytree(case):
    leaves, structure = jax.tree.flatten(case.params)
    again = jax.tree.unflatten(structure, leaves)
    assert type(again) is case.family.Params
    chex.assert_trees_all_equal(again, case.params)


def test_family_is_static(case):
    assert hash(case.family) == hash(eval_copy(case.family))
    assert case.family == eval_copy(case.family)
    log_prob = jax.jit(lambda family, p, y: family.log_prob(p, y), static_argnums=0)
    assert np.isfinite(log_prob(case.family, case.params, case.family.median(case.params)))


def eval_copy(family):
    names = family.__dataclass_fields__
    return type(family)(**{name: getattr(family, name) for name in names})


def test_traced_once_for_each_shape(case):
    chex.clear_trace_counter()
    function = jax.jit(chex.assert_max_traces(lambda p, y: case.family.log_prob(p, y), n=1))
    for y in (0.25, 0.5):
        function(cast(case.params, np.float64), jnp.asarray(y))


@pytest.mark.parametrize("y", [1, 1.0, np.int32(1), np.float32(1), np.ones(1, int), jnp.ones((1, 1))])
def test_kinds_of_numbers_accepted(case, y):
    assert case.family.cdf(case.params, y).shape == np.shape(y)
    assert case.family.log_prob(case.params, y).dtype == np.float64


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3, 1e30])
def test_constrain_is_total(case, scale):
    if isinstance(case.family, Gaussian) and scale == 1e30:
        scale = 1e10  # a location of 1e30 leaves no float to tell a cell of width 1 apart
    n = case.family.num_outputs
    raw = scale * np.random.default_rng(0).normal(size=(4, n)).clip(-3, 3)
    for dtype in (*DTYPES, jnp.bfloat16):
        params = case.family.constrain(jnp.asarray(raw, dtype))
        assert all(leaf.shape[0] == 4 for leaf in params)
        assert all(leaf.dtype in (np.float32, np.float64) for leaf in params)
        y = np.mean(case.family.edges) if hasattr(case.family, "edges") else 0.0
        value = case.family.log_prob(params, y)
        assert np.all(np.isfinite(value)), value
        assert np.all(np.isfinite(case.family.quantile(params, 0.3)))


def test_raw_of_wrong_length_is_refused(case):
    n = case.family.num_outputs
    message = rf"raw: expected last dimension {n}, got shape \(2, {n + 1}\)"
    with pytest.raises(ValueError, match=message):
        case.family.constrain(jnp.zeros((2, n + 1)))
