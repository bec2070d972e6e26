"""From physical columns to the numbers near one that a network eats.

Scales are fixed, not fitted: there is nothing to save beside a model, and nothing that could leak
from one season into another. Angles become a cosine and a sine, so that a player who faces a little
left of backwards is near one who faces a little right of it. The ten numbers of an absent player
are all 0; a present one never has cosine and sine 0 at once.

Legend: N frames, C = 181 physical columns, M = 225 scaled ones, 22 players.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import DTypeLike, NDArray

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.features import (
    EXTRA_FEATURES,
    PLAYER_COLUMNS,
    PLAYER_FEATURES,
    PLAYER_NAMES,
    SEQUENCE_FEATURES,
)
from sbp_jax.nfl.tracking.play_frames import PLAYERS
from sbp_jax.nfl.tracking.reflected_angles import cos_sin

SCALES: Final[Mapping[str, float]] = {
    "x": 10.0,
    "y": 10.0,
    "vx": 5.0,
    "vy": 5.0,
    "ax": 5.0,
    "ay": 5.0,
    "defenders_near_target": 2.0,
    "separation": 5.0,
    "nearest_rusher": 5.0,
    "target_distance": 20.0,
    "time_since_snap": 3.0,
}
"""What a physical column is divided by, in its own unit."""

_ANGLES: Final = ("direction", "orientation")
_LINEAR: Final = tuple(name for name in PLAYER_FEATURES if name not in _ANGLES)

MODEL_PLAYER_FEATURES: Final = (
    *_LINEAR,
    *(f"{angle}_{part}" for angle in _ANGLES for part in ("cos", "sin")),
)

MODEL_FEATURES: Final = (
    *(f"{player}_{feature}" for player in PLAYER_NAMES for feature in MODEL_PLAYER_FEATURES),
    *EXTRA_FEATURES,
)
"""Names of the M columns."""

MODEL_PLAYER_COLUMNS: Final = PLAYERS * len(MODEL_PLAYER_FEATURES)

_PLAYER_SCALES: Final = np.array([SCALES[name] for name in _LINEAR], np.float32)
_EXTRA_SCALES: Final = np.array([SCALES[name] for name in EXTRA_FEATURES], np.float32)
_ROWS: Final = 2048  # scaled at once: what lies between fits a processor's cache


def scale_sequence(
    values: Float[NDArray, "*rows C"],
    player_mask: Bool[NDArray, "*#rows 22"],
    dtype: DTypeLike = np.float16,
) -> Float[NDArray, "*rows M"]:
    """Columns `MODEL_FEATURES` from columns `SEQUENCE_FEATURES`.

    A column x, y, ... is divided by its entry of `SCALES`; an angle becomes its cosine and sine.
    As float16 the result is within 2**-11 of its size, beside the rounding of values that were
    stored as float16 themselves.

    Args:
        values: (..., C) physical, of any float type.
        player_mask: (..., 22) True where the source has the player; of one play (22,), or of
            every frame; in any case its shape is broadcast against that of the rows.
        dtype: of the result.

    Raises:
        TrackingError: the shapes do not fit.

    >>> values = np.zeros((1, len(SEQUENCE_FEATURES)), np.float32)
    >>> values[0, SEQUENCE_FEATURES.index("passer_x")] = -7.5
    >>> scaled = scale_sequence(values, np.arange(22) < 1)  # a passer all alone
    >>> scaled[0, MODEL_FEATURES.index("passer_x")], scaled.shape
    (np.float16(-0.75), (1, 225))
    >>> [float(scaled[0, MODEL_FEATURES.index(f"{p}_direction_cos")]) for p in ("passer", "target")]
    [1.0, 0.0]
    """
    rows = values.shape[:-1]
    if values.shape[-1:] != (len(SEQUENCE_FEATURES),):
        raise TrackingError(
            f"values: expected {len(SEQUENCE_FEATURES)} columns, got shape {values.shape}"
        )
    try:
        mask = np.broadcast_to(player_mask, (*rows, PLAYERS)).reshape(-1, PLAYERS)
    except ValueError as error:
        raise TrackingError(
            f"player_mask: expected a shape that broadcasts to {(*rows, PLAYERS)}, got "
            f"{player_mask.shape}"
        ) from error
    flat = values.reshape(-1, len(SEQUENCE_FEATURES))
    scaled = np.empty((len(flat), len(MODEL_FEATURES)), dtype)
    for begin in range(0, len(flat), _ROWS):
        part = slice(begin, begin + _ROWS)
        _scale_rows(flat[part], mask[part], scaled[part])
    return scaled.reshape(*rows, len(MODEL_FEATURES))


def _scale_rows(
    values: Float[NDArray, "n C"], mask: Bool[NDArray, "n 22"], scaled: Float[NDArray, "n M"]
) -> None:
    """Fill ``scaled``."""
    linear = len(_LINEAR)
    single = values.astype(np.float32)
    players = single[:, :PLAYER_COLUMNS].reshape(-1, PLAYERS, len(PLAYER_FEATURES))
    shape = (-1, PLAYERS, len(MODEL_PLAYER_FEATURES))
    into = scaled[:, :MODEL_PLAYER_COLUMNS].reshape(shape, copy=False)
    into[..., :linear] = players[..., :linear] / _PLAYER_SCALES
    # An array of its own for the angles: trigonometry is quick on adjacent numbers only.
    cosine, sine = cos_sin(np.ascontiguousarray(players[..., linear:]))
    into[..., linear::2] = cosine
    into[..., linear + 1 :: 2] = sine
    if not mask.all():
        into[~mask] = 0
    scaled[:, MODEL_PLAYER_COLUMNS:] = single[:, PLAYER_COLUMNS:] / _EXTRA_SCALES
