"""Examples into the devices' memories, once, before training; results back in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch, check_padding_last
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.length_buckets import choose_lengths
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Shards, deal, deal_rows, draw_buckets, draw_rows

_DEALING_SEED = 0  # one for all runs, so that those of several seeds can share placed examples


@dataclass(frozen=True)
class Placed:
    """Examples in the devices' memories, and which is where.

    Attributes:
        config: that they were placed for.
        devices: whose memories they are in.
        shards: one for each length bucket.
        rows: of each bucket, (V, n) on the host: the number of the example in the batch that was
            placed, -1 for a filler row.
        ids: name of each example for messages, if they have names.
    """

    config: TrainConfig
    devices: Devices
    shards: tuple[Shards, ...]
    rows: tuple[Int[NDArray, "V n"], ...]
    ids: Sequence[str] | None = None

    @property
    def examples(self) -> int:
        """How many there are, fillers left out."""
        return sum(int((rows >= 0).sum()) for rows in self.rows)

    @property
    def steps(self) -> int:
        """Optimizer steps of an epoch."""
        return sum(rows.size for rows in self.rows) // self.config.batch_size

    @property
    def nbytes(self) -> int:
        """Of all devices together."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self.shards))


def place_examples(
    batch: Batch,
    config: TrainConfig,
    devices: Devices,
    *,
    shuffle: bool,
    ids: Sequence[str] | None = None,
) -> Placed:
    """Group examples by length, deal them to the virtual shards, and put these on the devices.

    Sequences are cut to the longest observed one of their group. Of several processes each takes
    the examples of its own devices' shards, so that ``batch`` may be mapped files.

    Args:
        batch: NumPy arrays, the same under every process.
        config: gives the shards, the batch size and the number of length buckets.
        devices: where to.
        shuffle: deal in a random order, always the same; False keeps the examples' order.
        ids: a name for each example, for messages.

    Raises:
        BatchError: an observed step follows padding.
        DeviceError: the device count does not divide the number of virtual shards.
        ValueError: there are not as many ids as examples.
    """
    if ids is not None and len(ids) != len(batch.target):
        raise ValueError(f"ids: expected {len(batch.target)}, one an example, got {len(ids)}")
    check_padding_last(batch.mask)
    lengths = np.asarray(batch.mask).sum(axis=1)
    shards, rows = [], []
    for number, (steps, dealt) in enumerate(deal_buckets(lengths, config, shuffle=shuffle)):
        own = devices.own_shards(config.virtual_shards)
        cut = batch._replace(sequence=batch.sequence[:, :steps], mask=batch.mask[:, :steps])
        first = number * config.virtual_shards + own.start
        shards.append(devices.place(deal(cut, dealt[own], first_shard=first)))
        rows.append(dealt)
    return Placed(config, devices, tuple(shards), tuple(rows), ids)


def deal_buckets(
    lengths: Int[np.ndarray, " N"], config: TrainConfig, *, shuffle: bool
) -> Iterator[tuple[int, Int[np.ndarray, "shards rows"]]]:
    """Of each length bucket the steps it is padded to, and which examples its shards hold.

    Args:
        lengths: (N,) observed steps of each example.
        config: gives the shards, the batch size and the number of buckets.
        shuffle: as for `place_examples`.
    """
    edges = choose_lengths(lengths, buckets=config.length_buckets, batch_size=config.batch_size)
    bucket_of = np.searchsorted(edges, lengths)
    for number, steps in enumerate(edges):
        dealt = deal_rows(
            np.flatnonzero(bucket_of == number),
            num_shards=config.virtual_shards,
            rows_per_step=config.rows_per_step,
            seed=_DEALING_SEED if shuffle else None,
        )
        yield int(steps), dealt


def check_placed_alike(train: Placed, valid: Placed) -> None:
    """Refuse examples to validate on that a program for the training examples cannot read.

    Raises:
        ValueError: they were placed for another config, or on other devices.
    """
    for name, wanted, found in (
        ("config", train.config, valid.config),
        ("devices", train.devices.mesh, valid.devices.mesh),
        ("backend", train.devices.backend, valid.devices.backend),
    ):
        if wanted != found:
            raise ValueError(f"valid: expected the {name} of train, {wanted}, got {found}")


def in_order(of_buckets: Sequence[Any], placed: Placed) -> Any:
    """Results of placed examples, brought back to the host into the order of the examples.

    Args:
        of_buckets: for each bucket a pytree of (V, n, ...), one result per row.
        placed: what the results are of.

    Returns:
        The same pytree of NumPy arrays (B, ...). Under several processes each gets all.
    """
    kept = [rows >= 0 for rows in placed.rows]
    order = np.argsort(np.concatenate([rows[k] for rows, k in zip(placed.rows, kept, strict=True)]))

    def of_leaf_in_order(*of_leaf: Any) -> NDArray:
        parts = [_to_host(leaf)[k] for leaf, k in zip(of_leaf, kept, strict=True)]
        return np.concatenate(parts)[order]

    return jax.tree.map(of_leaf_in_order, *of_buckets)


def _to_host(values: Any) -> NDArray:
    """All of an array, also where other processes hold a part of it."""
    if isinstance(values, jax.Array) and not values.is_fully_addressable:
        values = multihost_utils.process_allgather(values, tiled=True)
    return np.asarray(values)


def examples_of_step(placed: Placed, key: jax.Array, first_step: int, step: int) -> list[int]:
    """Numbers of the examples that one step of an epoch was computed from, ascending.

    Args:
        placed: examples.
        key: of the training state.
        first_step: optimizer steps before the epoch.
        step: of the epoch, from 0.
    """
    rows_per_step = placed.config.rows_per_step
    counts = [rows.shape[1] // rows_per_step for rows in placed.rows]
    bucket, place = (int(drawn[step]) for drawn in draw_buckets(counts, jnp.int32(first_step)))
    rows = placed.rows[bucket]
    index = np.arange(bucket * len(rows), (bucket + 1) * len(rows))
    drawn = draw_rows(index, rows.shape[1], jax.random.fold_in(key, first_step), rows_per_step)
    chosen = np.take_along_axis(rows, np.asarray(drawn[place]), axis=1)
    return sorted(chosen[chosen >= 0].tolist())
