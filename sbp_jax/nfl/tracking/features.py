"""What a model is told about a play at each tenth of a second from the snap to the throw.

Eight numbers for each of 22 players, in the order of `sbp_jax.nfl.tracking.player_order`, and five
that relate players to each other. Positions count from the line of scrimmage and the middle of the
field; yards, seconds, radians. No row depends on a later frame.

- ``x``, ``y``, ``direction``, ``orientation``: as in `PlayFrames`.
- ``vx = speed cos(direction)``, ``vy = speed sin(direction)``.
- ``ax``, ``ay``: the difference of ``vx``, ``vy`` from the frame before, per second; 0 at the snap,
  before which nothing is known. The scalar acceleration in the files is not used: it has no
  direction, nor in most seasons a sign, and along the motion it would turn braking into speeding
  up.
- ``defenders_near_target``: how many defenders are within two yards of the target, two included.
- ``separation``: from the target to the nearest defender; ``nearest_rusher``: from the passer to
  the nearest defender, whatever his role. Both are at most `FAR`, and `FAR` without defenders.
- ``target_distance``: from the passer to the target.
- ``time_since_snap``.

The eight numbers of an absent player are 0, and he counts nowhere.

Values are kept as float16, which rounds to 11 binary digits, that is by at most 2**-11 of the
value: a position by 0.016 yd up to 64 yd and by 0.031 yd up to 128; a speed by 0.004 yd/s up to
16 yd/s; an acceleration by 0.016 yd/s2 up to 64 yd/s2; an angle by 0.001 rad; a time by 0.004 s up
to 16 s; a count not at all.

Legend: K plays, N frames of all of them together, C = 181 columns, 22 players.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND, PLAYERS, SIDE, PlayFrames, Role
from sbp_jax.nfl.tracking.player_order import apply_order, canonical_order
from sbp_jax.nfl.tracking.reflected_angles import cos_sin

FEATURES_VERSION: Final = 1
"""Raised with every change of what the columns hold, so that stored ones are made anew."""

PLAYER_FEATURES: Final = ("x", "y", "vx", "vy", "ax", "ay", "direction", "orientation")

EXTRA_FEATURES: Final = (
    "defenders_near_target",
    "separation",
    "nearest_rusher",
    "target_distance",
    "time_since_snap",
)

PLAYER_NAMES: Final = (
    "passer",
    "target",
    *(f"offense_{i}" for i in range(3, SIDE + 1)),
    *(f"defense_{i}" for i in range(1, SIDE + 1)),
)

SEQUENCE_FEATURES: Final = (
    *(f"{player}_{feature}" for player in PLAYER_NAMES for feature in PLAYER_FEATURES),
    *EXTRA_FEATURES,
)
"""Names of the C columns."""

PLAYER_COLUMNS: Final = PLAYERS * len(PLAYER_FEATURES)
"""How many columns describe single players; they come first."""

FAR: Final = 60.0
"""Yards; the largest distance to a defender."""

NEAR: Final = 2.0
"""Yards; a defender no farther from the target is near."""

_PASSER, _TARGET = 0, 1
# Files give hundredths of a yard, so squared distances differ by steps of 1e-4: half a step keeps
# a defender at exactly two yards inside, whatever the last bit of a shifted position.
_NEAR_SQUARED: Final = np.float32(NEAR**2 + 0.5e-4)


class Sequences(NamedTuple):
    """Features of several plays, one play after the other, players in canonical order.

    Attributes:
        offsets: (K + 1,) play k has the rows ``offsets[k]`` to ``offsets[k + 1] - 1``.
        values: (N, C) `SEQUENCE_FEATURES`, float32.
        player_id: (K, 22) the league's id.
        player_mask: (K, 22) True where the source has the player.
        role: (K, 22) `Role`.
    """

    offsets: Int[NDArray, " K1"]
    values: Float[NDArray, "N C"]
    player_id: Int[NDArray, "K 22"]
    player_mask: Bool[NDArray, "K 22"]
    role: Int[NDArray, "K 22"]


def sequence_features(frames: PlayFrames) -> Sequences:
    """Features of every frame.

    Args:
        frames: K plays, N frames, players of a side in any order.

    Raises:
        TrackingError: the frames break a promise of `PlayFrames`.

    >>> role = np.array([[1, 2] + [3] * 4 + [4] * 5 + [6] * 7 + [5] * 4])
    >>> x = np.tile(np.arange(22.0), (3, 1))
    >>> speed = np.zeros((3, 22))
    >>> speed[1:, 1] = 0.5  # the target sets off
    >>> ahead, ids = np.zeros((3, 22)), np.arange(22)[None]
    >>> frames = PlayFrames(np.array([0, 3]), x, 0 * x, speed, ahead, ahead, ids, role)
    >>> values = sequence_features(frames).values
    >>> values.shape
    (3, 181)
    >>> values[:, SEQUENCE_FEATURES.index("target_ax")].tolist()
    [0.0, 5.0, 0.0]
    """
    frames = apply_order(frames, canonical_order(frames))
    values = np.empty((len(frames.x), len(SEQUENCE_FEATURES)), np.float32)
    # Every array is filled through a view of its own: copy=False makes sure that it is one.
    players = values[:, :PLAYER_COLUMNS].reshape(
        len(values), PLAYERS, len(PLAYER_FEATURES), copy=False
    )
    players[..., 0] = frames.x
    players[..., 1] = frames.y
    first = frames.offsets[:-1]
    speed = frames.speed.astype(np.float32, copy=False)
    for along, share in enumerate(cos_sin(frames.direction.astype(np.float32, copy=False))):
        velocity = speed * share
        players[..., 2 + along] = velocity
        players[..., 4 + along] = _per_second(velocity, first)
    players[..., 6] = frames.direction
    players[..., 7] = frames.orientation
    mask = frames.role != Role.ABSENT
    values[:, PLAYER_COLUMNS:] = _relations(frames, mask)
    return Sequences(frames.offsets, values, frames.player_id, mask, frames.role)


def _per_second(
    values: Float[NDArray, "N 22"], first: Int[NDArray, " K"]
) -> Float[NDArray, "N 22"]:
    """Difference from the row before, per second; 0 in the first row of a play."""
    difference = np.empty_like(values)
    np.subtract(values[1:], values[:-1], out=difference[1:])
    difference[first] = 0
    difference *= FRAMES_PER_SECOND
    return difference


def _relations(frames: PlayFrames, mask: Bool[NDArray, "K 22"]) -> Float[NDArray, "N 5"]:
    """Columns of `EXTRA_FEATURES`."""
    x = frames.x.astype(np.float32, copy=False)
    y = frames.y.astype(np.float32, copy=False)
    lengths = np.diff(frames.offsets)
    absent = None if mask[:, SIDE:].all() else np.repeat(~mask[:, SIDE:], lengths, axis=0)

    def squared_distances(player: int) -> Float[NDArray, "N 11"]:
        dx = x[:, SIDE:] - x[:, player, None]
        dy = y[:, SIDE:] - y[:, player, None]
        squares = dx * dx + dy * dy
        if absent is not None:
            squares[absent] = FAR**2
        return squares

    to_target = squared_distances(_TARGET)
    to_passer = squared_distances(_PASSER)
    dx, dy = x[:, _TARGET] - x[:, _PASSER], y[:, _TARGET] - y[:, _PASSER]
    frame = np.arange(len(x)) - np.repeat(frames.offsets[:-1], lengths)
    return np.stack(
        [
            (to_target <= _NEAR_SQUARED).sum(axis=1),
            np.minimum(np.sqrt(to_target.min(axis=1)), FAR),
            np.minimum(np.sqrt(to_passer.min(axis=1)), FAR),
            np.sqrt(dx * dx + dy * dy),
            frame / FRAMES_PER_SECOND,
        ],
        axis=1,
        dtype=np.float32,
        casting="same_kind",
    )
