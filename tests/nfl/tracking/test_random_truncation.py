"""Every observed step is as likely to be the last, and only the mask changes."""

import jax
import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.nfl.tracking.random_truncation import random_truncation


def test_ends_are_uniform_over_the_observed_steps():
    lengths = np.array([0, 1, 2, 5])
    mask = np.arange(6)[None] < np.repeat(lengths, 4000)[:, None]
    rows = len(mask)
    batch = Batch(np.ones((rows, 6, 2)), mask, np.ones((rows, 1)), np.arange(rows))
    cut = jax.jit(random_truncation)(jax.random.key(5), batch)
    ends = np.asarray(cut.mask).sum(axis=1).reshape(4, 4000)
    # Observed steps still come first.
    np.testing.assert_array_equal(cut.mask, np.arange(6)[None] < ends.reshape(-1, 1))
    assert not ends[0].any()
    for length, found in zip(lengths[1:], ends[1:], strict=True):
        counts = np.bincount(found, minlength=length + 1)
        assert counts[0] == 0
        assert len(counts) == length + 1
        error = np.sqrt(4000 * (1 / length) * (1 - 1 / length))
        assert np.all(np.abs(counts[1:] - 4000 / length) <= 5 * error)
    for name in ("sequence", "static", "target"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(batch, name))
