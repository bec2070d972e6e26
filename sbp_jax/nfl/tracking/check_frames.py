"""Refuse frames that break the promises of `PlayFrames`, before they become wrong features."""

from typing import Final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.play_frames import PLAYERS, SIDE, PlayFrames, Role

_MOTION: Final = ("x", "y", "speed", "direction", "orientation")
_OFFENSE: Final = (Role.ABSENT, Role.PASSER, Role.TARGET, Role.ELIGIBLE, Role.LINE)
_DEFENSE: Final = (Role.ABSENT, Role.RUSHER, Role.COVERAGE)


def check_frames(frames: PlayFrames) -> None:
    """Check shapes, offsets, roles and values.

    Args:
        frames: of any number of plays, none included.

    Raises:
        TrackingError: shapes disagree, a play has no frame, an offence has not exactly one passer
            and one target, a role is on the wrong side, a value is not finite, or an absent player
            is somewhere. The message names the array, the play and the frame.

    >>> from sbp_jax.nfl.tracking.play_frames import PlayFrames
    >>> nowhere, nobody = np.zeros((1, 22)), np.zeros((1, 22), int)
    >>> check_frames(PlayFrames(np.array([0, 1]), *[nowhere] * 5, nobody, nobody))
    Traceback (most recent call last):
    sbp_jax.nfl.errors.TrackingError: role: expected one passer and one target among the
    offence of every play, got 0 and 0 in play 0
    """
    plays, rows = len(frames.role), len(frames.x)
    _check_shapes(frames, plays, rows)
    _check_offsets(frames.offsets, rows)
    _check_roles(frames.role)
    _check_values(frames)


def _check_shapes(frames: PlayFrames, plays: int, rows: int) -> None:
    expected = {
        "offsets": (plays + 1,),
        **dict.fromkeys(_MOTION, (rows, PLAYERS)),
        "player_id": (plays, PLAYERS),
        "role": (plays, PLAYERS),
    }
    for name, shape in expected.items():
        if (found := np.shape(getattr(frames, name))) != shape:
            raise TrackingError(f"{name}: expected shape {shape}, got {found}")


def _check_offsets(offsets: Int[NDArray, " K1"], rows: int) -> None:
    if not np.issubdtype(offsets.dtype, np.integer):
        raise TrackingError(f"offsets: expected integers, got {offsets.dtype}")
    if (ends := (int(offsets[0]), int(offsets[-1]))) != (0, rows):
        raise TrackingError(f"offsets: expected them to run from 0 to {rows}, got {ends}")
    lengths = np.diff(offsets)
    if (empty := lengths < 1).any():
        play = int(empty.argmax())
        raise TrackingError(
            f"offsets: expected a frame or more in every play, got {lengths[play]} in play {play}"
        )


def _check_roles(role: Int[NDArray, "K 22"]) -> None:
    offense, defense = role[:, :SIDE], role[:, SIDE:]
    passers = (offense == Role.PASSER).sum(axis=1)
    targets = (offense == Role.TARGET).sum(axis=1)
    if (wrong := (passers != 1) | (targets != 1)).any():
        play = int(wrong.argmax())
        raise TrackingError(
            "role: expected one passer and one target among the offence of every play, got "
            f"{passers[play]} and {targets[play]} in play {play}"
        )
    strangers = np.concatenate([~np.isin(offense, _OFFENSE), ~np.isin(defense, _DEFENSE)], axis=1)
    if strangers.any():
        play, player = divmod(int(strangers.argmax()), PLAYERS)
        side = "offence" if player < SIDE else "defence"
        raise TrackingError(
            f"role: expected a role of the {side}, got {role[play, player]} in play {play}, "
            f"column {player}"
        )


def _check_values(frames: PlayFrames) -> None:
    absent = None
    if (frames.role == Role.ABSENT).any():
        absent = np.repeat(frames.role == Role.ABSENT, np.diff(frames.offsets), axis=0)
    for name in _MOTION:
        values = getattr(frames, name)
        _refuse(~np.isfinite(values), name, "finite values", frames)
        if absent is not None:
            _refuse(absent & (values != 0), name, "0 for an absent player", frames)


def _refuse(wrong: NDArray[np.bool_], name: str, expected: str, frames: PlayFrames) -> None:
    if wrong.any():
        row, player = divmod(int(wrong.argmax()), PLAYERS)
        play = int(np.searchsorted(frames.offsets, row, side="right")) - 1
        raise TrackingError(
            f"{name}: expected {expected}, got {getattr(frames, name)[row, player]} in frame "
            f"{row - frames.offsets[play]} of play {play}, column {player}"
        )
