"""Augmentation on the device: each play of a batch is mirrored or not, by lot."""

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from sbp_jax.batch import Batch
from sbp_jax.nfl.tracking.mirror import MIRROR_SIGNS


def random_mirror(key: PRNGKeyArray, batch: Batch) -> Batch:
    """Mirror each example left to right with probability one half.

    A pure function of the key, for use under jit and vmap. Masks, statics and targets have no
    side and stay; so does the type of the sequence. Padding of zeros stays zero.

    Args:
        key: decides which.
        batch: its sequence has the columns of `sbp_jax.nfl.tracking.scaling.MODEL_FEATURES`.

    Raises:
        ValueError: the sequence has another number of columns.

    >>> ones = jnp.ones((4, 1, MIRROR_SIGNS.size))
    >>> batch = Batch(ones, jnp.ones((4, 1), bool), jnp.zeros((4, 0)), jnp.zeros(4))
    >>> random_mirror(jax.random.key(0), batch).sequence[:, 0, 1]  # y of the passer
    Array([ 1.,  1., -1., -1.], dtype=float32)
    """
    if batch.sequence.shape[-1] != MIRROR_SIGNS.size:
        raise ValueError(
            f"sequence: expected the {MIRROR_SIGNS.size} columns of MODEL_FEATURES, got shape "
            f"{batch.sequence.shape}"
        )
    flip = jax.random.bernoulli(key, 0.5, (batch.sequence.shape[0], 1, 1))
    signs = jnp.asarray(MIRROR_SIGNS, batch.sequence.dtype)[None, None]
    return batch._replace(sequence=batch.sequence * jnp.where(flip, signs, 1))
