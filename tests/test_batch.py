"""What a batch must be, and the one clear error otherwise."""

import numpy as np
import pytest

from sbp_jax.batch import Batch, check_batch
from sbp_jax.errors import BatchError, SbpJaxError

GOOD = Batch(
    np.zeros((3, 4, 2), np.float16),
    np.array([[True] * 4, [True, False, False, False], [False] * 4]),
    np.zeros((3, 5), np.float32),
    np.zeros(3, np.float32),
)


def with_value(field, at, value):
    array = getattr(GOOD, field).copy()
    array[at] = value
    return GOOD._replace(**{field: array})


def test_a_good_batch_passes_and_padding_may_hold_anything():
    check_batch(GOOD)
    check_batch(with_value("sequence", (1, 2), np.nan))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (with_value("sequence", (1, 0, 1), np.nan), "got nan in row 1, step 0, column 'b'"),
        (with_value("static", (2, 4), np.inf), "got inf in row 2, column 'v'"),
        (with_value("target", 1, np.nan), "target: expected finite values, got nan in row 1"),
        (with_value("mask", (1, 3), value=True), "got padding first in row 1"),
        (GOOD._replace(mask=np.ones((3, 4))), "mask: expected dtype bool, got float64"),
        (GOOD._replace(target=np.zeros(2)), "expected equal numbers of rows"),
        (GOOD._replace(mask=np.ones((3, 5), bool)), "expected equal numbers of rows and steps"),
        (GOOD._replace(static=np.zeros(3)), r"expected sequence \(B, T, C\)"),
        (Batch(*(leaf[:0] for leaf in GOOD)), "got an empty set"),
    ],
)
def test_bad_batches_are_refused(batch, message):
    with pytest.raises(BatchError, match=message):
        check_batch(batch, sequence_names=("a", "b"), static_names=tuple("rstuv"))
    assert issubclass(BatchError, SbpJaxError)


def test_a_bad_value_far_down_is_named_by_its_row():
    rows = 5000
    static = np.zeros((rows, 1))
    static[4321] = np.nan
    batch = Batch(np.zeros((rows, 1, 1)), np.ones((rows, 1), bool), static, np.zeros(rows))
    with pytest.raises(BatchError, match="row 4321"):
        check_batch(batch)
