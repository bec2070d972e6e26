"""The order in which the players of a play stand in its features, whatever order a file has.

Offence: the passer, the target, the other eligible receivers from the nearest to the target
outwards, the line from the nearest to the passer outwards. Defence: coverage from the nearest to
the target outwards, then rushers from the nearest to the passer outwards. So the first defender
is the one who lines up nearest to the target, however many rush. Absent players come last on
their side.

Distances are those of the snap, the first frame: a play that is read frame by frame keeps its
order, and no later frame shows in it. Equal distances are settled by the depth x, and equal depths
by the id, never by the sign of y, so that a reflection left to right changes no order.

Legend: K plays, N frames of all of them together, 22 players.
"""

from typing import Final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.check_frames import check_frames
from sbp_jax.nfl.tracking.play_frames import PLAYERS, SIDE, PlayFrames, Role

_SEQUENCE: Final = (
    Role.PASSER,
    Role.TARGET,
    Role.ELIGIBLE,
    Role.LINE,
    Role.COVERAGE,
    Role.RUSHER,
    Role.ABSENT,
)
_NEAR_PASSER: Final = (Role.LINE, Role.RUSHER)
"""Roles whose distance counts from the passer; that of the others counts from the target."""

_RANK: Final = np.argsort([int(role) for role in _SEQUENCE])  # from role to place in the sequence


def canonical_order(frames: PlayFrames) -> Int[NDArray, "K 22"]:
    """Column of ``frames`` that comes first, second, ... in the canonical order of each play.

    The first eleven are columns of the offence, the others of the defence.

    Args:
        frames: K plays, N frames.

    Raises:
        TrackingError: the frames break a promise of `PlayFrames`.

    >>> from sbp_jax.nfl.tracking.play_frames import PlayFrames
    >>> role = np.array([[4] * 5 + [2, 1] + [3] * 4 + [5] * 4 + [6] * 7])  # line first in this file
    >>> x = np.array([[-1.0] * 5 + [0, -5] + [-1, -2, -3, -4] + [1.0] * 4 + list(range(3, 10))])
    >>> still, ids = np.zeros((1, 22)), np.arange(22)[None]
    >>> order = canonical_order(PlayFrames(np.array([0, 1]), x, *[still] * 4, ids, role))
    >>> order[0, :11].tolist()
    [6, 5, 7, 8, 9, 10, 0, 1, 2, 3, 4]
    >>> order[0, 11:].tolist()
    [15, 16, 17, 18, 19, 20, 21, 11, 12, 13, 14]
    """
    check_frames(frames)
    snap = frames.offsets[:-1]
    # Doubles hold the square of a difference of two floats exactly enough to tell ties from
    # distances that differ by a hundredth of a yard.
    x, y = frames.x[snap].astype(np.float64), frames.y[snap].astype(np.float64)
    play = np.arange(len(snap))[:, None]
    passer = (frames.role == Role.PASSER).argmax(axis=1)[:, None]
    target = (frames.role == Role.TARGET).argmax(axis=1)[:, None]
    near = np.where(np.isin(frames.role, _NEAR_PASSER), passer, target)
    distance = (x - x[play, near]) ** 2 + (y - y[play, near]) ** 2
    sides = (len(snap), 2, SIDE)
    keys = (frames.player_id, x, distance, _RANK[frames.role])  # the last key counts first
    order = np.lexsort([key.reshape(sides) for key in keys], axis=-1)
    return (order + np.array([[0], [SIDE]])).reshape(-1, PLAYERS)


def apply_order(frames: PlayFrames, order: Int[NDArray, "K 22"]) -> PlayFrames:
    """The same plays with their players in the given order.

    Args:
        frames: K plays, N frames.
        order: (K, 22) column of ``frames`` that each column of the result comes from.
    """
    columns = np.repeat(order, np.diff(frames.offsets), axis=0)
    # One flat index for all five arrays: np.take_along_axis would build it anew for each.
    columns += PLAYERS * np.arange(len(columns))[:, None]
    return PlayFrames(
        frames.offsets,
        np.take(frames.x, columns),
        np.take(frames.y, columns),
        np.take(frames.speed, columns),
        np.take(frames.direction, columns),
        np.take(frames.orientation, columns),
        np.take_along_axis(frames.player_id, order, axis=1),
        np.take_along_axis(frames.role, order, axis=1),
    )
