"""What the quantile head has of its own."""

import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from sbp_jax.distributions.quantile_head import QuantileHead

LEVELS = (0.1, 0.4, 0.75)
FAMILY = QuantileHead(LEVELS, center=2.0, spread=3.0)
QUANTILES = np.array([-1.0, 0.5, 4.0])
# Compiled once for each shape of arguments: operation by operation takes longer.
METHODS = ("log_prob", "log_cdf", "log_sf", "cdf", "crps", "pinball", "quantile")
COMPILED = SimpleNamespace(**{name: jax.jit(getattr(FAMILY, name)) for name in METHODS})
PARAMS = FAMILY.Params(jnp.asarray(QUANTILES, jnp.float32))
# Mass over the density of the neighbouring cell.
LOWER_SCALE, UPPER_SCALE = 0.1 / (0.3 / 1.5), 0.25 / (0.35 / 3.5)
Y = np.array([-4.0, -1.2, -1.0, 0.3, 0.5, 2.0, 3.9, 4.0, 5.0, 30.0])


def cdf(y):
    """The distribution function, written out with NumPy and SciPy."""
    lower = 0.1 * scipy.stats.expon.sf(-1.0 - y, scale=LOWER_SCALE)
    upper = 1 - 0.25 * scipy.stats.expon.sf(y - 4.0, scale=UPPER_SCALE)
    body = np.interp(y, QUANTILES, LEVELS)
    return np.where(y < -1.0, lower, np.where(y < 4.0, body, upper))


def test_cdf_is_the_interpolated_one():
    np.testing.assert_allclose(COMPILED.cdf(PARAMS, Y), cdf(Y), rtol=1e-6)
    np.testing.assert_allclose(COMPILED.quantile(PARAMS, cdf(Y)[:-1]), Y[:-1], rtol=1e-5)
    np.testing.assert_allclose(COMPILED.quantile(PARAMS, np.array(LEVELS)), QUANTILES, rtol=1e-6)


def test_density_is_continuous_at_the_outer_quantiles_only():
    below = COMPILED.log_prob(PARAMS, QUANTILES - 1e-5)
    above = COMPILED.log_prob(PARAMS, QUANTILES + 1e-5)
    assert np.abs(below - above)[[0, 2]].max() < 1e-4
    assert abs(below - above)[1] > 0.1


def test_far_tails_keep_their_digits():
    np.testing.assert_allclose(
        COMPILED.log_sf(PARAMS, 1e6), np.log(0.25) - (1e6 - 4) / UPPER_SCALE, rtol=1e-6
    )
    np.testing.assert_allclose(
        COMPILED.log_cdf(PARAMS, -1e6), np.log(0.1) - (1e6 - 1) / LOWER_SCALE, rtol=1e-6
    )


@pytest.mark.parametrize("y", [-3.0, 1.0, 9.0])
def test_crps_by_quadrature(y):
    def piece(f, a, b):
        cuts = [a, *QUANTILES[(a < QUANTILES) & (b > QUANTILES)], b]
        return sum(scipy.integrate.quad(f, *ends)[0] for ends in itertools.pairwise(cuts))

    want = piece(lambda t: cdf(t) ** 2, -np.inf, y) + piece(lambda t: (1 - cdf(t)) ** 2, y, np.inf)
    score, slope = jax.jit(jax.value_and_grad(FAMILY.crps, 1))(PARAMS, y)
    assert float(score) == pytest.approx(want, rel=1e-5)
    assert float(slope) == pytest.approx(2 * cdf(y) - 1, rel=1e-4)


def test_moments_by_summing_quantiles():
    # The mean of Q(u) and Q(u)^2 over u: 2e6 midpoints leave errors far below the tolerance.
    u = (np.arange(2_000_000) + 0.5) / 2_000_000
    lower = -1.0 + LOWER_SCALE * np.log(np.minimum(u / 0.1, 1))
    upper = 4.0 - UPPER_SCALE * np.log(np.minimum((1 - u) / 0.25, 1))
    draws = np.where(u < 0.1, lower, np.where(u > 0.75, upper, np.interp(u, LEVELS, QUANTILES)))
    assert float(FAMILY.mean(PARAMS)) == pytest.approx(draws.mean(), rel=1e-4)
    assert float(FAMILY.variance(PARAMS)) == pytest.approx(draws.var(), rel=1e-3)


