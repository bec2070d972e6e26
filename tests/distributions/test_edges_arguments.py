"""Families' arguments: scalars of NumPy and JAX are numbers, and what is none is refused once."""

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.arrays.choose_family import moving_bins
from sbp_jax.arrays.settings import Settings
from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    Law,
    Mixture,
    Moved,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
    Tabulated,
    Tops,
    mixture_of,
)
from sbp_jax.errors import InputError

EDGES = range(4)
G = Gaussian()
LAW, KEY = Law(G, G.Params(jnp.zeros(()), jnp.ones(()))), jax.random.key(0)
SAME = [
    (Gaussian(jnp.float32(1), np.float32(2)), Gaussian(1.0, 2.0)),
    (Gaussian(np.array(1), jnp.asarray(2)), Gaussian(1, 2)),
    (Gaussian(jnp.bfloat16(1), Fraction(1, 2)), Gaussian(1.0, 0.5)),
    (Gaussian(Decimal(3)), Gaussian(3)),
    (GaussianMixture(np.int64(3), jnp.float32(1)), GaussianMixture(3, 1.0)),
    (HybridPareto(jnp.int32(2), shape_range=np.array([0, 0.5])), HybridPareto(2, 0, 1, (0, 0.5))),
    (StudentT(df_range=jnp.array([2.0, 50.0])), StudentT(df_range=[2, np.float64(50)])),
    (Mixture(G, np.uint8(2)), Mixture(G, 2)),
    (Tops(Moved(G), jnp.int32(2)), Tops(Moved(G), 2)),
    (Moved(G, location=np.bool_(False)), Moved(G, location=jnp.asarray(False))),
    (Moved(G, np.float32(1), jnp.float32(2)), Moved(G, 1, 2)),
    (Tabulated(np.int64(4), spread=jnp.float32(2)), Tabulated(4, spread=2)),
    (QuantileHead(jnp.array([0.25, 0.5])), QuantileHead([np.float32(0.25), 0.5])),
    (Binned(jnp.arange(4)), Binned([np.float32(0), 1, jnp.float32(2), 3])),
    (
        SplicedBinnedPareto(EDGES, np.array([0.05, 0.1]), shape_range=np.array([0, 0.5])),
        SplicedBinnedPareto(EDGES, (0.05, 0.1), shape_range=(0.0, 0.5)),
    ),
    (SplicedBinnedPareto(EDGES, jnp.float32(0.25)), SplicedBinnedPareto(EDGES, 0.25)),
    (
        SplicedBinnedPareto(EDGES, [None, jnp.float32(0.25)]),
        SplicedBinnedPareto(EDGES, (None, 0.25)),
    ),
]


@pytest.mark.parametrize(("given", "plain"), SAME, ids=lambda family: repr(family)[:30])
def test_scalars_are_numbers(given, plain):
    assert given == plain
    assert hash(given) == hash(plain)
    assert copy.deepcopy(given) == pickle.loads(pickle.dumps(given)) == plain
    assert jax.eval_shape(given.constrain, jnp.zeros(given.num_outputs))


def test_a_number_of_draws_is_a_shape():
    for shape in (3, np.int64(3), (3,), [jnp.int32(3)], np.array([3])):
        assert LAW.sample(KEY, shape).shape == (3,)


def test_methods_that_a_base_has_pickle():
    moved = Moved(SplicedBinnedPareto(EDGES, 0.1))
    for method in (moved.log_window, moved.knots, Tops(moved).log_window, Moved(G).entropy):
        again = pickle.loads(pickle.dumps(method))
        assert (again.__self__, again.__name__) == (method.__self__, method.__name__)
    assert not hasattr(Moved(HybridPareto()), "entropy")


def test_settings_may_be_scalars_of_jax():
    given = moving_bins(bins=np.int64(4), tops=jnp.int32(2), pace=jnp.float32(0.5))
    assert given == moving_bins(bins=4, tops=2, pace=0.5)
    with pytest.raises(InputError, match="bins: expected a whole number >= 2, got 1"):
        moving_bins(bins=1)
    assert Settings(batch_size=np.uint8(16), devices=np.uint8(1)).for_rows(28).batch_size == 16


