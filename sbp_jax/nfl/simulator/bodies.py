"""Where 22 players are, how they move and where they look, at one moment of each play.

Legend: K plays.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.lineup import SIDELINE
from sbp_jax.nfl.simulator.script import Script
from sbp_jax.nfl.simulator.steering import (
    BRAKING,
    RESPONSE,
    STEP,
    accelerate,
    at_most,
    unit,
)
from sbp_jax.nfl.tracking.play_frames import SIDE

_MARGIN: Final = 1.5
"""Yards that players stay away from the edge of the field and end zones."""

_BODY: Final = 0.9
"""Yards between two players below which they make room for each other."""

_YIELDING: Final = np.float32(6.0)
"""How fast they do: yards per second for each yard that is missing."""

_TINY: Final = np.float32(1e-3)

_HEAD_TURN: Final = 0.3
"""Seconds that it takes to look elsewhere."""


@dataclass
class Bodies:
    """The state of K plays. A slice of it shares its memory.

    Attributes:
        position: (K, 22) yards, as in `sbp_jax.nfl.simulator.lineup`.
        velocity: (K, 22) yards per second.
        facing: (K, 22) a vector in the direction that the player looks.
        seen: (K, 11) the velocity that each defender believes his opponent has.
        turned: (K, 5) eligible players past the break of their routes.
    """

    position: Complex[NDArray, "K 22"]
    velocity: Complex[NDArray, "K 22"]
    facing: Complex[NDArray, "K 22"]
    seen: Complex[NDArray, "K 11"]
    turned: Bool[NDArray, "K 5"]

    @classmethod
    def lined_up(cls, script: Script) -> "Bodies":
        """Everybody stands, and looks at the other side."""
        position = script.lineup.spot.copy()
        facing = np.ones_like(position)
        facing[:, SIDE:] = -1
        seen = np.zeros_like(script.defense.landmark)
        return cls(
            position, np.zeros_like(position), facing, seen, np.zeros(script.drill.shape, bool)
        )

    def first(self, count: int) -> "Bodies":
        """The first plays."""
        return Bodies(
            self.position[:count],
            self.velocity[:count],
            self.facing[:count],
            self.seen[:count],
            self.turned[:count],
        )

    def move(
        self, script: Script, wanted: Complex[NDArray, "K 22"], look: Complex[NDArray, "K 22"]
    ) -> None:
        """Take a step of a tenth of a second, in place.

        Args:
            script: of the same plays.
            wanted: velocities that the players would like.
            look: vectors in the directions that they want to look.
        """
        wanted = at_most(wanted + _apart(self.position), script.speed)
        to_endzone = script.plays.to_endzone[:, None]
        wanted = _inside_field(self.position, self.velocity, wanted, to_endzone)
        self.velocity[:] = accelerate(self.velocity, wanted, script.limit)
        self.position += self.velocity * STEP
        self.facing += (unit(look) - self.facing) * (STEP / _HEAD_TURN)


def _apart(position: Complex[NDArray, "K 22"]) -> Complex[NDArray, "K 22"]:
    """Velocities by which bodies that are too close make room for each other."""
    # Half the precision is half the time, and these are the largest arrays of a step.
    x, y = position.real.astype(np.float32), position.imag.astype(np.float32)
    dx, dy = x[:, :, None] - x[:, None], y[:, :, None] - y[:, None]
    distance = np.sqrt(dx * dx + dy * dy)
    push = _YIELDING * np.maximum(_BODY - distance, 0) / np.maximum(distance, _TINY)
    return np.einsum("kij,kij->ki", push, dx) + 1j * np.einsum("kij,kij->ki", push, dy)


def _inside_field(
    position: Complex[NDArray, "K 22"],
    velocity: Complex[NDArray, "K 22"],
    wanted: Complex[NDArray, "K 22"],
    to_endzone: Int[NDArray, "K 1"],
) -> Complex[NDArray, "K 22"]:
    """Velocities that leave room to stop before the edges of the field."""
    soon = position + velocity * RESPONSE
    to_front = to_endzone + 10 - _MARGIN - soon.real
    to_back = soon.real + 110 - to_endzone - _MARGIN
    to_left = SIDELINE - _MARGIN - soon.imag
    to_right = soon.imag + SIDELINE - _MARGIN
    return np.clip(wanted.real, -_safe(to_back), _safe(to_front)) + 1j * np.clip(
        wanted.imag, -_safe(to_right), _safe(to_left)
    )


def _safe(room: Float[NDArray, "K 22"]) -> Float[NDArray, "K 22"]:
    """Speed from which a player can stop in the room he has, braking half as hard as he can."""
    return np.sqrt(BRAKING * np.maximum(room, 0))