def test_pinball_is_its_formula():
    y = np.array([-2.0, 1.0, 4.0, 7.5])
    error = y[:, None] - QUANTILES
    want = np.where(error >= 0, LEVELS, np.array(LEVELS) - 1) * error
    np.testing.assert_allclose(FAMILY.pinball(PARAMS, y), want.mean(-1), rtol=1e-6)
    slope = jax.grad(FAMILY.pinball)(PARAMS, 1.0).quantiles
    np.testing.assert_allclose(slope, np.array([-0.1, -0.4, 1 - 0.75]) / 3, rtol=1e-6)
    assert np.all(np.isfinite(jax.grad(FAMILY.pinball)(PARAMS, 4.0).quantiles))


def test_pinball_of_many_levels_is_half_the_crps_of_the_normal():
    levels = (np.arange(400) + 0.5) / 400
    family = QuantileHead(levels.tolist())
    params = family.Params(jnp.asarray(scipy.stats.norm.ppf(levels), jnp.float32))
    y = np.array([-2.0, 0.3, 1.5])
    z = scipy.stats.norm
    want = y * (2 * z.cdf(y) - 1) + 2 * z.pdf(y) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(2 * family.pinball(params, y), want, rtol=2e-3)
    np.testing.assert_allclose(family.crps(params, y), want, rtol=2e-3)


def test_raw_zeros_are_the_normal_quantiles():
    got = FAMILY.constrain(jnp.zeros(3)).quantiles
    np.testing.assert_allclose(got, scipy.stats.norm(2, 3).ppf(LEVELS), rtol=1e-6)


def test_first_quantile_is_unconstrained():
    first = FAMILY.constrain(jnp.array([[-7.0, 0.0, 0.0], [9.0, 0.0, 0.0]])).quantiles
    np.testing.assert_allclose(first[1] - first[0], 3 * 16.0, rtol=1e-5)


def test_quantiles_strictly_increase_whatever_the_raw():
    family = QuantileHead(np.linspace(0.02, 0.98, 40).tolist(), center=5.0, spread=2.0)
    random = np.random.default_rng(0).normal(size=(50, 40))
    for scale in (1.0, 100.0, 1e6, 1e30):
        raw = jnp.asarray(scale * random, jnp.float32).clip(-1e30, 1e30)
        assert np.all(np.diff(family.constrain(raw).quantiles, axis=-1) > 0)


def test_ties_are_atoms_with_finite_gradients():
    y, q = jnp.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0]), jnp.linspace(0.1, 0.9, 6)

    @jax.jit
    @jax.grad
    def slope(arguments):
        params, y = arguments
        values = [getattr(FAMILY, name)(params, y) for name in ("log_prob", "log_cdf", "crps")]
        values += [FAMILY.pinball(params, y), FAMILY.quantile(params, q), FAMILY.mean(params)]
        return sum(jnp.sum(jnp.where(jnp.isfinite(v), v, 0.0)) for v in values)

    for tied in ([0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [2.0, 2.0, 2.0]):
        for leaf in jax.tree.leaves(slope((FAMILY.Params(jnp.array(tied)), y))):
            assert np.all(np.isfinite(leaf))
    params = FAMILY.Params(jnp.array([0.0, 1.0, 1.0]))
    got = COMPILED.cdf(params, np.array([0.999, 1.001]))
    np.testing.assert_allclose(got, [0.3997, 1], rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": [0.5]}, r"levels: expected at least 2 numbers in one row, got \[0.5\]"),
        ({"levels": [0.5, 0.5]}, r"levels: expected strictly increasing .* got \[0.5, 0.5\]"),
        ({"levels": [0.0, 0.5]}, r"levels: expected strictly increasing .* got \[0.0, 0.5\]"),
        ({"levels": LEVELS, "spread": 0.0}, "spread: expected a finite number > 0, got 0.0"),
        ({"levels": LEVELS, "center": np.inf}, "center: expected a finite number, got inf"),
    ],
)
def test_static_misuse_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        QuantileHead(**options)
