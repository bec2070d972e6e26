"""Augmentation on the device: plays cut off at a frame drawn by lot.

A network that is to be read at every frame must have seen plays that were not over yet: one that
has only seen throws knows nothing of a target who has not made his cut.
"""

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from sbp_jax.batch import Batch


def random_truncation(key: PRNGKeyArray, batch: Batch) -> Batch:
    """Let each example end at one of its observed steps, all equally likely.

    A pure function of the key, for use under jit and vmap. Only the mask changes; an example
    without an observed step stays as it is.

    Args:
        key: decides where.
        batch: observed steps first.

    >>> batch = Batch(jnp.zeros((2, 4, 1)), jnp.ones((2, 4), bool), jnp.zeros((2, 0)), jnp.zeros(2))
    >>> random_truncation(jax.random.key(1), batch).mask.sum(axis=1)
    Array([1, 4], dtype=int32)
    """
    lengths = jnp.sum(batch.mask, axis=1, dtype=jnp.int32)
    kept = jax.random.randint(key, lengths.shape, 0, jnp.maximum(lengths, 1)) + 1
    steps = jnp.arange(batch.mask.shape[1])
    return batch._replace(mask=batch.mask & (steps[None] < kept[:, None]))
