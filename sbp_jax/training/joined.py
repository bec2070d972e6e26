"""A tree of parameters as two vectors, so that an optimizer's step is a few operations.

An optimizer that treats every number alike need not know which array it is of, but for whether it
decays. On an accelerator each array of a tree costs a launch for each thing that is done to it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sbp_jax.training.state import Params


class Joined(NamedTuple):
    """Numbers of a tree's arrays, one array after the other.

    Attributes:
        kernels: of arrays with two axes or more.
        others: of biases and lengths.
    """

    kernels: Float[Array, " n"]
    others: Float[Array, " m"]


class Seams(NamedTuple):
    """Where the arrays of a tree lie in its vectors.

    Attributes:
        join: a tree of the same structure and shapes to its vectors.
        split: vectors to the tree.
        join_within: joins every such tree that is part of another one, an optimizer's state.
        split_within: the way back.
    """

    join: Callable[[Params], Joined]
    split: Callable[[Joined], Params]
    join_within: Callable[[Any], Any]
    split_within: Callable[[Any], Any]


def find_seams(params: Params) -> Seams | None:
    """How to join trees like this one; None where there is nothing to join: of one array, or types.

    >>> params = {"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}
    >>> seams = find_seams(params)
    >>> seams.join(params).kernels.shape, seams.split(seams.join(params))["bias"].shape
    ((6,), (3,))
    """
    leaves, structure = jax.tree.flatten(params)
    if len(leaves) == 1 or len({leaf.dtype for leaf in leaves}) != 1:
        return None
    shapes = [leaf.shape for leaf in leaves]
    of_kernels = [len(shape) > 1 for shape in shapes]

    def join(tree: Params) -> Joined:
        flat = [jnp.moveaxis(leaf, -1, 0).reshape(-1) for leaf in jax.tree.leaves(tree)]
        parts = (
            [leaf for leaf, kernel in zip(flat, of_kernels, strict=True) if kernel is wanted]
            for wanted in (True, False)
        )
        return Joined(*(jnp.concatenate(part) if part else jnp.zeros(0) for part in parts))

    def split(joined: Joined) -> Params:
        # Slices alone are started one by one on a GPU; those of one shape together, where something
        # is computed of them. The compiler does not know that this divides by 1.
        one = jnp.where(jnp.isnan(joined.others[:1]), 2.0, 1.0).astype(joined.others.dtype)
        joined = joined._replace(others=joined.others / one)
        start = {True: 0, False: 0}
        found = []
        for shape, kernel in zip(shapes, of_kernels, strict=True):
            vector = joined.kernels if kernel else joined.others
            end = start[kernel] + int(np.prod(shape))
            turned = vector[start[kernel] : end].reshape(shape[-1:] + shape[:-1])
            found.append(jnp.moveaxis(turned, 0, -1))
            start[kernel] = end
        return jax.tree.unflatten(structure, found)

    def is_like(tree: Any) -> bool:
        other: Any = jax.tree.structure(tree)
        return bool(other == structure)

    def within(
        change: Callable[[Any], Any], is_part: Callable[[Any], bool]
    ) -> Callable[[Any], Any]:
        return lambda tree: jax.tree.map(
            lambda part: change(part) if is_part(part) else part, tree, is_leaf=is_part
        )

    return Seams(
        join,
        split,
        within(join, is_like),
        within(split, lambda part: isinstance(part, Joined)),
    )
