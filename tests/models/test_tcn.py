"""The encoder: causality, masking, receptive field, and the two readings against each other."""

import functools

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.models.causal_conv import backward_conv, causal_conv
from sbp_jax.models.tcn import TCN, newest_first, receptive_field

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation")

# (steps, layers, kernel size): one step, fewer steps than dilations, odd counts, even kernels
SIZES = [
    (1, 2, 3),
    (5, 1, 3),
    (7, 3, 4),
    (9, 2, 2),
    *(
        pytest.param(size, marks=pytest.mark.slow)
        for size in ((64, 5, 3), (7, 3, 3), (40, 4, 2), (33, 6, 4))
    ),
]


def random_params(model, x, mask, rng):
    """Parameters of which none is 0, as half of those of the second convolutions are at first."""

    def random(leaf):
        inputs = np.prod(leaf.shape[:-1]) if len(leaf.shape) > 1 else 4
        return (rng.normal(size=leaf.shape) * np.sqrt(2 / inputs)).astype(np.float32)

    # Shapes alone, since initialising would compile each of many small functions.
    return jax.tree.map(random, jax.eval_shape(model.init, jax.random.key(0), x, mask))


def make(steps, layers, kernel_size, *, batch=5, channels=3, features=8, seed=0):
    """An encoder with all branches open, an input, and masks of every length."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, steps, channels)).astype(np.float32)
    lengths = np.append(rng.integers(0, steps + 1, batch - 2), [0, steps])
    mask = np.arange(steps)[None] < lengths[:, None]
    model = TCN(features=features, layers=layers, kernel_size=kernel_size)
    params = random_params(model, x, mask, rng)
    return model, params, jnp.asarray(x), jnp.asarray(mask), lengths


@functools.partial(jax.jit, static_argnums=0)
def both_readings(model, params, x, mask):
    return tuple(model.apply(params, x, mask, readout=readout) for readout in ("last", "all"))


@pytest.mark.parametrize(("dilation", "kernel_size"), [(1, 3), (2, 3), (4, 2), (3, 1)])
def test_causal_conv_equals_library_convolution(dilation, kernel_size):
    x = np.random.default_rng(1).normal(size=(2, 11, 3)).astype(np.float32)
    layer = nn.Conv(4, (kernel_size,), kernel_dilation=(dilation,), padding="CAUSAL")
    params = layer.init(jax.random.key(0), x)
    ours = causal_conv(x, params["params"]["kernel"], params["params"]["bias"], dilation)
    np.testing.assert_allclose(ours, layer.apply(params, x), atol=1e-5)


def test_backward_conv_is_causal_conv_seen_from_the_end():
    rng = np.random.default_rng(2)
    x = jnp.asarray(rng.normal(size=(2, 12, 3)).astype(np.float32))
    kernel = jnp.asarray(rng.normal(size=(3, 3, 4)).astype(np.float32))
    bias = jnp.ones(4)
    forward = causal_conv(x, kernel, bias)[:, ::-1][:, ::2]
    backward = backward_conv(x[:, ::-1], kernel, bias, stride=2, outputs=6)
    np.testing.assert_allclose(backward, forward, atol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_reading_the_last_step_equals_the_dense_reading(size):
    model, params, x, mask, lengths = make(*size)

    def last_of_dense(params, x):
        dense = model.apply(params, x, mask, readout="all")
        picked = dense[jnp.arange(len(lengths)), jnp.maximum(lengths - 1, 0)]
        return jnp.where((lengths > 0)[:, None], picked, 0)

    def last(params, x):
        return model.apply(params, x, mask, readout="last")

    def gradients_and_value(read):
        def loss(params, x):
            value = read(params, x)
            return jnp.sum(jnp.sin(value)), value

        return jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(params, x)

    ours, value = gradients_and_value(last)
    dense, dense_value = gradients_and_value(last_of_dense)
    np.testing.assert_allclose(value, dense_value, atol=1e-5)
    chex.assert_trees_all_close(ours, dense, atol=2e-5, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    steps=st.sampled_from((3, 12)),  # every number of steps is compiled anew
    extra=st.sampled_from((0, 1, 9)),
    seed=st.integers(0, 9),
)
def test_neither_content_nor_amount_of_padding_matters(steps, extra, seed):
    model, params, x, mask, _ = make(steps, 2, 3, seed=seed)
    garbage = jnp.where(mask[..., None], x, jnp.nan)
    longer = jnp.pad(garbage, ((0, 0), (0, extra), (0, 0)), constant_values=jnp.inf)
    longer_mask = jnp.pad(mask, ((0, 0), (0, extra)))
    plain, plain_everywhere = both_readings(model, params, x, mask)
    padded, padded_everywhere = both_readings(model, params, longer, longer_mask)
    # Other shapes may sum in another order, nothing more.
    np.testing.assert_allclose(padded, plain, atol=1e-5)
    np.testing.assert_allclose(padded_everywhere[:, :steps], plain_everywhere, atol=1e-5)


def test_gradient_to_the_future_is_exactly_zero():
    model, params, x, mask, _ = make(16, 3, 3)
    mask = jnp.ones_like(mask)

    @jax.jit
    @jax.grad
    def gradient_at(x, step):
        return jnp.sum(model.apply(params, x, mask, readout="all")[:, step])

    for step in (0, 7, 15):
        gradient = gradient_at(x, step)
        assert np.all(np.asarray(gradient[:, step + 1 :]) == 0)
        assert np.all(np.any(np.asarray(gradient[:, step]) != 0, axis=-1))


@pytest.mark.parametrize(
    ("kernel_size", "layers"),
    [(2, 1), (4, 2), *(pytest.param(*size, marks=pytest.mark.slow) for size in ((2, 4), (3, 3)))],
)
@pytest.mark.parametrize("readout", ["last", "all"])
def test_receptive_field(kernel_size, layers, readout):
    reach = receptive_field(kernel_size, layers)
    assert reach == 1 + 2 * (kernel_size - 1) * (2**layers - 1)
    steps = reach + 5
    model = TCN(features=4, layers=layers, kernel_size=kernel_size)
    x = jnp.ones((1, steps, 2))
    mask = jnp.ones((1, steps), bool)
    # All weights positive: no path can cancel or die in a ReLU.
    params = random_params(model, x, mask, np.random.default_rng(0))
    params = jax.tree.map(lambda leaf: np.abs(leaf) + np.float32(0.1), params)

    def state(x):
        out = model.apply(params, x, mask, readout=readout)
        return jnp.sum(out if readout == "last" else out[:, -1])

    touched = np.flatnonzero(np.any(np.asarray(jax.jit(jax.grad(state))(x))[0] != 0, axis=-1))
    assert touched.min() == steps - reach
    assert touched.max() == steps - 1


def test_no_observed_step_gives_the_zero_state():
    model, params, x, mask, _ = make(8, 2, 3)
    for out in both_readings(model, params, x, jnp.zeros_like(mask)):
        assert np.all(np.asarray(out) == 0)


def test_newest_first_reverses_only_what_was_observed():
    x = jnp.arange(12.0).reshape(2, 3, 2)
    mask = jnp.array([[True, True, True], [True, False, False]])
    reversed_x, observed = newest_first(x, mask)
    np.testing.assert_array_equal(reversed_x[0], x[0][::-1])
    np.testing.assert_array_equal(reversed_x[1], [[6, 7], [0, 0], [0, 0]])
    np.testing.assert_array_equal(observed, mask)


def test_dropout_draws_whole_channels():
    model, params, x, mask, _ = make(12, 1, 3)
    model = TCN(features=8, layers=1, kernel_size=3, dropout=0.5)

    @jax.jit
    def trained(key):
        full = jnp.ones_like(mask)
        return model.apply(params, x, full, readout="all", train=True, rngs={"dropout": key})

    out, other = trained(jax.random.key(3)), trained(jax.random.key(4))
    assert not np.allclose(out, other)
    # A dropped channel leaves only the shortcut, at every step of the example.
    shortcut = x @ params["params"]["blocks_0"]["shortcut"]["kernel"][None]
    branch_is_zero = np.isclose(out, shortcut, atol=1e-6)
    whole = branch_is_zero.all(axis=1)
    assert whole.any()
    assert not whole.all()
