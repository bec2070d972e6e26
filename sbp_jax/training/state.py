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


def make_optimizer(
    *,
    learning_rate: float,
    weight_decay: float,
    warmup_steps: int,
    total_steps: int,
    clip_norm: float = 1.0,
) -> optax.GradientTransformation:
    """AdamW under a linear warm-up and a cosine decay to zero, gradients clipped by global norm.

    Biases and the lengths of weight-normalised kernels (everything with one axis) do not decay.
    """
    warmup = min(warmup_steps, total_steps // 2)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, learning_rate, warmup_steps=warmup, decay_steps=total_steps
    )

    def decays(params: Params) -> Params:
        return jax.tree.map(lambda leaf: leaf.ndim > 1, params)

    return optax.chain(
        optax.clip_by_global_norm(clip_norm),
        optax.adamw(schedule, weight_decay=weight_decay, mask=decays),
    )


def count_params(params: Params) -> int:
    """Number of scalars in a tree.

    >>> count_params({"w": jax.numpy.zeros((2, 3)), "b": jax.numpy.zeros(3)})
    9
    """
    return sum(leaf.size for leaf in jax.tree.leaves(params))
