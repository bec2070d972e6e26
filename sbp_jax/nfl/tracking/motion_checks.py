"""Plays whose motion cannot be true are dropped, with the player and the frame where it shows.

Legend: K plays, N frames of all of them together, 22 players.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking import drops
from sbp_jax.nfl.tracking.canonical import FIELD_LENGTH, FIELD_WIDTH
from sbp_jax.nfl.tracking.drops import Sieve
from sbp_jax.nfl.tracking.motion import Motion, RawMotion
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND, SIDE


class MotionCheck:
    """Drops plays of a sieve by what their frames show."""

    def __init__(
        self,
        sieve: Sieve,
        plays: Int[NDArray, " K"],
        offsets: Int[NDArray, " K1"],
        first_frame: Int[NDArray, " K"],
        player_id: Int[NDArray, "K 22"],
        present: Bool[NDArray, "K 22"],
    ) -> None:
        """Keep what the messages need.

        Args:
            sieve: to drop from.
            plays: (K,) the sieve's numbers of the plays.
            offsets: (K + 1,) of their frames.
            first_frame: (K,) the file's number of the snap's frame.
            player_id: (K, 22) the league's ids.
            present: (K, 22) whether there is a player.
        """
        self._sieve, self._plays, self._offsets = sieve, plays, offsets
        self._first_frame, self._player_id, self._present = first_frame, player_id, present

    def holes(self, motion: Motion, max_hole: int) -> None:
        """Drop plays in which a player is missing for more than ``max_hole`` frames on end."""
        self._drop(
            motion.hole > max_hole, drops.HOLE, motion.hole, "missing for {:.0f} frames on end"
        )

    def speeds(self, motion: Motion, max_speed: float) -> None:
        """Drop plays with a player faster than ``max_speed``, yards/s, by speed or by place."""
        self._drop(motion.speed > max_speed, drops.IMPOSSIBLE_SPEED, motion.speed, "{:.1f} yards/s")
        steps = np.zeros_like(motion.x)
        steps[1:] = np.hypot(np.diff(motion.x, axis=0), np.diff(motion.y, axis=0))
        steps[self._offsets[:-1]] = 0  # from one play to the next nobody moves
        moved = steps * FRAMES_PER_SECOND
        self._drop(moved > max_speed, drops.IMPOSSIBLE_SPEED, moved, "moves at {:.1f} yards/s")

    def positions(self, raw: RawMotion, max_off_field: float) -> None:
        """Drop plays with a player more than ``max_off_field`` yards off the field."""
        for name, value, size in (("x", raw.x, FIELD_LENGTH), ("y", raw.y, FIELD_WIDTH)):
            off = (value < -max_off_field) | (value > size + max_off_field)
            self._drop(off, drops.OFF_FIELD, value, name + " = {:.1f}")

    def directions(self, motion: Motion) -> None:
        """Drop plays whose offence stands beyond the defence at the snap, by the medians of x.

        The play's direction is then wrong, and the offence would attack towards its own goal.
        """
        x = np.where(self._present, motion.x[self._offsets[:-1]], np.nan)
        offense, defense = (np.nanmedian(side, axis=1) for side in (x[:, :SIDE], x[:, SIDE:]))
        wrong = np.flatnonzero(offense >= defense)
        self._sieve.drop(
            self._plays[wrong],
            drops.WRONG_DIRECTION,
            [
                f"median x of the offence {offense[k]:.1f}, of the defence {defense[k]:.1f}"
                for k in wrong
            ],
        )

    def _drop(
        self,
        wrong: Bool[NDArray, "N 22"],
        reason: str,
        values: Float[NDArray, "N 22"] | Int[NDArray, "N 22"],
        text: str,
    ) -> None:
        rows = np.flatnonzero(wrong.any(axis=1))
        play = np.searchsorted(self._offsets, rows, side="right") - 1
        present = wrong[rows] & self._present[play]
        rows, play, present = (each[present.any(axis=1)] for each in (rows, play, present))
        play, first = np.unique(play, return_index=True)
        rows, column = rows[first], present[first].argmax(axis=1)
        frame = self._first_frame[play] + rows - self._offsets[play]
        player = self._player_id[play, column]
        details = [
            f"player {who}, frame {when}: {text.format(value)}"
            for who, when, value in zip(player, frame, values[rows, column], strict=True)
        ]
        self._sieve.drop(self._plays[play], reason, details)
