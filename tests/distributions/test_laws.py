"""Laws that every family obeys, tried on the table of cases in conftest.py."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from tests.distributions.case import integrate

DTYPES = [np.float32, np.float64]
LEVELS = np.array([1e-9, 1e-4, 0.003, 0.02, 0.07, 0.3, 0.5, 0.61, 0.85, 0.97, 0.999, 1 - 1e-6])
POINT_METHODS = ["log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps"]


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("dtype", DTYPES)
def test_integrates_to_one(case, dtype):
    cuts = [case.cuts(k) for k in case.sets]

    def density(k, y):
        return np.exp(case("log_prob", k, y, dtype=dtype).astype(np.float64))

    error = 1e-5 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(integrate(density, cuts), 1, atol=error)


def test_density_is_the_derivative_of_the_cdf(case):
    y, rows = case.points(), case.rows(24)
    _, slope = case("cdf", rows, y, slopes=True)
    np.testing.assert_allclose(slope, np.exp(case("log_prob", rows, y)), rtol=1e-10)


def test_cdf_inverts_quantile(case):
    rows = case.rows(LEVELS.size)
    y = case("quantile", rows, LEVELS)
    levels = np.broadcast_to(LEVELS, y.shape)
    np.testing.assert_allclose(case("cdf", rows, y), levels, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(case("sf", rows, y), 1 - levels, rtol=1e-9, atol=1e-15)


def test_quantile_inverts_cdf(case):
    rows, y = case.rows(24), case.points()
    cdf, slope = case("cdf", rows, y), np.exp(case("log_prob", rows, y))
    again = case("quantile", rows, cdf)
    # The rounding of F to 1e-16 moves its inverse by 1e-16 / f.
    assert np.all(np.abs(again - y) < 1e-11 + 4e-16 / slope)


def test_quantile_at_the_ends(case):
    for k in case.sets:
        np.testing.assert_allclose(case("quantile", k, np.array([0.0, 1.0])), case.cuts(k)[[0, -1]])
        assert np.all(np.isnan(case("quantile", k, np.array([-0.1, 1.1, np.nan]))))


def test_logarithms_and_complements_agree(case):
    rows, y = case.rows(24), case.points()
    cdf, sf = case("cdf", rows, y), case("sf", rows, y)
    np.testing.assert_allclose(cdf + sf, 1, rtol=1e-13)
    np.testing.assert_allclose(case("log_cdf", rows, y), np.log(cdf), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(case("log_sf", rows, y), np.log(sf), rtol=1e-9, atol=1e-12)


def test_values_at_infinity(case):
    ends = np.array([-np.inf, np.inf])
    for k in case.sets:
        np.testing.assert_array_equal(case("log_prob", k, ends), [-np.inf, -np.inf])
        np.testing.assert_allclose(case("cdf", k, ends), [0, 1], rtol=1e-15)
        np.testing.assert_allclose(case("sf", k, ends), [1, 0], rtol=1e-15)
        np.testing.assert_allclose(case("log_cdf", k, ends), [-np.inf, 0], atol=1e-15)
        np.testing.assert_allclose(case("log_sf", k, ends), [0, -np.inf], atol=1e-15)


def test_nan_is_passed_on(case):
    for method in POINT_METHODS:
        assert np.isnan(case(method, 0, np.nan)), method


def test_interval_is_the_difference_of_the_cdf(case):
    rows, y = case.rows(24)[..., None], case.points()
    lo, hi = y[:, :, None], y[:, None, :]
    got = np.exp(case("log_interval", rows, lo, hi))
    cdf = case("cdf", case.rows(24), y)
    difference = cdf[:, None, :] - cdf[:, :, None]
    np.testing.assert_allclose(got, np.maximum(difference, 0), rtol=1e-10, atol=1e-15)


def test_interval_with_infinite_ends(case):
    rows, y = case.rows(24), case.points()
    np.testing.assert_allclose(case("log_interval", rows, -np.inf, np.inf), 0, atol=1e-14)
    below, above = case("log_interval", rows, -np.inf, y), case("log_interval", rows, y, np.inf)
    np.testing.assert_allclose(below, case("log_cdf", rows, y), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(above, case("log_sf", rows, y), rtol=1e-10, atol=1e-14)
    for end in (-np.inf, np.inf):
        assert np.all(case("log_interval", rows, end, end) == -np.inf)


def test_narrow_interval_is_density_times_width(case):
    # A power of two, so that y +- width / 2 and their difference are almost free of rounding.
    rows, y, width = case.rows(24), case.points(), 2.0**-20
    got = case("log_interval", rows, y - width / 2, y + width / 2)
    expected = case("log_prob", rows, y) + np.log(width)
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-8)


def test_crps_is_its_integral(case):
    rows = case.rows(4)
    y = case("quantile", rows, np.array([1e-3, 0.2, 0.7, 1 - 1e-4]))
    for j in range(4):
        cuts = [np.unique([*case.cuts(k), y[k, j]]) for k in case.sets]
        below = integrate(
            lambda k, t: case("cdf", k, t) ** 2, [c[c <= y[k, j]] for k, c in enumerate(cuts)]
        )
        above = integrate(
            lambda k, t: case("sf", k, t) ** 2, [c[c >= y[k, j]] for k, c in enumerate(cuts)]
        )
        found = case("crps", rows[:, j], y[:, j])
        np.testing.assert_allclose(found, below + above, rtol=case.crps_error)


def test_moments_are_their_integrals(case):
    # By parts, E Y = c - int_-inf^c F + int_c^inf (1 - F), and likewise E (Y - c)^2: these decay
    # fast enough for quadrature where y f(y) and y^2 f(y) do not.
    mean = np.asarray(case.family.mean(case.params))
    cuts = [np.unique([*case.cuts(k), mean[k]]) for k in case.sets]
    below = [c[c <= mean[k]] for k, c in enumerate(cuts)]
    above = [c[c >= mean[k]] for k, c in enumerate(cuts)]
    left = integrate(lambda k, t: case("cdf", k, t), below)
    right = integrate(lambda k, t: case("sf", k, t), above)
    np.testing.assert_allclose(left, right, rtol=1e-7)
    second = integrate(lambda k, t: 2 * (mean[k] - t) * case("cdf", k, t), below)
    second += integrate(lambda k, t: 2 * (t - mean[k]) * case("sf", k, t), above)
    np.testing.assert_allclose(case.family.variance(case.params), second, rtol=1e-6)


def test_median_halves(case):
    median = case.family.median(case.params)
    np.testing.assert_allclose(case("cdf", np.array(case.sets), median), 0.5, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_samples_follow_the_cdf(case, dtype):
    n = 5_000
    params = jax.tree.map(lambda x: x.astype(dtype), case.params)
    draws = jax.jit(lambda p: case.family.sample(jax.random.key(3), p, (n,)))(params)
    assert draws.shape == (n, len(case.sets))
    assert draws.dtype == dtype
    for k in case.sets:
        level = case("cdf", k, draws[:, k], dtype=dtype).astype(np.float64)
        # Probability of a p-value this small for a right sampler: 1e-4 a set, with a fixed key.
        assert scipy.stats.kstest(level, "uniform").pvalue > 1e-4
        # Tails: a count with mean n / 50 = 100, standard error 10; five of them.
        for tail in (level, 1 - level):
            assert abs(np.sum(tail < 0.02) - n / 50) < 5 * np.sqrt(n / 50)


def test_samples_are_differentiable(light_case):
    case = light_case
    # The pathwise gradient against differences of draws under the same key.
    direction = jax.tree.map(
        lambda x: 1e-6 * np.cos(np.arange(x.size)).reshape(x.shape), case.params
    )
    ahead = jax.tree.map(np.add, case.params, direction)
    back = jax.tree.map(np.subtract, case.params, direction)
    draw = jax.jit(lambda params: case.family.sample(jax.random.key(0), params, (50,)))
    _, slope = jax.jvp(draw, (case.params,), (direction,))
    np.testing.assert_allclose(slope, (draw(ahead) - draw(back)) / 2, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("method", [*POINT_METHODS, "log_interval", "quantile"])
def test_float32_agrees_with_float64(case, method):
    y = case.points()[:, :12]
    arguments = {"quantile": (LEVELS[:-1],), "log_interval": (y - 0.4, y + 0.5)}.get(method, (y,))
    rows = case.rows(arguments[0].shape[-1])
    exact = case(method, rows, *arguments)
    rounded = case(method, rows, *arguments, dtype=np.float32)
    assert rounded.dtype == np.float32
    # Rounding y moves F by f 1e-7 |y|, and where 1 - F is small log(1 - F) by as much over it.
    np.testing.assert_allclose(rounded, exact, rtol=1e-4, atol=3e-5)


def test_transformations_agree(light_case, request):
    case = light_case
    if case.name == "edge" and not request.config.getoption("--slow"):
        pytest.skip("slow; run with --slow")  # of one code with "quantile", which is tried
    y, rows = case.points(), case.rows(24)

    def values(params, y):
        family = case.family
        at_points = {name: getattr(family, name)(params, y) for name in POINT_METHODS}
        return at_points | {"log_interval": family.log_interval(params, y - 0.4, y + 0.5)}

    expected = {name: case(name, rows, y) for name in POINT_METHODS}
    expected["log_interval"] = case("log_interval", rows, y - 0.4, y + 0.5)
    close = {"rtol": 1e-11, "atol": 1e-13}
    both = jax.jit(lambda params, y: (jax.vmap(values)(params, y), values(params, y.T)))
    mapped, broadcast = both(case.params, y)
    chex.assert_trees_all_close(mapped, expected, **close)
    # Batch dimensions of the parameters broadcast against those of y.
    chex.assert_trees_all_close(jax.tree.map(jnp.transpose, broadcast), expected, **close)


@pytest.mark.parametrize("method", POINT_METHODS)
def test_gradients_agree_with_differences(case, method, request):
    own = case.name != "moved spliced" or method == "log_prob"
    if not own and not request.config.getoption("--slow"):
        pytest.skip("slow; run with --slow")  # the others are those of "spliced", moved alike
    y, rows = case.points(), case.rows(24)
    gradient, _ = case(method, rows, y, slopes=True)
    direction = jax.tree.map(
        lambda x: 1e-5 * np.cos(np.arange(x.size)).reshape(x.shape), case.params
    )
    slope = 0.0
    for g, d in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True):
        product = g * d[rows]
        slope = slope + product.reshape(*product.shape[:2], -1).sum(-1)
    ahead, back = (
        dataclasses.replace(
            case, params=jax.tree.map(lambda x, d, s=s: x + s * d, case.params, direction)
        )
        for s in (1, -1)
    )
    change = (ahead(method, rows, y) - back(method, rows, y)) / 2
    np.testing.assert_allclose(slope, change, rtol=1e-4, atol=1e-12)


def test_gradients_are_finite(light_case, request):
    case = light_case
    if case.name != "edge" and not request.config.getoption("--slow"):
        pytest.skip("slow; run with --slow")
    # In float32; far out, on every edge and threshold, and beyond the support.
    cuts = [case.cuts(k)[np.isfinite(case.cuts(k))] for k in case.sets]
    y = np.array([np.resize([-1e6, 1e6, 0.0, *c], 24) for c in cuts], np.float32).T
    q = np.array([0.0, 1e-12, 0.02, 0.1, 0.5, 0.9, 0.98, 1.0], np.float32)[:, None]
    single = jax.tree.map(lambda x: x.astype(np.float32), case.params)

    def total(params, y, width, q):
        values = [getattr(case.family, method)(params, y) for method in POINT_METHODS]
        values += [case.family.log_interval(params, y - width, y + width)]
        values += [case.family.quantile(params, q)]
        return sum(jnp.sum(jnp.where(jnp.isfinite(value), value, 0.0)) for value in values)

    gradients = jax.jit(jax.grad(total, (0, 1, 2, 3)))(single, y, np.full_like(y, 0.5), q)
    for leaf in jax.tree.leaves(gradients):
        assert np.all(np.isfinite(leaf))


def test_params_are_a_pytree(case):
    leaves, structure = jax.tree.flatten(case.params)
    again = jax.tree.unflatten(structure, leaves)
    assert type(again) is case.family.Params
    chex.assert_trees_all_equal(again, case.params)


def test_family_is_a_static_argument(case):
    names = case.family.__dataclass_fields__
    again = type(case.family)(**{name: getattr(case.family, name) for name in names})
    assert again == case.family
    assert hash(again) == hash(case.family)
    chex.clear_trace_counter()
    function = chex.assert_max_traces(lambda family, p, y: family.cdf(p, y), n=1)
    jitted = jax.jit(function, static_argnums=0)
    assert jitted(case.family, case.params, 0.25).shape == (len(case.sets),)
    jitted(again, case.params, 0.5)


@pytest.mark.parametrize("y", [1, 1.0, np.int32(1), np.float32(1), np.ones(1, int)])
def test_kinds_of_numbers_accepted(case, y):
    one = jax.tree.map(lambda x: x[0], case.params)
    value = jax.eval_shape(case.family.cdf, one, y)
    assert value.shape == np.shape(y)
    assert value.dtype == np.float64


def test_compiles_once_per_shape(case):
    # Other values, an equal family made anew, another batch of the same shape: one trace.
    traces = []

    def evaluate(family, params, y):
        traces.append(1)
        return family.log_prob(params, y), family.crps(params, y), family.quantile(params, 0.9)

    jitted = jax.jit(evaluate, static_argnums=0)
    one, other = (jax.tree.map(lambda x, k=k: x[k], case.params) for k in (0, 1))
    again = dataclasses.replace(case.family)
    for family, params, y in ((case.family, one, 0.25), (again, other, -3.0)):
        jitted.trace(family, params, np.float64(y))  # as a call does, but compiles nothing
    assert len(traces) == 1
