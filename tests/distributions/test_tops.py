"""Several tops of one shape against the mixture in which every component repeats the shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Law, Mixture, Moved, SplicedBinnedPareto, Tops
from sbp_jax.distributions.families import describe_family, family_from

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

BASE = Moved(SplicedBinnedPareto([-2.0, -0.5, 0.5, 2.0], 0.1, shape_range=(0.0, 0.5)))
TOPS, REPEATED = Tops(BASE, 3), Mixture(BASE, 3)
RAW = np.random.default_rng(0).normal(size=(4, TOPS.num_outputs)).astype(np.float32)
Y = np.array([-1e4, -1.5, 0.25, 3e3], np.float32)
LEVELS = np.array([1e-4, 0.2, 0.5, 0.999], np.float32)


def repeated(raw):
    """Raw numbers of the mixture: every component gets the shape's."""
    shape, own = np.split(raw[:, 3:], [BASE.base.num_outputs], axis=1)
    shape = np.broadcast_to(shape[:, None], (len(raw), 3, shape.shape[1]))
    each = np.concatenate([shape, own.reshape(len(raw), 3, 2)], axis=2)
    return np.concatenate([raw[:, :3], each.reshape(len(raw), -1)], axis=1)


@pytest.mark.parametrize(
    ("method", "at"),
    [
        *((name, Y) for name in ("log_prob", "cdf", "log_cdf", "sf", "log_sf", "log_window")),
        *((name, None) for name in ("mean", "variance")),
        ("quantile", LEVELS),
        pytest.param("crps", Y, marks=pytest.mark.slow),
    ],
)
def test_each_method_is_the_mixtures(method, at):
    arguments = () if at is None else (at,)
    found, expected = (
        np.asarray(getattr(family, method)(family.constrain(raw), *arguments))
        for family, raw in ((TOPS, RAW), (REPEATED, repeated(RAW)))
    )
    assert found.shape == (4,)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_derivatives_are_the_mixtures():
    """Of raw numbers that components share, the sum over them."""

    def loss(family, raw):
        return -jnp.mean(family.log_window(family.constrain(raw), jnp.asarray(Y)))

    found = np.asarray(jax.grad(lambda raw: loss(TOPS, raw))(RAW))
    each = np.asarray(jax.grad(lambda raw: loss(REPEATED, raw))(repeated(RAW)))
    own = each[:, 3:].reshape(4, 3, -1)
    count = BASE.base.num_outputs
    np.testing.assert_allclose(found[:, :3], each[:, :3], atol=1e-6)
    np.testing.assert_allclose(found[:, 3 : 3 + count], own[:, :, :count].sum(1), atol=1e-6)
    np.testing.assert_allclose(found[:, 3 + count :].reshape(4, 3, 2), own[..., count:], atol=1e-6)


def test_a_law_of_tops_is_indexed_moved_and_drawn_from():
    law = Law(TOPS, TOPS.constrain(RAW))
    assert law.shape == (4,)
    np.testing.assert_allclose(law[1].cdf(Y[1]), law.cdf(Y[1])[1], rtol=1e-6)
    moved = law.affine(100.0, 2.0)
    assert isinstance(moved.family, Tops)
    np.testing.assert_allclose(moved.cdf(100 + 2 * Y), law.cdf(Y), rtol=1e-4, atol=1e-6)
    draws = np.asarray(law.sample(jax.random.key(0), (2000,)))
    assert draws.shape == (2000, 4)
    level = np.asarray(law.cdf(draws))  # uniform: its mean has standard error 0.0065
    np.testing.assert_allclose(level.mean(axis=0), 0.5, atol=4 * 0.0065)


def test_it_is_described_and_found_again():
    assert family_from(describe_family(TOPS)) == TOPS
