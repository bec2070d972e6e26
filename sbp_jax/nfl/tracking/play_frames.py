"""The one form that tracking of every source is brought into: snap to throw, offence towards +x.

Coordinates. x: yards downfield of the line of scrimmage, negative in the offence's backfield.
y: yards to the left of the middle of the field, as the offence looks downfield. Angles: radians
counter-clockwise from downfield, in [-pi, pi]; so a player's velocity is
``speed * (cos(direction), sin(direction))``. A reflection left to right negates y and the angles
and changes nothing else.

Legend: K plays, N frames of all of them together, 22 players.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from jaxtyping import Float, Int
from numpy.typing import NDArray

PLAYERS: Final = 22
SIDE: Final = 11
"""Players of a side: the first eleven columns are the offence, the last eleven the defence."""

FRAMES_PER_SECOND: Final = 10
NOBODY: Final = -1
"""Stands for the id of a player whom the source does not have."""


class Role(IntEnum):
    """What a player does on the play, as far as the source tells."""

    ABSENT = 0
    PASSER = 1
    TARGET = 2
    ELIGIBLE = 3
    LINE = 4
    RUSHER = 5
    COVERAGE = 6


class PlayFrames(NamedTuple):
    """Frames of several plays, one play after the other, without holes.

    Within a side the order of players means nothing; `sbp_jax.nfl.tracking.player_order` gives them
    a canonical one.

    Attributes:
        offsets: (K + 1,) play k has the frames ``offsets[k]`` to ``offsets[k + 1] - 1``: the
            snap is the first, the throw the last, 0.1 s apart.
        x: (N, 22) yards; 0 for absent players, as in all other arrays.
        y: (N, 22) yards.
        speed: (N, 22) yards per second, not negative.
        direction: (N, 22) of motion, radians.
        orientation: (N, 22) that the player faces, radians.
        player_id: (K, 22) the league's id, `NOBODY` where absent.
        role: (K, 22) `Role`; the offence of every play has one passer and one target.
    """

    offsets: Int[NDArray, " K1"]
    x: Float[NDArray, "N 22"]
    y: Float[NDArray, "N 22"]
    speed: Float[NDArray, "N 22"]
    direction: Float[NDArray, "N 22"]
    orientation: Float[NDArray, "N 22"]
    player_id: Int[NDArray, "K 22"]
    role: Int[NDArray, "K 22"]
