"""Examples into the devices' memories, once, before training."""

from collections.abc import Sequence

import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.length_buckets import choose_lengths
from sbp_jax.training.parallel import Devices
from sbp_jax.training.shards import Placed, deal, deal_rows

_DEALING_SEED = 0  # one for all runs, so that those of several seeds can share placed examples


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
        DeviceError: the device count does not divide the number of virtual shards.
        ValueError: there are not as many ids as examples.
    """
    if ids is not None and len(ids) != len(batch.target):
        raise ValueError(f"ids: expected {len(batch.target)}, one an example, got {len(ids)}")
    lengths = np.asarray(batch.mask).sum(axis=1)
    edges = choose_lengths(lengths, buckets=config.length_buckets, batch_size=config.batch_size)
    bucket_of = np.searchsorted(edges, lengths)
    shards, rows = [], []
    for number, steps in enumerate(edges):
        dealt = deal_rows(
            np.flatnonzero(bucket_of == number),
            num_shards=config.virtual_shards,
            rows_per_step=config.rows_per_step,
            seed=_DEALING_SEED if shuffle else None,
        )
        own = devices.own_shards(config.virtual_shards)
        cut = batch._replace(sequence=batch.sequence[:, :steps], mask=batch.mask[:, :steps])
        first = number * config.virtual_shards + own.start
        shards.append(devices.place(deal(cut, dealt[own], first_shard=first)))
        rows.append(dealt)
    return Placed(tuple(shards), tuple(rows), ids)
