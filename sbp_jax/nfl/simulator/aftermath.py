"""After the throw: the ball flies, and players go on or make for where it comes down.

Legend: K plays.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.bodies import Bodies
from sbp_jax.nfl.simulator.coverage import Task
from sbp_jax.nfl.simulator.lineup import ELIGIBLE
from sbp_jax.nfl.simulator.schedule import PASS, RUN, Situations
from sbp_jax.nfl.simulator.script import Script
from sbp_jax.nfl.simulator.simulated_outcome import ThrowFacts, ThrowOutcomes
from sbp_jax.nfl.simulator.steering import STEP, at_most, towards
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND, SIDE

BALL_SPEED: Final = 20.0
"""Yards per second."""

_SLOWING: Final = 0.9
"""What is left of the velocity wanted by those for whom the play is over."""

_NOTICED: Final = 2
"""Frames until the defence breaks on the ball."""

_RUN_PART: Final = 0.85
"""Of his top speed that a receiver uses with the ball in his hands."""


class Flight(NamedTuple):
    """Of the ball, from the throw on; for plays without one, of who has it then.

    Attributes:
        target: (K,) place of who the ball comes to.
        to: (K,) where it comes to, yards.
        frames: (K,) until it arrives, at least one.
        thrown: (K,) there was a throw at a target.
        carried: (K,) the target runs with it afterwards.
    """

    target: Int[NDArray, " K"]
    to: Complex[NDArray, " K"]
    frames: Int[NDArray, " K"]
    thrown: Bool[NDArray, " K"]
    carried: Bool[NDArray, " K"]


def plan_flight(
    plays: Situations,
    target: Int[NDArray, " K"],
    facts: ThrowFacts,
    outcomes: ThrowOutcomes,
    position: Complex[NDArray, "K 22"],
    velocity: Complex[NDArray, "K 22"],
) -> Flight:
    """Lead each target by the time of flight.

    Args:
        plays: situations.
        target: place of who is thrown at, or has the ball.
        facts: of the throws.
        outcomes: of the throws.
        position: of all players at the throw.
        velocity: likewise.
    """
    rows = np.arange(target.size)
    seconds = facts.target_distance / BALL_SPEED
    thrown = plays.kind == PASS
    lead = np.where(thrown, seconds, 0) * velocity[rows, target]
    return Flight(
        target=target,
        to=position[rows, target] + lead,
        frames=np.maximum(np.rint(seconds * FRAMES_PER_SECOND), 1).astype(np.int64),
        thrown=thrown,
        carried=np.where(thrown, outcomes.complete, plays.kind == RUN),
    )


def aftermath_wants(
    script: Script, flight: Flight, bodies: Bodies, frame: int
) -> tuple[Complex[NDArray, "K 22"], Complex[NDArray, "K 22"]]:
    """Velocities and looks of both sides.

    Args:
        script: plans.
        flight: of the ball.
        bodies: state.
        frame: after the throw.
    """
    position = bodies.position
    wanted = _SLOWING * bodies.velocity
    gap = flight.to[:, None] - position
    thrown = flight.thrown[:, None]
    covers = thrown & (script.defense.task != Task.RUSH) & (frame > _NOTICED)
    breaks = towards(gap[:, SIDE:], script.speed[:, SIDE:])
    wanted[:, SIDE:] = np.where(covers, breaks, wanted[:, SIDE:])
    jogs = towards(gap[:, ELIGIBLE], 0.6 * script.speed[:, ELIGIBLE])
    wanted[:, ELIGIBLE] = np.where(thrown, jogs, wanted[:, ELIGIBLE])

    rows = np.arange(len(wanted))
    speed = script.speed[rows, flight.target]
    left = np.maximum(flight.frames - frame, 1) * STEP
    meets = at_most(gap[rows, flight.target] / left, speed)
    flies = flight.thrown & (frame < flight.frames)
    carries = flight.carried & ~flies
    wanted[rows, flight.target] = np.where(
        flies, meets, np.where(carries, _RUN_PART * speed, wanted[rows, flight.target])
    )
    return wanted, np.where(thrown, gap, bodies.facing)
