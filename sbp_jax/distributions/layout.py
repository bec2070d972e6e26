"""How arrays lie over devices, where that is part of their type and JAX cannot infer it.

Two cases: a mesh with explicit axes (`jax.make_mesh` makes such), where an array's sharding is part
of its type, and `jax.shard_map`, where the type says over which axes the values vary. Elsewhere
nothing here adds anything to a program.

A mesh with explicit axes knows no sharding of a search in a table, of a sort, or of a choice
between arrays of which one is whole everywhere. So a family's method runs there with automatic
axes, and only its result is typed again: sharded as the batch of its arguments is.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec
from jaxtyping import Array

State = TypeVar("State")


def settled(step: Callable[[State], State], start: State) -> State:
    """A loop's first state, varying over the axes that its step's result varies over.

    A carry must keep its type, and zeros, say, vary over none.
    """
    found: State = jax.tree.map(laid_out, start, jax.eval_shape(step, start))
    return found


def settled_scan(step: Callable[[State, Any], tuple[State, Any]], start: State, xs: Any) -> State:
    """As `settled`, for the step of `jax.lax.scan` over xs."""
    return settled(lambda state: step(state, jax.tree.map(lambda x: x[0], xs))[0], start)


def laid_out(x: Array, like: Any) -> Array:
    """The same numbers, varying over all axes that another array varies over."""
    wanted, found = (jax.typeof(array).manual_axis_type.varying for array in (like, x))
    lacking = tuple(wanted - found)
    return jax.lax.pcast(x, lacking, to="varying") if lacking else x


def explicit_mesh(arrays: Any) -> AbstractMesh | None:
    """The mesh with explicit axes that one of the arrays lies on, if any."""
    for leaf in jax.tree.leaves(arrays):
        mesh = jax.typeof(leaf).sharding.mesh
        if mesh.explicit_axes:
            return mesh
    return None


def as_batch(
    function: Callable[[Any], Any], arrays: Any, own: Any, mesh: AbstractMesh, leading: int = 0
) -> Any:
    """The function of arrays on a mesh with explicit axes, which it sees as automatic ones.

    Args:
        function: of the arrays; its results have the batch dimensions, after `leading` others, and
            perhaps more of their own behind.
        arrays: a pytree.
        own: for each leaf how many last dimensions are not the batch's.
        mesh: that one of them at least lies on.
        leading: number of dimensions before the batch's.
    """
    spec, shape = _batch(jax.tree.leaves(arrays), jax.tree.leaves(own))

    def sharding(result: jax.ShapeDtypeStruct) -> NamedSharding:
        sizes = result.shape[leading : leading + len(shape)]
        kept = [axes if a == b else None for axes, a, b in zip(spec, sizes, shape, strict=False)]
        return NamedSharding(mesh, PartitionSpec(*(None,) * leading, *kept))

    def automatic(out_sharding: Any) -> Callable[[Any], Any]:
        run: Callable[[Any], Any] = jax.sharding.auto_axes(
            function, axes=mesh.explicit_axes, out_sharding=out_sharding
        )
        return run

    results = jax.eval_shape(automatic(NamedSharding(mesh, PartitionSpec())), arrays)
    return automatic(jax.tree.map(sharding, results))(arrays)


def _batch(leaves: list[Any], own: list[int]) -> tuple[list[Any], tuple[int, ...]]:
    """How the batch that leaves broadcast to is sharded, each of its dimensions, and its shape."""
    types = [jax.typeof(leaf) for leaf in leaves]
    ranks = [x.ndim - count for x, count in zip(types, own, strict=True)]
    shape = np.broadcast_shapes(*(x.shape[:rank] for x, rank in zip(types, ranks, strict=True)))
    spec: list[Any] = [None] * len(shape)
    for x, rank in zip(types, ranks, strict=True):
        for at, axes in zip(range(-rank, 0), x.sharding.spec[:rank], strict=True):
            free = not set(jax.tree.leaves(spec)) & set(jax.tree.leaves(axes))
            if spec[at] is None and free:
                spec[at] = axes
    return spec, shape
