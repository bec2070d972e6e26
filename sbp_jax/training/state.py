"""What training carries from one step to the next."""

from typing import Any, NamedTuple

import jax
import optax
from jaxtyping import Array, Int, Key

Params = Any  # plain nested dict of arrays


class TrainState(NamedTuple):
    """Everything that a resumed run needs to go on as if it had never stopped.

    Attributes:
        params: the network's parameters, a plain nested dict.
        opt_state: the optimizer's state.
        step: optimizer steps taken.
        key: never advanced; randomness is this key with the step folded in.
    """

    params: Params
    opt_state: optax.OptState
    step: Int[Array, ""]
    key: Key[Array, ""]


def init_state(params: Params, optimizer: optax.GradientTransformation, seed: int) -> TrainState:
    """State before the first step."""
    return TrainState(params, optimizer.init(params), jax.numpy.int32(0), jax.random.key(seed))


def count_params(params: Params) -> int:
    """Number of scalars in a tree.

    >>> count_params({"w": jax.numpy.zeros((2, 3)), "b": jax.numpy.zeros(3)})
    9
    """
    return sum(leaf.size for leaf in jax.tree.leaves(params))
