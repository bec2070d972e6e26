"""What a user may bring from outside: a network, an optimizer, settings that members vary."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.forecast_verdict import forecast_verdict
from sbp_jax.training.forecaster_loss import forecaster_criteria
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.population import fit_population
from sbp_jax.training.program import Head, make_program

pytestmark = pytest.mark.usefixtures("quick_compilation")

CONFIG = TrainConfig(
    epochs=6, batch_size=32, virtual_shards=4, warmup_steps=1, learning_rate=0.1, weight_decay=0.0
)
FAMILY = Gaussian(0.0, 3.0)


class Line(NamedTuple):
    """A network of somebody else's: the two methods that every network has, and no more."""

    outputs: int

    def init(self, key, example):
        return {"slope": 0.1 * jax.random.normal(key, (example.static.shape[-1], self.outputs))}

    def apply(self, params, batch):
        return batch.static @ params["slope"]


@dataclass(frozen=True)
class NoisyLine:
    """One that knows training, and has a setting of its own, which no other network has."""

    line: Line
    noise: Any = 0.0

    varied = {"noise": (0.0, 2.0)}  # noqa: RUF012

    def init(self, key, example):
        return self.line.init(key, example)

    def apply(self, params, batch, *, readout="last"):
        del readout
        return self.line.apply(params, batch)

    def apply_train(self, params, batch, key, *, readout="last"):
        noise = self.noise * jax.random.normal(key, batch.static.shape)
        return self.apply(params, batch._replace(static=batch.static + noise), readout=readout)

    def computing_in(self, precision):
        assert precision == "float32"
        return self

    def with_settings(self, **numbers):
        return replace(self, **numbers)


def placed(config=CONFIG):
    devices = Devices(jax.devices()[:1])
    rng = np.random.default_rng(0)
    for rows in (128, 64):
        static = rng.normal(size=(rows, 2)).astype(np.float32)
        target = np.round(4 * static[:, 0] + rng.normal(size=rows)).astype(np.float32)
        sequence, mask = np.zeros((rows, 1, 1), np.float32), np.ones((rows, 1), bool)
        batch = Batch(sequence, mask, static, target)
        yield place_examples(batch, config, devices, shuffle=rows == 128)


LINE = Forecaster(Line(FAMILY.num_outputs), FAMILY)


def test_another_network_trains_and_forecasts(tmp_path):
    train, valid = placed()
    found = fit(Head(LINE, "density_nll"), train, valid, folder=tmp_path, progress=False)
    scores = [metrics[VALIDATION_SCORE] for metrics in found.history]
    assert min(scores[1:]) < scores[0] - 0.05
    verdict = forecast_verdict(LINE, found.params, valid)
    assert verdict.log_score.mean() == pytest.approx(min(scores), abs=1e-5)
    # Its answer grows with the first column, as the target does.
    assert found.params["slope"][0, 0] > 5 * abs(found.params["slope"][1, 0])


def test_what_a_plain_network_cannot_do_is_told():
    batch = Batch(np.zeros((1, 3, 1)), np.ones((1, 3), bool), np.zeros((1, 2)), np.zeros(1))
    with pytest.raises(TypeError, match="expected an AdjustableNetwork for a readout of all steps"):
        LINE.apply({}, batch, readout="all")
    with pytest.raises(TypeError, match="AdjustableNetwork for precision bfloat16, got Line"):
        LINE.computing_in("bfloat16")
    with pytest.raises(TypeError, match=r"AdjustableNetwork for settings \['dropout'\]"):
        LINE.with_settings(dropout=0.5)


def test_validation_examples_of_another_config_are_refused(tmp_path):
    (train, _), (_, valid) = placed(), placed(replace(CONFIG, batch_size=64))
    with pytest.raises(ValueError, match="valid: expected the config of train"):
        fit(Head(LINE, "density_nll"), train, valid, folder=tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_another_optimizer_takes_the_steps_that_it_would_take():
    rate = 0.25
    train, _ = placed(replace(CONFIG, batch_size=128))
    program = make_program(Head(LINE, "density_nll", optimizer=optax.sgd(rate)), train)
    state = program.init()
    before = jax.device_get(state.params)
    shards = train.shards[0]
    lead = shards.weight.ndim
    rows = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[lead:]), shards.batch)
    loss = forecaster_criteria(LINE, "density_nll").loss
    key = jax.random.key(0)
    gradient = jax.grad(lambda params: jnp.mean(loss(params, rows, key)))(before)
    after, _ = program.epoch(state, train.shards)
    assert int(after.step) == 1
    expected = jax.tree.map(lambda p, g: p - rate * g, before, gradient)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), after.params, expected
    )


def test_a_population_varies_what_the_network_declares():
    train, valid = placed()
    noisy = Forecaster(NoisyLine(LINE.network), FAMILY)
    members = [Hyperparameters(seed=0, network={"noise": noise}) for noise in (0.0, 1.5)]
    quiet, loud = fit_population(Head(noisy, "density_nll"), members, train=train, valid=valid)
    # Whose facts are noise half of the time learns a flatter line.
    assert abs(loud.params["slope"][0, 0]) < 0.9 * quiet.params["slope"][0, 0]


@pytest.mark.parametrize(
    ("member", "optimizer", "message"),
    [
        ({"network": {"noise": 2.5}}, None, r"noise: expected numbers in \[0, 2\), got 2\.5"),
        ({"network": {"dropout": 0.5}}, None, r"expected settings of \['noise'\], got 'dropout'"),
        ({"learning_rate": 0.1}, optax.sgd(0.1), "optimizer: expected None"),
    ],
)
def test_numbers_that_nobody_declares_are_refused(member, optimizer, message):
    train, valid = placed()
    noisy = Forecaster(NoisyLine(LINE.network), FAMILY)
    head = Head(noisy, "density_nll", optimizer=optimizer)
    with pytest.raises(ValueError, match=message):
        fit_population(head, [Hyperparameters(**member)], train=train, valid=valid)
