"""Twenty-two players move through plays, a tenth of a second at a time.

All plays take a step together and the loop runs over time alone: some frames before the snap, as
many to the throw as each play needs, some after it. Plays are held longest first, so that those
still going on are the first rows of every array.

Legend: K plays, N frames of all of them together.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.aftermath import Flight, aftermath_wants
from sbp_jax.nfl.simulator.bodies import Bodies
from sbp_jax.nfl.simulator.defense import defense_wants
from sbp_jax.nfl.simulator.lineup import LINE
from sbp_jax.nfl.simulator.offense import offense_wants
from sbp_jax.nfl.simulator.script import Script, select
from sbp_jax.nfl.tracking.play_frames import PLAYERS

_SWAY: Final = 0.12
_LINEMAN_SWAY: Final = 0.04
"""Yards per second, of players who wait for the snap."""

_GLANCE: Final = 0.06
_GLANCE_KEPT: Final = 0.9
"""Radians by which looks vary from frame to frame, and what is left of it in the next."""


class Track(NamedTuple):
    """What was recorded, play after play.

    Attributes:
        offsets: (K + 1,) play k has the frames ``offsets[k]`` to ``offsets[k + 1] - 1``.
        snap: (K,) frames of the snaps, counted over all plays.
        throw: (K,) frames in which the ball is thrown, or the play is over for the passer.
        position: (N, 22) yards, as in `sbp_jax.nfl.simulator.lineup`.
        velocity: (N, 22) yards per second.
        orientation: (N, 22) radians counter-clockwise from downfield.
    """

    offsets: Int[NDArray, " K1"]
    snap: Int[NDArray, " K"]
    throw: Int[NDArray, " K"]
    position: Complex[NDArray, "N 22"]
    velocity: Complex[NDArray, "N 22"]
    orientation: Float[NDArray, "N 22"]

    @property
    def play(self) -> Int[NDArray, " N"]:
        """The play of each frame."""
        return np.repeat(np.arange(self.snap.size), np.diff(self.offsets))


class Simulation:
    """Plays that are under way.

    Args:
        rng: source of randomness.
        script: of K plays.
        before: frames before the snap.
        after: frames after the throw.
    """

    def __init__(self, rng: np.random.Generator, script: Script, before: int, after: int) -> None:
        self._rng, self._before, self._after = rng, before, after
        frames = script.routes.frames
        offsets = np.concatenate([[0], np.cumsum(frames + before + 1 + after)])
        snap = offsets[:-1] + before
        shape = (offsets[-1], PLAYERS)
        self.track = Track(
            offsets,
            snap,
            snap + frames,
            np.empty(shape, np.complex128),
            np.empty(shape, np.complex128),
            np.empty(shape),
        )
        self._order = np.argsort(-frames, kind="stable")
        self._script = select(script, self._order)
        self._bodies = Bodies.lined_up(self._script)
        self._glance = np.zeros(self._bodies.position.shape)

    def run_to_throw(self) -> None:
        """Record all frames up to the throws."""
        look = self._bodies.facing.copy()
        sway = np.full(PLAYERS, _SWAY)
        sway[LINE] = _LINEMAN_SWAY
        for frame in range(-self._before, 1):
            self._record(self._bodies, self.track.snap[self._order] + frame)
            if frame < 0:
                noise = self._rng.normal(size=(2, *look.shape))
                self._bodies.move(self._script, sway * (noise[0] + 1j * noise[1]), look)
        frames = self._script.routes.frames
        for frame in range(1, frames.max(initial=0) + 1):
            going_on = int(np.searchsorted(-frames, -frame, side="right"))
            script, bodies = select(self._script, slice(going_on)), self._bodies.first(going_on)
            sides = offense_wants(script, bodies, frame), defense_wants(script, bodies, frame)
            wanted, look = (np.concatenate(both, axis=1) for both in zip(*sides, strict=True))
            bodies.move(script, wanted, look)
            self._record(bodies, self.track.snap[self._order[:going_on]] + frame)

    def run_after_throw(self, flight: Flight) -> None:
        """Record the frames after the throws.

        Args:
            flight: of the ball, in the order of the plays.
        """
        flight = select(flight, self._order)
        for frame in range(1, self._after + 1):
            wanted, look = aftermath_wants(self._script, flight, self._bodies, frame)
            self._bodies.move(self._script, wanted, look)
            self._record(self._bodies, self.track.throw[self._order] + frame)

    def _record(self, bodies: Bodies, rows: Int[NDArray, " K"]) -> None:
        glance = self._glance[: len(rows)]
        glance *= _GLANCE_KEPT
        glance += _GLANCE * self._rng.normal(size=glance.shape)
        self.track.position[rows] = bodies.position
        self.track.velocity[rows] = bodies.velocity
        self.track.orientation[rows] = np.angle(bodies.facing) + glance
