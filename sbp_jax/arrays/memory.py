"""Whether a fit can fit into memory, before the machine finds out."""

import math
import os
from collections.abc import Sequence
from typing import Final

import jax

from sbp_jax.batch import Batch
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import Forecaster

# Of the parameters: themselves, the best so far, their gradient, two moments of the optimizer and
# the change that it makes of them.
_COPIES: Final = 6
_NUMBER: Final = 4  # bytes


def check_memory(forecaster: Forecaster, data: Sequence[Batch], members: int, devices: int) -> None:
    """Refuse more networks, or larger ones, than there is memory for.

    What is counted, in float32: six copies of the parameters of a device's members, and the data,
    which every device holds. It is a lower bound; what passes may still be too much.

    Args:
        forecaster: what is trained.
        data: training and validation part.
        members: networks.
        devices: that they are divided over.

    Raises:
        InputError: that is more than the devices have, or the machine that plays them.
    """
    example = Batch(*(leaf[:1] for leaf in data[0]))
    shapes = jax.eval_shape(forecaster.init, jax.random.key(0), example)
    count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))
    rows = sum(leaf.nbytes for batch in data for leaf in batch)
    of_one = -(-members // devices)
    needed, there = devices * (of_one * count * _COPIES * _NUMBER + rows), _memory(devices)
    if there is not None and needed > there:
        raise InputError(
            f"members: expected what {there / 2**30:.1f} GiB of memory hold, got {members:,} of "
            f"{count:,} parameters, in {_COPIES} copies, and {rows / 2**30:.1f} GiB of data: at "
            f"least {needed / 2**30:,.1f} GiB; ask for fewer members or a smaller network"
        )


def _memory(devices: int) -> int | None:
    """Bytes of the devices, or of the machine if it plays them all; None where nobody knows."""
    first = jax.devices()[0]
    if first.platform != "cpu":
        each = (first.memory_stats() or {}).get("bytes_limit")
        return each and devices * each
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # systems without these names
        return None
