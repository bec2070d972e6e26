"""Left and right exchanged: football is the same in a mirror, near enough, and learns from it.

The reflection at the middle of the field negates y, its derivatives and the angles, and nothing
else. It is exact: negation rounds nothing, twice gives the same bits again, and it commutes with
what is made of the frames,

    sequence_features(mirror_frames(f)).values == mirror_sequence(sequence_features(f).values)
    scale_sequence(mirror_sequence(v), mask) == mirror_model_sequence(scale_sequence(v, mask))

number by number, where 0 and -0 are equal. The order of players stays (see
`tracking.player_order`). An angle of pi becomes -pi, as `PlayFrames` allows. Statics have
no side, so they stay.
"""

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.features import SEQUENCE_FEATURES
from sbp_jax.nfl.tracking.play_frames import PlayFrames
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES

_SIDED: Final = (
    *("_y", "_vy", "_ay"),
    *("_direction", "_orientation", "_direction_sin", "_orientation_sin"),
)


def _signs(names: tuple[str, ...]) -> Float[NDArray, " C"]:
    signs = np.array([-1 if name.endswith(_SIDED) else 1 for name in names], np.float32)
    signs.setflags(write=False)
    return signs


SEQUENCE_SIGNS: Final = _signs(SEQUENCE_FEATURES)
"""What a reflection multiplies the columns of `SEQUENCE_FEATURES` by: 1, or -1 where sided."""

MIRROR_SIGNS: Final = _signs(MODEL_FEATURES)
"""Likewise the columns of `MODEL_FEATURES`; for use under jit, see `random_mirror`."""


def mirror_frames(frames: PlayFrames) -> PlayFrames:
    """The plays as seen in a mirror along the middle of the field."""
    return frames._replace(
        y=-frames.y, direction=-frames.direction, orientation=-frames.orientation
    )


def mirror_sequence(values: Float[NDArray, "*rows C"]) -> Float[NDArray, "*rows C"]:
    """Mirrored physical columns, in the type that they have.

    >>> values = np.ones((1, len(SEQUENCE_FEATURES)), np.float16)
    >>> mirrored = mirror_sequence(values)
    >>> [int(mirrored[0, SEQUENCE_FEATURES.index(name)]) for name in ("target_x", "target_vy")]
    [1, -1]
    """
    return values * SEQUENCE_SIGNS.astype(values.dtype)


def mirror_model_sequence(scaled: Float[NDArray, "*rows M"]) -> Float[NDArray, "*rows M"]:
    """Mirrored columns of a network's input, in the type that they have."""
    return scaled * MIRROR_SIGNS.astype(scaled.dtype)
