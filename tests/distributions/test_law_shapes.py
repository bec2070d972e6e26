"""Every method of a law on every family: shapes as stated, for one, none, and many at once."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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
)

EDGES = np.linspace(-3, 3, 7)
FAMILIES = (
    Binned(EDGES),
    Gaussian(),
    GaussianMixture(),
    HybridPareto(),
    Mixture(Gaussian()),
    Moved(SplicedBinnedPareto(EDGES)),
    QuantileHead((0.1, 0.5, 0.9)),
    SplicedBinnedPareto(EDGES),
    StudentT(),
    Tabulated(3),
)
AT_POINTS = ("log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps", "twcrps")


LEVELS = np.array([[0.1, 0.5, np.nan]])


def everything(raw, y, family):
    """Of one law, whatever has a shape."""
    law = Law(family, family.constrain(raw))
    points = [getattr(law, name)(y) for name in AT_POINTS]
    numbers = [law.median, law.mean, law.variance, law.quantile(0.5)]
    draws = law.sample(jax.random.key(0), (5,))
    return [*points, law.log_interval(y, y + 1)], numbers, law.quantile(LEVELS), draws


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(
            one,
            id=type(one).__name__,
            marks=() if isinstance(one, Gaussian | Mixture) else pytest.mark.slow,
        )
        for one in FAMILIES
    ],
)
@pytest.mark.parametrize(("shape", "y_shape", "dtype"), [((), (), "int32"), ((0,), (4, 1), "f4")])
def test_shapes_are_as_stated(family, shape, y_shape, dtype):
    raw = jax.ShapeDtypeStruct((*shape, family.num_outputs), jnp.float32)
    of_family = partial(everything, family=family)
    found = jax.eval_shape(of_family, raw, jax.ShapeDtypeStruct(y_shape, dtype))
    points, numbers, levels, draws = found
    assert {x.shape for x in points} == {np.broadcast_shapes(shape, y_shape)}
    assert {x.shape for x in numbers} == {shape}
    assert levels.shape == (*shape, 1, 3)
    assert draws.shape == (5, *shape)
    assert {x.dtype for x in jax.tree.leaves(found)} == {jnp.dtype("float32")}
