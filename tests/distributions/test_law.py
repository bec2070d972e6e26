"""A law is its family with its parameters, and nothing more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import (
    Gaussian,
    Law,
    Mixture,
    Moved,
    SplicedBinnedPareto,
    StudentT,
    mixture_of,
)

pytestmark = pytest.mark.usefixtures("quick_compilation")

FAMILY = Moved(SplicedBinnedPareto(np.linspace(-3, 3, 9)), 1.0, 2.0)


def law_of(*shape, family=FAMILY, seed=0):
    raw = np.random.default_rng(seed).normal(size=(*shape, family.num_outputs))
    return Law(family, family.constrain(jnp.asarray(raw, jnp.float32)))


@pytest.fixture(scope="module")
def law():
    return law_of(4, 3)


def test_methods_are_the_familys(law):
    y = jnp.linspace(-3.0, 5.0, 3)
    for method in ("log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps"):
        found = getattr(law, method)(y)
        np.testing.assert_array_equal(found, getattr(FAMILY, method)(law.params, y))
        assert found.shape == law.shape == (4, 3)
    np.testing.assert_array_equal(
        law.log_interval(y, y + 1), FAMILY.log_interval(law.params, y, y + 1)
    )
    for name in ("median", "mean", "variance"):
        np.testing.assert_array_equal(getattr(law, name), getattr(FAMILY, name)(law.params))
    np.testing.assert_allclose(law.twcrps(y), law.crps(y), rtol=1e-4)
    assert law.sample(jax.random.key(0), (5,)).shape == (5, 4, 3)


def test_levels_are_the_last_axes(law):
    levels = np.array([[0.05, 0.5], [0.75, 0.95]])
    found = law.quantile(levels)
    assert found.shape == (4, 3, 2, 2)
    for i in np.ndindex(2, 2):
        np.testing.assert_array_equal(found[:, :, *i], law.quantile(levels[i]))
    np.testing.assert_array_equal(law.interval(0.9), law.quantile([0.05, 0.95]))
    with pytest.raises(ValueError, match=r"probability: expected a number in \(0, 1\), got 90"):
        law.interval(90.0)


@pytest.mark.parametrize(
    "index",
    [
        1,
        -1,
        slice(1, 3),
        slice(None, None, -2),
        slice(0, 0),
        (slice(None), 2),
        np.array([3, 0]),
        jnp.array([3, 0]),
        (None, 2),
        (..., None),
        np.eye(4, 3) > 0,
        np.zeros(4, bool),
    ],
)
def test_indexing_is_that_of_an_array_of_its_shape(law, index):
    found = law[index]
    expected = law.median[index]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.median, expected)


@pytest.mark.parametrize("index", [4, -5, (0, 3), (0, 0, 0), [0, 4], 1.0, "name", np.ones(3, bool)])
def test_an_index_of_none_is_refused(law, index):
    with pytest.raises(IndexError, match=r"index: expected one of distributions of shape \(4, 3\)"):
        law[index]


def test_a_loop_over_a_law_ends(law):
    assert [one.shape for one in law] == [(3,)] * 4


def test_an_index_may_be_traced(law):
    found = jax.jit(lambda one, i: one[i].params.loc)(law, 2)
    np.testing.assert_array_equal(found, law.params.loc[2])


def test_no_probability_of_a_mixture_exceeds_one():
    """Weights sum to 1.0000001 as often as not, and a normal score of that is NaN."""
    family = Mixture(Gaussian(), 5)
    raw = np.random.default_rng(0).normal(size=(500, family.num_outputs))
    law = Law(family, family.constrain(jnp.asarray(raw, jnp.float32)))
    for found in (law.cdf(np.inf), law.sf(-np.inf), law.cdf(60.0)):
        assert found.max() <= 1
        np.testing.assert_allclose(found, 1, rtol=1e-6)


class TestAffine:
    @pytest.mark.parametrize("family", [FAMILY, Gaussian(), StudentT()], ids=["moved", "G", "t"])
    def test_it_is_the_law_of_the_values_in_another_unit(self, family):
        law = law_of(3, family=family)
        other = law.affine(-7.0, 40.0)
        y = np.array([-3.0, 0.5, 60.0], np.float32)
        np.testing.assert_allclose(other.cdf(40 * y - 7), law.cdf(y), rtol=2e-5)
        np.testing.assert_allclose(other.sf(40 * y - 7), law.sf(y), rtol=2e-5)
        np.testing.assert_allclose(
            other.log_prob(40 * y - 7), law.log_prob(y) - np.log(40), rtol=1e-4
        )
        np.testing.assert_allclose(other.quantile(0.9), 40 * law.quantile(0.9) - 7, rtol=1e-5)
        back = other.affine(7 / 40, 1 / 40)
        np.testing.assert_allclose(back.median, law.median, atol=1e-5)
        assert back.family == other.family  # so that laws in any unit share their programs
        assert isinstance(back.family.base, type(getattr(family, "base", family)))

    def test_laws_in_several_units_are_mixed(self):
        """As those of models fitted on several parts of the rows are."""
        law = law_of(3)
        mixed = mixture_of([law.affine(-7.0, 40.0), law.affine(5.0, 3.0)])
        y = np.array([-3.0, 0.5, 60.0], np.float32)
        expected = (law.cdf((y + 7) / 40) + law.cdf((y - 5) / 3)) / 2
        np.testing.assert_allclose(mixed.cdf(y), expected, rtol=2e-5)

    @pytest.mark.parametrize(
        ("loc", "scale"), [(0.0, 0.0), (0.0, -1.0), (np.nan, 1.0), (0, np.inf)]
    )
    def test_what_is_no_unit_is_refused(self, loc, scale):
        with pytest.raises(ValueError, match="loc, scale: expected finite numbers, scale > 0"):
            law_of(1).affine(loc, scale)


def test_parameters_that_broadcast_are_indexed_as_a_whole():
    shared = Law(Gaussian(), Gaussian.Params(jnp.arange(3.0), jnp.float32(2.0)))
    assert len(shared) == 3
    assert shared[1].quantile(0.5) == 1.0
    with pytest.raises(TypeError, match="one, which has no length"):
        len(shared[1])


def test_it_is_a_pytree_and_passes_through_jit(law):
    assert len(jax.tree.leaves(law)) == len(jax.tree.leaves(law.params))
    again = jax.jit(lambda one: jax.tree.map(lambda leaf: leaf + 0, one))(law)
    np.testing.assert_array_equal(again.median, law.median)
    slope = jax.jit(jax.grad(lambda one: one.log_prob(0.5).sum()))(law)
    assert isinstance(slope, Law)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


class TestMixture:
    LOCS, SCALES, WEIGHTS = np.array([-1.0, 2.0, 2.5]), np.array([1.0, 0.5, 3.0]), [1.0, 2.0, 5.0]

    @pytest.fixture
    def law(self):
        parts = zip(self.LOCS, self.SCALES, strict=True)
        laws = [Law(Gaussian(), Gaussian.Params(jnp.full(2, m), jnp.full(2, s))) for m, s in parts]
        return mixture_of(laws, self.WEIGHTS)

    def test_its_distribution_function_is_the_mean_of_theirs(self, law):
        y = np.array([-2.0, 3.0])
        weights = np.array(self.WEIGHTS) / sum(self.WEIGHTS)
        expected = scipy.stats.norm(self.LOCS, self.SCALES).cdf(y[:, None]) @ weights
        np.testing.assert_allclose(law.cdf(y), expected, rtol=1e-5)
        density = scipy.stats.norm(self.LOCS, self.SCALES).pdf(y[:, None]) @ weights
        np.testing.assert_allclose(law.log_prob(y), np.log(density), rtol=1e-5)
        mean = weights @ self.LOCS
        np.testing.assert_allclose(law.mean, [mean] * 2, rtol=1e-6)
        square = weights @ (self.SCALES**2 + self.LOCS**2)
        np.testing.assert_allclose(law.variance, [square - mean**2] * 2, rtol=1e-5)

    def test_its_quantiles_invert_it(self, law):
        levels = np.array([1e-4, 0.1, 0.5, 0.77, 0.999])
        y = law[0].quantile(levels)
        np.testing.assert_allclose(law[0].cdf(y), levels, rtol=1e-4)
        assert law.quantile([0.0, 1.0]).tolist() == [[-np.inf, np.inf]] * 2

    def test_what_does_not_belong_together_is_refused(self):
        one = law_of(2)
        with pytest.raises(ValueError, match="laws: expected at least one, got none"):
            mixture_of([])
        with pytest.raises(ValueError, match=r"of shape \(2,\) throughout, got .* \(3,\) at 1"):
            mixture_of([one, law_of(3)])
        with pytest.raises(ValueError, match="weights: expected 2 numbers > 0"):
            mixture_of([one, one], [1.0, 0.0])


def test_numpyro_has_the_same_density(law):
    pytest.importorskip("numpyro", reason="the extra numpyro is not installed")
    adapter = law[0].to_numpyro()
    np.testing.assert_allclose(adapter.log_prob(0.5), law[0].log_prob(0.5), rtol=1e-6)


class Column:
    """As a data frame has them: no array, but one can be made of it."""

    def __init__(self, numbers):
        self.numbers = np.asarray(numbers)

    def __array__(self, dtype=None, copy=None):
        return self.numbers.astype(dtype or self.numbers.dtype)


@pytest.mark.parametrize("of", [list, tuple, Column], ids=lambda of: of.__name__)
def test_a_list_or_a_column_of_a_data_frame_is_as_good_as_an_array(of):
    few, y = law_of(2, family=Gaussian()), np.array([0.5, 2.0])
    for method in ("log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps", "twcrps"):
        np.testing.assert_array_equal(getattr(few, method)(of(y)), getattr(few, method)(y))
    np.testing.assert_array_equal(few.log_interval(of(y), 3.0), few.log_interval(y, 3.0))


@pytest.mark.parametrize(("y", "found"), [(["a", "b"], "text"), ([None, 1.0], "objects")])
def test_what_is_no_number_is_refused_in_words(y, found):
    with pytest.raises(ValueError, match=f"y: expected numbers, got {found}"):
        law_of(2, family=Gaussian()).cdf(y)


def test_a_law_is_shown_in_a_line(law):
    assert repr(law) == f"Law(shape={law.shape}, family=Moved)"
    assert repr(jax.tree.map(lambda _: None, law)) == "Law(shape=?, family=Moved)"
