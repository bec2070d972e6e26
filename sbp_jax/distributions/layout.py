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


def whole(x: Array) -> Array:
    """The same numbers on every device of the mesh with explicit axes that they lie on, if any."""
    mesh = explicit_mesh(x)
    return x if mesh is None else jax.sharding.reshard(x, NamedSharding(mesh, PartitionSpec()))


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
    spec, shape = batch_spec(arrays, own)

    def kept(result: jax.ShapeDtypeStruct) -> list[Any]:
        sizes = result.shape[leading : leading + len(shape)]
        same = [axes if a == b else None for axes, a, b in zip(spec, sizes, shape, strict=False)]
        return [None] * leading + same

    return on_automatic_axes(function, arrays, mesh, kept)


def on_automatic_axes(
    function: Callable[[Any], Any],
    arrays: Any,
    mesh: AbstractMesh,
    spec_of: Callable[[jax.ShapeDtypeStruct], list[Any]],
) -> Any:
    """The function of arrays on a mesh with explicit axes, which it sees as automatic ones.

    Args:
        function: of the arrays.
        arrays: a pytree.
        mesh: that one of them at least lies on.
        spec_of: how the dimensions of each result are sharded, those that are left out not at all.
    """

    def automatic(out_sharding: Any) -> Callable[[Any], Any]:
        run: Callable[[Any], Any] = jax.sharding.auto_axes(
            function, axes=mesh.explicit_axes, out_sharding=out_sharding
        )
        return run

    arrays = _together(arrays)
    results = jax.eval_shape(automatic(NamedSharding(mesh, PartitionSpec())), arrays)
    shardings = jax.tree.map(lambda x: NamedSharding(mesh, PartitionSpec(*spec_of(x))), results)
    return automatic(shardings)(arrays)


def _together(arrays: Any) -> Any:
    """Arrays outside of a program, all on the mesh with explicit axes that some of them lie on.

    Where no mesh is set, JAX (0.10) refuses a number of one device beside such arrays.
    """
    known = [x for x in jax.tree.leaves(arrays) if not isinstance(x, jax.core.Tracer)]
    placed = [x for x in known if explicit_mesh(x) is not None]
    if not placed:
        return arrays
    everywhere = NamedSharding(placed[0].sharding.mesh, PartitionSpec())

    def put(x: Any) -> Any:
        there = isinstance(x, jax.core.Tracer) or explicit_mesh(x) is not None
        return x if there else jax.device_put(x, everywhere)

    return jax.tree.map(put, arrays)


def batch_spec(arrays: Any, own: Any) -> tuple[list[Any], tuple[int, ...]]:
    """How the batch that arrays broadcast to is sharded, each of its dimensions, and its shape.

    Args:
        arrays: a pytree.
        own: for each leaf how many last dimensions are not the batch's.
    """
    leaves, counts = jax.tree.leaves(arrays), jax.tree.leaves(own)
    types = [jax.typeof(leaf) for leaf in leaves]
    ranks = [x.ndim - count for x, count in zip(types, counts, strict=True)]
    shape = np.broadcast_shapes(*(x.shape[:rank] for x, rank in zip(types, ranks, strict=True)))
    spec: list[Any] = [None] * len(shape)
    for x, rank in zip(types, ranks, strict=True):
        for at, axes in zip(range(-rank, 0), x.sharding.spec[:rank], strict=True):
            free = not set(jax.tree.leaves(spec)) & set(jax.tree.leaves(axes))
            if spec[at] is None and free:
                spec[at] = axes
    return spec, shape
