"""A checksum of arrays, by which a checkpoint notices that it has been damaged."""

import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def checksum(tree: Any) -> int:
    """CRC-32 over the bits of all leaves, in the tree's order.

    It does not depend on which devices hold the arrays, nor on how many.

    Args:
        tree: of arrays or PRNG keys, each in full on some device of this process.

    >>> tree = {"w": jax.numpy.ones((2, 3)), "key": jax.random.key(0)}
    >>> checksum(tree) == checksum(dict(reversed(tree.items())))
    True
    >>> checksum(tree) == checksum({**tree, "w": jax.numpy.ones((2, 3)).at[1, 2].set(2.0)})
    False
    """
    total = 0
    for leaf in jax.tree.leaves(tree):
        total = zlib.crc32(_host_bytes(leaf), total)
    return total


def _host_bytes(leaf: jax.Array) -> memoryview:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    # Of an array spread over several processes, each can only read its own copy.
    own = leaf.addressable_data(0) if leaf.is_fully_replicated else leaf
    return np.ascontiguousarray(own).reshape(-1).view(np.uint8).data
