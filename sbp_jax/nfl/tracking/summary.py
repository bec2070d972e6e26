"""A play in one row: the statics, and what the frame of the throw shows of target and passer.

It is what boosted trees are given in place of the sequence. All in yards, seconds and yards per
second; distances to a defender are at most `features.FAR`, and that without one.

- ``target_*``, ``passer_*``: as in the sequence; ``*_speed`` is the length of the velocity.
- ``target_to_sideline``: from the target to the nearer sideline, negative beyond it.
- ``target_to_endzone``, ``target_beyond_marker``: from the target to the goal line, and from the
  line to gain to the target, downfield.
- the columns of `EXTRA_FEATURES`.
- ``second_separation``: from the target to the second nearest defender.
- ``defender_ahead``: how much farther downfield than the target the nearest defender is.
- ``defender_closing``: how fast he comes nearer, ``-d separation / dt``; 0 without a defender.
- ``defenders_beyond``: how many defenders are farther downfield than the target.

Legend: K plays, N frames, C = 181 physical columns, S statics, D columns of the summary.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.features import EXTRA_FEATURES, FAR, PLAYER_NAMES, SEQUENCE_FEATURES
from sbp_jax.nfl.tracking.play_frames import PLAYERS, SIDE
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, MODEL_PLAYER_FEATURES, SCALES
from sbp_jax.nfl.tracking.static import (
    TRACKING_STATIC,
    YARDS_TO_ENDZONE,
    YARDS_TO_ENDZONE_SCALE,
    YARDS_TO_GO,
    YARDS_TO_GO_SCALE,
)

FIELD_WIDTH: Final = 160 / 3
"""Yards."""

THROW_FEATURES: Final = (
    *(f"target_{name}" for name in ("x", "y", "vx", "vy", "speed")),
    "target_to_sideline",
    "target_to_endzone",
    "target_beyond_marker",
    *(f"passer_{name}" for name in ("x", "y", "vx", "vy", "speed")),
    *EXTRA_FEATURES,
    "second_separation",
    "defender_ahead",
    "defender_closing",
    "defenders_beyond",
)

SUMMARY_FEATURES: Final = (*TRACKING_STATIC, *THROW_FEATURES)
"""Names of the D columns."""

_DEFENDERS: Final = PLAYER_NAMES[SIDE:]
_STATICS: Final = tuple(TRACKING_STATIC)
_MODEL_WIDTH: Final = len(MODEL_PLAYER_FEATURES)
_COS: Final = MODEL_PLAYER_FEATURES.index("direction_cos")

Column = Callable[[str], Float[NDArray, " K"]]
"""Physical values of a column at the throw, by its name."""


def summary_features(
    values: Float[NDArray, "N C"],
    offsets: Int[NDArray, " K1"],
    player_mask: Bool[NDArray, "K 22"],
    static: Float[NDArray, "K S"],
) -> Float[NDArray, "K D"]:
    """Columns `SUMMARY_FEATURES`, float32, from the last frame of each play.

    Args:
        values: physical columns `SEQUENCE_FEATURES`, of any float type.
        offsets: play k has the rows ``offsets[k]`` to ``offsets[k + 1] - 1``.
        player_mask: True where the source has the player.
        static: columns `TRACKING_STATIC`.

    Raises:
        TrackingError: the arrays have the wrong number of columns.
    """
    _check_width("values", values, len(SEQUENCE_FEATURES))
    _check_width("player_mask", player_mask, PLAYERS)
    throw = values[offsets[1:] - 1].astype(np.float32)

    def column(name: str) -> Float[NDArray, " K"]:
        return throw[:, SEQUENCE_FEATURES.index(name)]

    return _summary(column, player_mask[:, SIDE:], static)


def summary_of_batch(batch: Batch) -> Float[NDArray, "K D"]:
    """Columns `SUMMARY_FEATURES`, float32, from what a network is given of the same plays.

    Args:
        batch: NumPy arrays; the sequence has the columns `MODEL_FEATURES`.

    Raises:
        TrackingError: an array has the wrong number of columns, or a play no observed frame.
    """
    _check_width("sequence", batch.sequence, len(MODEL_FEATURES))
    lengths = batch.mask.sum(axis=1)
    if (empty := lengths == 0).any():
        raise TrackingError(
            f"mask: expected a frame of every play, got none in row {empty.argmax()}"
        )
    throw = batch.sequence[np.arange(len(lengths)), lengths - 1].astype(np.float32)
    angles = throw[:, : PLAYERS * _MODEL_WIDTH].reshape(-1, PLAYERS, _MODEL_WIDTH)[..., _COS:]
    present = (angles != 0).any(axis=-1)

    def column(name: str) -> Float[NDArray, " K"]:
        scale = SCALES[name if name in EXTRA_FEATURES else name.rpartition("_")[2]]
        return throw[:, MODEL_FEATURES.index(name)] * np.float32(scale)

    return _summary(column, present[:, SIDE:], batch.static)


def _check_width(name: str, array: NDArray, width: int) -> None:
    if array.shape[-1] != width:
        raise TrackingError(f"{name}: expected {width} columns, got shape {array.shape}")


def _summary(
    column: Column, present: Bool[NDArray, "K 11"], static: Float[NDArray, "K S"]
) -> Float[NDArray, "K D"]:
    _check_width("static", static, len(_STATICS))
    facts = {
        f"{player}_{name}": column(f"{player}_{name}")
        for player in ("target", "passer")
        for name in ("x", "y", "vx", "vy")
    }
    for player in ("target", "passer"):
        facts[f"{player}_speed"] = np.hypot(facts[f"{player}_vx"], facts[f"{player}_vy"])
    to_endzone = static[:, _STATICS.index(YARDS_TO_ENDZONE)] * YARDS_TO_ENDZONE_SCALE
    to_go = static[:, _STATICS.index(YARDS_TO_GO)] * YARDS_TO_GO_SCALE
    facts["target_to_sideline"] = FIELD_WIDTH / 2 - np.abs(facts["target_y"])
    facts["target_to_endzone"] = to_endzone - facts["target_x"]
    facts["target_beyond_marker"] = facts["target_x"] - to_go
    facts |= {name: column(name) for name in EXTRA_FEATURES}
    facts |= _defenders(column, present)
    throw = np.stack([facts[name] for name in THROW_FEATURES], axis=1).astype(np.float32)
    return np.concatenate([static.astype(np.float32), throw], axis=1)


def _defenders(column: Column, present: Bool[NDArray, "K 11"]) -> dict[str, NDArray]:
    """What the sequence does not say of the defenders around the target."""

    def relative(feature: str) -> Float[NDArray, "K 11"]:
        defenders = np.stack([column(f"{name}_{feature}") for name in _DEFENDERS], axis=1)
        return defenders - column(f"target_{feature}")[:, None]

    dx, dy = relative("x"), relative("y")
    distance = np.where(present, np.hypot(dx, dy), np.inf)
    by_distance = np.argsort(distance, axis=1, kind="stable")

    def of(place: int, values: Float[NDArray, "K 11"]) -> Float[NDArray, " K"]:
        return np.take_along_axis(values, by_distance[:, place, None], axis=1)[:, 0]

    # Infinitely far, an absent defender approaches at speed 0; a tenth of a yard is the least
    # distance at which the line between two men has a direction.
    approach = -(dx * relative("vx") + dy * relative("vy")) / np.maximum(distance, 0.1)
    return {
        "second_separation": np.minimum(of(1, distance), FAR),
        "defender_ahead": np.minimum(of(0, np.where(present, dx, FAR)), FAR),
        "defender_closing": of(0, approach),
        "defenders_beyond": (present & (dx > 0)).sum(axis=1),
    }
