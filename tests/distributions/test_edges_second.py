"""Second derivatives against differences of the gradient in float64, which is told from values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Gaussian, SplicedBinnedPareto
from sbp_jax.distributions.score_quadrature import score_integral
from sbp_jax.distributions.threshold_weighted import twcrps
from tests.distributions.edge_families import ALL, methods_of, numbers_of

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")
STEP = 1e-5


def check_second(function, row):
    """Hessian of a function of a row, along one direction, against two gradients."""
    along = np.random.default_rng(3).normal(size=row.shape)

    @jax.jit
    def program(row):
        first = jax.value_and_grad(function)
        (value, slope), (_, change) = jax.jvp(first, (row,), (jnp.asarray(along),))
        return value, slope, change

    here, ahead, behind = (program(row + s * along) for s in (0.0, STEP, -STEP))
    size = 1e-2 + np.abs(here[2]).max()
    level = ahead[0] == behind[0]  # also at -inf, where no bin is
    slope = 0.0 if level else (ahead[0] - behind[0]) / (2 * STEP)
    np.testing.assert_allclose(here[1] @ along, slope, rtol=1e-5, atol=1e-6)
    change = (ahead[1] - behind[1]) / (2 * STEP)
    np.testing.assert_allclose(here[2], change, rtol=1e-4, atol=1e-5 * size)


def test_the_score_of_bins_between_moving_ends():
    bins = SplicedBinnedPareto(range(5)).bins

    def score(row):
        logits, mass, y = row[:4], row[4], row[5]
        low, high = (bins.point(logits, mass, upper=upper) for upper in (False, True))
        return bins.crps(logits, y, low, high, mass, mass)

    with jax.enable_x64(True):
        for y in (1.7, 9.0):
            check_second(score, np.array([0.3, -0.2, 0.5, 0.0, 0.1, y]))


def test_a_score_by_quadrature():
    def score(row):
        return twcrps(Gaussian(), Gaussian.Params(row[0], row[1]), row[2], row[3])

    with jax.enable_x64(True):
        check_second(score, np.array([0.4, 1.3, 1.7, 1.0]))


@pytest.mark.parametrize(("y", "start"), [(0.9, -5.0), (9.0, -5.0), (2.3, 0.4)])
def test_a_score_by_quadrature_whose_density_jumps_at_its_features(y, start):
    """Uniform from m to m + s; the second case's lower end is a feature, too."""

    def score(row):
        m, s, y = row

        def cdf(t):
            return jnp.clip((t - m) / s, 0, 1)

        ends, from_ = jnp.stack([m, m + s]), m if y_out else start
        return score_integral(cdf, lambda t: 1 - cdf(t), y, ends, s[None] + 0 * ends, start=from_)

    def closed(row):
        m, s, y = row
        at = jnp.clip((y - m) / s, 0, 1)
        least = jnp.clip((start - m) / s, 0, 1)
        return s * (at**3 - least**3 + (1 - at) ** 3) / 3 + jnp.maximum(y - m - s, 0)

    y_out = y > 5
    with jax.enable_x64(True):
        row = jnp.array([0.3, 2.5, y])
        check_second(score, row)
        for order in (jax.grad, jax.hessian):
            found, expected = jax.jit(order(score))(row), jax.jit(order(closed))(row)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_method(name):
    family = ALL[name]
    with jax.enable_x64(True):
        row, back = numbers_of(family)
        for method in methods_of(family).values():
            for y in (1.7, 6.1):
                check_second(lambda x, f=method: f(back(x[:-1]), x[-1]), np.append(row, y))
