"""Missing frames of players: how long each hole is, and values for it.

Legend: K plays, N frames of all of them together, P players of a play.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

_TURN = 2 * np.pi


class Holes(NamedTuple):
    """Where values are missing, and the nearest frames of the same play that have one.

    Attributes:
        length: (N, P) frames of the hole that a frame lies in, 0 where there is none.
        before: (N, P) the last frame with a value, this one included; -1 if there is none.
        after: (N, P) the next frame with a value, this one included; N if there is none.
    """

    length: Int[NDArray, "N P"]
    before: Int[NDArray, "N P"]
    after: Int[NDArray, "N P"]


def find_holes(there: Bool[NDArray, "N P"], offsets: Int[NDArray, " K1"]) -> Holes:
    """The holes of each player of each play.

    Args:
        there: whether there is a value.
        offsets: (K + 1,) play k has the frames ``offsets[k]`` to ``offsets[k + 1] - 1``.

    >>> there = np.array([[True], [False], [False], [True], [False]])
    >>> find_holes(there, np.array([0, 5])).length.ravel().tolist()
    [0, 2, 2, 0, 1]
    >>> find_holes(there, np.array([0, 2, 5])).length.ravel().tolist()
    [0, 1, 1, 0, 1]
    """
    frames = len(there)
    lengths = np.diff(offsets)
    start = np.repeat(offsets[:-1], lengths)[:, None]
    end = np.repeat(offsets[1:], lengths)[:, None]
    frame = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(there, frame, -1), axis=0)
    after = np.minimum.accumulate(np.where(there, frame, frames)[::-1], axis=0)[::-1]
    # A frame of another play is not a neighbour; the hole then reaches to the end of the play.
    length = np.minimum(after, end) - np.maximum(before, start - 1) - 1
    return Holes(
        length=np.where(there, 0, length),
        before=np.where(before < start, -1, before),
        after=np.where(after >= end, frames, after),
    )


def fill_holes(
    values: Float[NDArray, "N P"], holes: Holes, *, angles: bool = False
) -> Float[NDArray, "N P"]:
    """The values with every hole filled that has a neighbour.

    Between two neighbours values go linearly, angles the shorter way round; at the start or the
    end of a play the only neighbour is held. A hole that is a whole play is left as it is.

    Args:
        values: anything where missing.
        holes: of these values.
        angles: whether the values are angles in radians, which come out in [-pi, pi].

    >>> there, offsets = np.array([[True], [False], [True], [False]]), np.array([0, 4])
    >>> holes = find_holes(there, offsets)
    >>> fill_holes(np.array([[3.0], [np.nan], [5.0], [np.nan]]), holes).ravel()
    array([3., 4., 5., 5.])
    >>> fill_holes(np.array([[3.0], [np.nan], [-3.0], [0]]), holes, angles=True).ravel().round(2)
    array([ 3.  ,  3.14, -3.  , -3.  ])
    """
    frames = len(values)
    has_before, has_after = holes.before >= 0, holes.after < frames
    row, player = np.nonzero((holes.length > 0) & (has_before | has_after))
    first, last = holes.before[row, player], holes.after[row, player]
    only_after, only_before = first < 0, last >= frames
    first, last = np.where(only_after, last, first), np.where(only_before, first, last)
    start, end = values[first, player], values[last, player]
    step = end - start
    if angles:
        step -= _TURN * np.round(step / _TURN)
    span = np.maximum(last - first, 1)
    between = start + step * ((row - first) / span).astype(values.dtype)
    filled = values.copy()
    filled[row, player] = wrap(between) if angles else between
    return filled


def wrap(angle: Float[NDArray, "..."]) -> Float[NDArray, "..."]:
    """The same angle in [-pi, pi], radians.

    >>> wrap(np.array([0.5, 1.5, -3.5]) * np.pi) / np.pi
    array([ 0.5, -0.5, 0.5])
    """
    return angle - _TURN * np.round(angle / _TURN)