def test_weights_of_a_mixture():
    laws = [Law(G, G.Params(x, 1)) for x in (0, 4)]
    np.testing.assert_allclose(jax.jit(lambda w: mixture_of(laws, w).mean)(jnp.array([1, 3])), 3)
    for weights in ([1, np.inf], [1, np.nan], [1, 0], [1]):
        with pytest.raises(ValueError, match=r"^weights: expected 2 numbers > 0"):
            mixture_of(laws, weights)


REFUSED: dict[str, list[Callable[[], object]]] = {
    "center": [lambda: Gaussian("1"), lambda: Gaussian(np.zeros(1)), lambda: Gaussian(True)],
    "spread": [lambda: Moved(G, spread=1j), lambda: Gaussian(spread=10**400)],
    "components": [lambda: GaussianMixture(2.5), lambda: HybridPareto("2"), lambda: Mixture(G, 0)],
    "points": [lambda: Tabulated(4.0), lambda: Tabulated(True)],
    "df_range": [lambda: StudentT(df_range=3.0), lambda: StudentT(df_range=(2, 3, 4))],
    "shape_range": [lambda: HybridPareto(shape_range=0.5)],
    "levels": [lambda: QuantileHead(["a", "b"]), lambda: QuantileHead([[0.1, 0.2], [0.3]])],
    "edges": [lambda: Binned(["0", "1", "2"]), lambda: SplicedBinnedPareto(None)],
    "tail_mass": [
        lambda: SplicedBinnedPareto(EDGES, np.full(3, 0.1)),
        lambda: SplicedBinnedPareto(EDGES, "0.1"),
        lambda: SplicedBinnedPareto(EDGES, np.full((2, 2), 0.1)),
    ],
    "location": [lambda: Moved(G, location="no")],
    "shape": [partial(LAW.sample, KEY, wrong) for wrong in (-1, "ab", None, 2.5, (2, -1))],
    "probability": [lambda: LAW.interval("a")],
    "low": [lambda: LAW.log_interval("0", 1.0)],
}


@pytest.mark.parametrize(
    ("name", "make"), [(name, make) for name, makes in REFUSED.items() for make in makes]
)
def test_what_is_none_is_refused_by_name(name, make):
    with pytest.raises(InputError, match=f"^{name}: expected .*, got"):
        make()


TRACED = {
    "center": Gaussian,
    "spread": lambda x: Tabulated(3, 0.0, x),
    "components": lambda x: GaussianMixture(x.astype(int)),
    "df_range": lambda x: StudentT(df_range=(1.5, x)),
    "shape_range": lambda x: HybridPareto(shape_range=(0.0, x)),
    "levels": lambda x: QuantileHead([0.1, x]),
    "edges": lambda x: Binned(jnp.stack([-x, x, 2 * x])),
    "location": lambda x: Moved(G, location=x > 0),
    "probability": lambda x: Law(G, G.constrain(jnp.zeros(2))).interval(x),
    "loc": lambda x: Law(G, G.constrain(jnp.zeros(2))).affine(x, 1.0),
    "probabilities": lambda x: Law.from_bins([0, 1, 2], jnp.stack([x, 1 - x])),
    "values": lambda x: Law.from_quantiles([0.1, 0.9], jnp.stack([x, x])),
}


@pytest.mark.parametrize("name", TRACED)
def test_what_is_traced_where_it_may_not_be_says_so(name):
    with pytest.raises(InputError, match=f"^{name}: expected .* known when .*, got a traced one"):
        jax.jit(lambda x: TRACED[name](x) and x)(jnp.float32(0.9))


def test_tail_masses_may_be_traced_as_an_array():
    def upper(masses):
        family = SplicedBinnedPareto(EDGES, masses)
        return family.thresholds(family.constrain(jnp.zeros(7)))[1]

    np.testing.assert_allclose(jax.jit(upper)(jnp.array([0.05, 0.1])), 2.7, rtol=1e-6)
