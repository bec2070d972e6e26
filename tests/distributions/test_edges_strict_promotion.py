"""Where JAX is told to convert no number unasked, families and training still work."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import sbp_jax
from sbp_jax.distributions import genpareto, genpareto_fit
from sbp_jax.training.objective import make_objective
from tests.distributions.edge_families import ALL, SPLICED
from tests.distributions.test_edges_devices import LEVELS, Y, everything, raw_of


@pytest.fixture(autouse=True)
def _strict():
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        name if name in ("binned", "gaussian") else pytest.param(name, marks=pytest.mark.slow)
        for name in ALL
    ],
)
def test_every_method_can_be_built(name, dtype):
    family = ALL[name]
    with jax.enable_x64(dtype == "float64"):
        raw, y, levels = (jnp.asarray(x, dtype) for x in (raw_of(family), Y, LEVELS))
        jax.eval_shape(lambda *arguments: everything(family, *arguments), raw, y, levels)


def test_the_spliced_family_can_be_built_of_whole_numbers():
    params = SPLICED.constrain(jnp.asarray(raw_of(SPLICED)))
    for method in (SPLICED.log_prob, SPLICED.cdf, SPLICED.crps, SPLICED.log_interval):
        ends = (Y.astype(int),) * (1 + (method == SPLICED.log_interval))
        assert jax.eval_shape(method, params, *ends).dtype == jnp.float32


@pytest.mark.parametrize("name", ["density_nll", "interval_nll", "base_plus_tail", "crps"])
def test_objectives_can_be_built(name):
    def loss(raw):
        return jnp.sum(make_objective(name, SPLICED, 1.0)(SPLICED.constrain(raw), jnp.asarray(Y)))

    jax.eval_shape(jax.grad(loss), jnp.asarray(raw_of(SPLICED)))


def test_the_functions_under_the_families():
    z = np.arange(4)
    np.testing.assert_allclose(genpareto.logsf(z, 0, 1), -z)
    fit = jax.eval_shape(genpareto_fit.grimshaw, jnp.ones(20))
    assert fit.shape.dtype == jnp.float32


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [None, optax.sgd(0.1)])
def test_a_model_is_fitted(optimizer):
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    model = sbp_jax.fit(x, x[:, 0], epochs=1, optimizer=optimizer)
    assert np.isfinite(model(x).quantile([0.1, 0.9])).all()
