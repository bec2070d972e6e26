r"""The sums that correlations are made of, and the ranks that are correlated.

With 1, x, y, x^2, y^2 and x y added up over rows, times their weights,

    r = (n s_xy - s_x s_y) / sqrt((n s_xx - s_x^2) (n s_yy - s_y^2))

so that the correlations of many selections of the same rows, such as all but one cluster or the
clusters drawn in a bootstrap, need one pass over the rows.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

_ROUNDING: Final = 1e-12  # a variance below this part of the sum of squares is rounding, so 0


def centred(x: Float[np.ndarray, "*D N"]) -> Float[np.ndarray, "*D N"]:
    """Values around their mean as parts of the largest deviation; 0 if all are equal.

    Correlations do not change by it, and sums of squares lose no digits.

    >>> centred(np.array([1e9 + 1, 1e9 + 2, 1e9 + 3]))
    array([-1.,  0.,  1.])
    """
    x = np.asarray(x, np.float64)
    away = x - x.mean(axis=-1, keepdims=True)
    # The mean of equal numbers may be a rounding off them.
    varies = np.ptp(x, axis=-1, keepdims=True) > 0
    largest = np.abs(away).max(axis=-1, keepdims=True)
    return np.divide(away, largest, out=np.zeros_like(away), where=varies)


def moments(
    x: Float[np.ndarray, "*D N"], y: Float[np.ndarray, "*D N"]
) -> Float[np.ndarray, "*D N 6"]:
    """What is added up over rows for a correlation: 1, x, y, x^2, y^2 and x y."""
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def correlation_of(sums: Float[np.ndarray, "*D 6"]) -> Float[np.ndarray, "*D"]:
    """Correlations of rows whose `moments` have these sums; NaN where either side is constant."""
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums), -1, 0)
    # Times n throughout, to divide only once.
    vx, vy, cov = n * xx - x * x, n * yy - y * y, n * xy - x * y
    varies = (vx > _ROUNDING * n * xx) & (vy > _ROUNDING * n * yy)
    scale = np.sqrt(np.where(varies, vx * vy, 1.0))
    return np.where(varies, np.clip(cov / scale, -1.0, 1.0), np.nan)


def mid_ranks(
    x: Float[np.ndarray, " N"], times: Int[np.ndarray, "D N"]
) -> Float[np.ndarray, "D N"]:
    """Mid-ranks among rows of which each occurs so many times, as distances to the middle rank.

    Args:
        x: (N,) finite numbers.
        times: (D, N) how often each row occurs, at least one row in each of D cases. Rows that do
            not occur get the rank next to them, to be multiplied by 0.

    >>> mid_ranks(np.array([7.0, 5.0, 7.0]), np.array([[1, 1, 1], [0, 2, 1]]))
    array([[ 0.5, -1. ,  0.5],
           [ 1. , -0.5,  1. ]])
    """
    _, value = np.unique(x, return_inverse=True)
    order = np.argsort(value, kind="stable")
    starts = np.flatnonzero(np.diff(value[order], prepend=-1))
    shared = np.add.reduceat(times[:, order], starts, axis=1)
    up_to = np.cumsum(shared, axis=1)
    rank = up_to - shared + (shared + 1) / 2
    return (rank - (up_to[:, -1:] + 1) / 2)[:, value]
