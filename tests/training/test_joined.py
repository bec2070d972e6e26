"""Parameters as two vectors: the way there and back, and epochs that come to the same."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sbp_jax.training.joined import Joined, find_seams
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.parallel import Devices
from tests.training.test_parallel import ROWS, examples, loss_fn, place, some_devices, start

pytestmark = pytest.mark.usefixtures("quick_compilation")
TREE = {
    "first": {"kernel": jnp.arange(24.0).reshape(2, 3, 4), "bias": jnp.arange(4.0)},
    "second": {"kernel": -jnp.arange(12.0).reshape(4, 3), "length": jnp.ones(3)},
}


def test_trees_come_back_as_they_were():
    seams = find_seams(TREE)
    joined = seams.join(TREE)
    assert (joined.kernels.shape, joined.others.shape) == ((36,), (7,))
    np.testing.assert_array_equal(joined.kernels[:6], TREE["first"]["kernel"][..., 0].ravel())
    jax.tree.map(np.testing.assert_array_equal, seams.split(joined), TREE)


def test_within_an_optimizers_state_what_is_no_parameter_stays():
    seams = find_seams(TREE)
    state = make_optimizer(OptimizerConfig(), total_steps=10).init(TREE)
    joined = seams.join_within(state)
    parts = jax.tree.leaves(joined, is_leaf=lambda x: isinstance(x, Joined))
    assert sum(isinstance(part, Joined) for part in parts) == 2  # both moments
    jax.tree.map(np.testing.assert_array_equal, seams.split_within(joined), state)


@pytest.mark.parametrize("tree", [{"w": jnp.ones(3)}, {"w": jnp.ones(3), "n": jnp.arange(3)}])
def test_what_cannot_be_joined_is_left(tree):
    assert find_seams(tree) is None


@pytest.mark.parametrize(("count", "backend"), [(1, "shard_map"), (8, "shard_map"), (4, "pmap")])
def test_an_epoch_comes_to_the_same(count, backend):
    """Weight decay and warm-up included, which would show a number in the wrong vector."""
    devices = Devices(some_devices(count), backend)
    optimizer = make_optimizer(
        OptimizerConfig(learning_rate=1e-2, weight_decay=0.5, warmup_steps=2), total_steps=50
    )
    shards = place(examples(256), devices).shards
    found = []
    for joined in (False, True):
        state = devices.replicate(start(optimizer))
        epoch = devices.epoch(loss_fn, optimizer, ROWS, joined=joined)
        found.append(epoch(state, shards))
    plain, joined = found
    assert jax.tree.structure(plain) == jax.tree.structure(joined)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6),
        _numbers(plain),
        _numbers(joined),
    )


def _numbers(result):
    state, losses = result
    return state.params, optax.tree.get(state.opt_state, "nu"), losses
