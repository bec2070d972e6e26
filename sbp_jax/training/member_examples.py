"""Examples of a population: the same for all members, or each member's own.

Legend: V virtual shards, n rows of a shard, S slots of the program.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.training.parallel import PLAYS, Devices
from sbp_jax.training.placing import Placed, check_placed_alike
from sbp_jax.training.shards import Shards


@dataclass(frozen=True)
class MemberExamples:
    """Where members read their examples.

    Attributes:
        shards: of each length bucket, leaves (V, n, ...) on every device; or (S, V, n, ...),
            each device holding those of its members.
        own: whether each slot has its own.
        steps: optimizer steps of an epoch.
        devices: whose memories they are in.
    """

    shards: tuple[Shards, ...]
    own: bool
    steps: int
    devices: Devices

    def of_slots(self, slots: Int[NDArray, " s"]) -> "MemberExamples":
        """Those of some slots; all, where they are shared."""
        if not self.own:
            return self
        sharding = NamedSharding(self.devices.mesh, P(PLAYS))
        some = jax.tree.map(lambda leaf: jax.device_put(leaf[slots], sharding), self.shards)
        return replace(self, shards=some)


def place_for_members(
    what: str, placed: Placed | Sequence[Placed], first: Placed, count: int, slots: int
) -> MemberExamples:
    """Give every device the examples that its members read.

    Members' own examples may differ in number: all are filled up to the rows of the largest, and
    have as many steps in an epoch.

    Args:
        what: the argument's name, for messages.
        placed: of all members, or of each.
        first: examples whose config and devices are those of the program.
        count: members.
        slots: members and fillers, which read what the first member reads.

    Raises:
        ValueError: not as many as members, or placed otherwise than the first.
    """
    each = [placed] if isinstance(placed, Placed) else list(placed)
    for one in each:
        check_placed_alike(first, one)
    devices = first.devices
    if isinstance(placed, Placed):
        shards = tuple(devices.replicate(_whole(bucket)) for bucket in placed.shards)
        return MemberExamples(shards, own=False, steps=placed.steps, devices=devices)
    if len(each) != count:
        raise ValueError(f"{what}: expected examples of {count} members, got of {len(each)}")
    if any(len(one.shards) > 1 for one in each):
        raise ValueError(f"{what}: expected one length bucket of members' own examples, got more")
    rows = max(one.shards[0].weight.shape[-1] for one in each)
    filled = [_filled(jax.device_get(_whole(one.shards[0])), rows) for one in each]
    filled += [filled[0]] * (slots - count)
    sharding = NamedSharding(devices.mesh, P(PLAYS))
    stacked = jax.tree.map(lambda *leaf: jax.device_put(np.stack(leaf), sharding), *filled)
    steps = rows // first.config.rows_per_step
    return MemberExamples((stacked,), own=True, steps=steps, devices=devices)


def _whole(shards: Shards) -> Shards:
    """All shards of a bucket, leaves (V, n, ...), from wherever they lie."""
    lead = shards.weight.ndim - 1  # under pmap the axis of shards is split
    return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, lead), shards)


def _filled(shards: Shards, rows: int) -> Shards:
    """The same with so many rows in each shard; fillers repeat the first, with weight 0."""
    more = rows - shards.weight.shape[1]
    repeated = jax.tree.map(
        lambda leaf: np.concatenate([leaf, np.repeat(leaf[:, :1], more, axis=1)], axis=1),
        shards.batch,
    )
    return shards._replace(batch=repeated, weight=np.pad(shards.weight, ((0, 0), (0, more))))
