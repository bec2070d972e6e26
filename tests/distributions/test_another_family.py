"""A family from outside the package is described, read back and trained like those inside."""

import json
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Binned, family_from, register_family
from sbp_jax.distributions.family import Derived
from sbp_jax.export import describe
from sbp_jax.models.forecaster import NetworkConfig, forecaster_from, make_forecaster
from sbp_jax.training.forecaster_loss import forecaster_criteria
from sbp_jax.training.objective import make_objective


class Params(NamedTuple):
    loc: jax.Array
    scale: jax.Array


@register_family
@dataclass(frozen=True)
class Laplace(Derived):
    center: float = 0.0
    units: tuple[float, ...] = (1.0, 1.0)

    num_outputs = 2

    def constrain(self, raw):
        loc, scale = raw[..., 0], jax.nn.softplus(raw[..., 1])
        return Params(self.center + self.units[0] * loc, self.units[1] * scale)

    def log_prob(self, params, y):
        return -jnp.abs(y - params.loc) / params.scale - jnp.log(2 * params.scale)

    def cdf(self, params, y):
        z = (y - params.loc) / params.scale
        half = 0.5 * jnp.exp(-jnp.abs(z))
        return jnp.where(z < 0, half, 1 - half)

    def sf(self, params, y):
        return self.cdf(params._replace(loc=-params.loc), -y)

    def log_cdf(self, params, y):
        return jnp.log(self.cdf(params, y))

    def log_sf(self, params, y):
        return jnp.log(self.sf(params, y))

    def log_interval(self, params, lo, hi):
        return jnp.log(self.cdf(params, hi) - self.cdf(params, lo))

    def quantile(self, params, q):
        side = jnp.sign(q - 0.5)
        return params.loc - side * params.scale * jnp.log1p(-2 * jnp.abs(q - 0.5))

    def mean(self, params):
        return params.loc

    def variance(self, params):
        return 2 * params.scale**2

    def sample(self, key, params, shape=()):
        return self.quantile(params, jax.random.uniform(key, (*shape, *params.loc.shape)))

    def crps(self, params, y):
        z = jnp.abs(y - params.loc) / params.scale
        return params.scale * (z + jnp.exp(-z) - 0.75)


OBJECTIVES = ("crps", "density_nll", "interval_nll")
FAMILY = Laplace(3.0, (10.0, 5.0))
Y = np.array([-4.0, 0.0, 3.0, 11.0], np.float32)
BATCH = Batch(np.zeros((4, 1, 1)), np.ones((4, 1), bool), np.eye(4, 2, dtype=np.float32), Y)


@pytest.fixture
def forecaster():
    return make_forecaster(NetworkConfig(layers=0, hidden=(3,), dropout=0.0), FAMILY)


def test_its_forecaster_is_described_and_read_back(forecaster):
    described = describe(forecaster.network, FAMILY, static_names="ab", sequence_names="c")
    assert described["family"] == {"name": "Laplace", "center": 3.0, "units": [10.0, 5.0]}
    assert forecaster_from(json.loads(json.dumps(described))) == forecaster


def test_loss_and_score_and_their_gradients(forecaster):
    example = jax.eval_shape(forecaster.init, jax.random.key(0), BATCH)
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: np.float32(0.3 * rng.normal(size=leaf.shape)), example)
    criteria = {name: forecaster_criteria(forecaster, name, cell=1.0) for name in OBJECTIVES}

    def losses(params):
        key = jax.random.key(1)
        return {name: each.loss(params, BATCH, key) for name, each in criteria.items()}

    @jax.jit
    def answer(params):
        score = criteria["crps"].score(params, BATCH)
        return (
            losses(params),
            jax.jacobian(losses)(params),
            score,
            forecaster.predict(params, BATCH),
        )

    found, slopes, score, (loc, scale) = answer(params)
    for name in OBJECTIVES:
        leaves = jax.tree.leaves(slopes[name])
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        assert any(np.any(leaf != 0) for leaf in leaves)
    np.testing.assert_allclose(score, found["interval_nll"], rtol=1e-6)
    density = np.exp(-np.abs(Y - loc) / scale) / (2 * scale)
    np.testing.assert_allclose(found["density_nll"], -np.log(density), rtol=1e-5)


def test_objectives_for_which_it_lacks_something_are_refused():
    for objective, lacking in {
        "smoothed_classification": "bins",
        "base_plus_tail": "thresholds",
        "pinball": "pinball",
    }.items():
        with pytest.raises(TypeError, match=f"{objective}: expected a family with '{lacking}'"):
            make_objective(objective, FAMILY)


def test_a_name_belongs_to_one_class():
    assert register_family(Laplace) is Laplace
    again = type("Laplace", (Laplace,), {"__qualname__": "Laplace", "__module__": __name__})
    assert register_family(again) is again  # as a notebook's cell does when it is run again
    register_family(Laplace)
    with pytest.raises(ValueError, match=r"family: expected a name of its own, got .*Binned"):
        register_family(type("Binned", (Laplace,), {}))
    assert family_from({"name": "Binned", "edges": [0, 1, 2]}) == Binned([0.0, 1.0, 2.0])
