"""Where to divide examples by length, so that short ones are not computed as if they were long."""

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.runs.ranges import Count, refuse_unless


def choose_lengths(
    lengths: Int[NDArray, " B"], *, buckets: int, batch_size: int
) -> tuple[int, ...]:
    """Lengths to pad to, at most as many as asked for, with the fewest padded steps in an epoch.

    What is minimised is the sum over buckets of its length times its examples, those filled up to
    whole mini-batches; so a length that few examples have gets no bucket of its own. Exact, by
    dynamic programming over the lengths that occur.

    Args:
        lengths: observed steps of each example.
        buckets: most buckets, 1 or more.
        batch_size: examples of a mini-batch.

    Returns:
        Ascending lengths, the last that of the longest example (at least 1).

    Raises:
        SettingError: no bucket, or no example in a mini-batch.

    >>> choose_lengths(np.array([3] * 8 + [9] * 4), buckets=2, batch_size=4)
    (3, 9)
    >>> choose_lengths(np.array([3] * 8 + [9] * 4), buckets=2, batch_size=12)
    (9,)
    """
    refuse_unless(Count, buckets=buckets, batch_size=batch_size)
    # No observed step is padded to one, since an array needs an axis of some length.
    edges, counts = np.unique(np.maximum(lengths, 1), return_counts=True)
    upto = np.concatenate([[0], np.cumsum(counts)])
    # cost[i, j]: examples of the lengths edges[i:j] in one bucket
    examples = upto[None] - upto[:, None]
    filled = -(-np.maximum(examples, 0) // batch_size) * batch_size
    cost = filled * np.concatenate([[0], edges])[None].astype(float)
    cost[np.tril_indices(len(upto))] = np.inf
    best = np.full(len(upto), np.inf)
    best[0] = 0.0
    cuts: list[NDArray] = []
    totals: list[float] = []
    for _ in range(min(buckets, len(edges))):
        choices = best[:, None] + cost
        cuts.append(choices.argmin(axis=0))
        best = choices.min(axis=0)
        totals.append(float(best[-1]))
    used = int(np.argmin(totals)) + 1
    chosen, end = [], len(edges)
    for level in range(used - 1, -1, -1):
        chosen.append(int(edges[end - 1]))
        end = int(cuts[level][end])
    return tuple(reversed(chosen))
