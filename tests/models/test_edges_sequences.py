"""Sequences of no length, and masks whose padding comes first, wherever they come in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sbp_jax
from sbp_jax.arrays.inputs import read_inputs
from sbp_jax.batch import Batch, check_batch
from sbp_jax.distributions import Gaussian
from sbp_jax.errors import BatchError, InputError
from sbp_jax.export.inputs import steps
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.tcn import TCN
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

NETWORK = NetworkConfig(features=2, layers=1, hidden=(4,))
ROWS, CHANNELS = 3, 2


def batch_of(length, observed=False):
    rng = np.random.default_rng(0)
    static = rng.normal(size=(ROWS, 1)).astype(np.float32)
    return Batch(
        sequence=rng.normal(size=(ROWS, length, CHANNELS)).astype(np.float32),
        mask=np.full((ROWS, length), observed),
        static=static,
        target=np.zeros(ROWS, np.float32),
    )


@pytest.fixture(scope="module", params=[(), (1,)], ids=["encoder", "step columns"])
def forecaster(request):
    return make_forecaster(NETWORK, Gaussian(), (), request.param)


@pytest.mark.parametrize("length", [0, 4])
def test_parameters_do_not_depend_on_the_length(forecaster, length):
    found, known = (
        jax.eval_shape(forecaster.init, jax.random.key(0), batch_of(n)) for n in (length, 9)
    )
    assert found == known


def test_no_length_is_no_observed_step(forecaster):
    none, unobserved = batch_of(0), batch_of(4)

    @jax.jit
    def answers(key):
        params = forecaster.init(key, unobserved)
        total, gradient = jax.value_and_grad(lambda p: forecaster.apply(p, none).sum())(params)
        return (
            forecaster.apply(params, none),
            forecaster.apply(params, unobserved),
            forecaster.apply(params, none, readout="all"),
            (total, gradient),
        )

    last, expected, dense, derived = answers(jax.random.key(0))
    np.testing.assert_allclose(last, expected, rtol=1e-6)
    assert dense.shape == (ROWS, 0, 2)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(derived))


@pytest.mark.parametrize(("readout", "shape"), [("last", (ROWS, 2)), ("all", (ROWS, 0, 2))])
def test_the_encoder_has_the_zero_state(readout, shape):
    encoder, batch = TCN(features=2, layers=1), batch_of(0)
    run = jax.jit(lambda key: encoder.init_with_output(key, *batch[:2], readout=readout)[0])
    state = run(jax.random.key(0))
    assert state.shape == shape
    assert not state.any()


def left_padded():
    batch = batch_of(4, observed=True)
    batch.mask[1, :2] = False
    return batch


def turned(error):
    """Sequence and mask as the message says, carried out."""
    batch = left_padded()
    what = "x" if isinstance(error, InputError) else "sequence"
    names = {"np": np, what: batch.sequence, "mask": batch.mask}
    exec(str(error).split("steps: ")[1], names)
    return batch._replace(sequence=names[what], mask=names["mask"])


def test_steps_without_features_are_refused():
    with pytest.raises(BatchError, match=r"features in a step, got shape \(2, 3, 0\)"):
        jax.eval_shape(
            TCN(2, 3, 1).init, jax.random.key(0), jnp.zeros((2, 3, 0)), jnp.ones((2, 3), bool)
        )


def test_no_length_comes_in_as_an_array_like_as_a_list():
    listed, array = (
        read_inputs(x, static=np.ones((ROWS, 1)))[0]
        for x in ([np.zeros((0, CHANNELS))] * ROWS, np.zeros((ROWS, 0, CHANNELS)))
    )
    for one, other in zip(listed, array, strict=True):
        np.testing.assert_array_equal(one, other)
    assert listed.mask.shape == (ROWS, 1)


def to_forecaster(batch):
    make_forecaster(NETWORK, Gaussian()).law(None, batch)  # refused before parameters are looked at


WAYS_IN = {
    "check_batch": check_batch,
    "place_examples": lambda batch: place_examples(
        batch,
        TrainConfig(batch_size=1, virtual_shards=1),
        Devices(jax.devices()[:1]),
        shuffle=False,
    ),
    "forecaster": to_forecaster,
    "forecaster, of JAX": lambda batch: to_forecaster(jax.tree.map(jnp.asarray, batch)),
    "training": lambda batch: make_forecaster(NETWORK, Gaussian()).apply_train(
        None, batch, jax.random.key(0)
    ),
    "encoder": lambda batch: TCN(features=2, layers=1).init(jax.random.key(0), *batch[:2]),
    "exported": lambda batch: steps(batch.mask, batch.mask.shape),
    "fit": lambda batch: sbp_jax.fit(batch.sequence, batch.target, mask=batch.mask),
    "fit, a batch": lambda batch: sbp_jax.fit(batch, batch.target),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_padding_first_is_refused_with_how_to_turn_it(way):
    message = "mask: expected observed steps before padding, got padding first in row 1; this turns"
    with pytest.raises((BatchError, InputError), match=message) as caught:
        WAYS_IN[way](left_padded())
    batch = turned(caught.value)
    check_batch(batch)
    assert batch.mask.sum(axis=1).tolist() == [4, 2, 4]
    np.testing.assert_array_equal(batch.sequence[1, :2], left_padded().sequence[1, 2:])
    np.testing.assert_array_equal(batch.sequence[::2], left_padded().sequence[::2])
