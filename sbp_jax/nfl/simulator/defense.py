"""What rushers and coverage want at a moment of a play.

Legend: K plays.
"""

from typing import Final

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.bodies import Bodies
from sbp_jax.nfl.simulator.coverage import NOBODY, Task
from sbp_jax.nfl.simulator.lineup import BACK, ELIGIBLE, QUARTERBACK
from sbp_jax.nfl.simulator.schedule import RUN
from sbp_jax.nfl.simulator.script import Script
from sbp_jax.nfl.simulator.steering import STEP, at_most, unit
from sbp_jax.nfl.tracking.play_frames import SIDE

_REACH: Final = 2.0
"""Yards at which a blocker holds a rusher up."""

_TACKLE: Final = 1.3
"""Yards that a rusher stays away from the passer as long as he has the ball."""

_RUSH_GAIN, _MAN_GAIN, _ZONE_GAIN = 2.5, 1.9, 1.8
"""How fast a gap is closed: yards per second for each yard."""

_ZONE_RADIUS, _ZONE_EDGE, _ZONE_PULL = 15.0, 8.0, 0.95
"""A zone defender heeds receivers this near his landmark, more and more over the edge's width,
and goes up to this part of the way to them."""

_CUSHION, _LANE = 1.5, 9.0
"""Yards that a deep defender stays deeper than any receiver in a lane to both sides of him."""

_LATE: Final = 3.0
"""Frames after the snap until a defender moves at full speed."""


def defense_wants(
    script: Script, bodies: Bodies, frame: int
) -> tuple[Complex[NDArray, "K 11"], Complex[NDArray, "K 11"]]:
    """Velocities and looks of the defence.

    Args:
        script: plans.
        bodies: state; what the defenders have seen of the receivers is brought up to date in it.
        frame: after the snap.
    """
    position = bodies.position[:, SIDE:]
    receivers = bodies.position[:, ELIGIBLE]
    task = script.defense.task
    opponent = _opponents(script, position, receivers)
    at = np.take_along_axis(receivers, opponent, axis=1)
    moves = np.take_along_axis(bodies.velocity[:, ELIGIBLE], opponent, axis=1)
    bodies.seen += (moves - bodies.seen) * (STEP / script.reaction)

    rush, quarry = _rush(script, bodies, frame)
    wanted = np.where(task == Task.MAN, _man(script, bodies, at), rush)
    zone = _zone(script, bodies, receivers, at, frame)
    wanted = np.where(task == Task.ZONE, zone, wanted)
    look = np.where(task == Task.RUSH, quarry, at - position)
    passer = unit(bodies.position[:, [QUARTERBACK]] - position)
    look = np.where(task == Task.ZONE, passer + 0.6 * unit(look), look)
    return at_most(wanted, script.speed[:, SIDE:] * min(1.0, frame / _LATE)), look


def _opponents(
    script: Script, position: Complex[NDArray, "K 11"], receivers: Complex[NDArray, "K 5"]
) -> Int[NDArray, "K 11"]:
    """The man, or the receiver nearest to the middle between a defender and his landmark."""
    middle = 0.5 * (position + script.defense.landmark)
    nearest = np.abs(receivers[:, None] - middle[..., None]).argmin(axis=-1)
    return np.where(script.defense.task == Task.MAN, script.defense.man, nearest)


def _rush(
    script: Script, bodies: Bodies, frame: int
) -> tuple[Complex[NDArray, "K 11"], Complex[NDArray, "K 11"]]:
    """Velocities towards who has the ball, and the gaps to him."""
    defense, position = script.defense, bodies.position
    carrier = np.where(script.plays.kind == RUN, BACK, QUARTERBACK)[:, None]
    gap = np.take_along_axis(position, carrier, axis=1) - position[:, SIDE:]
    blocker = np.take_along_axis(position, np.maximum(defense.blocker, 0), axis=1)
    held = defense.blocker != NOBODY
    held &= (np.abs(blocker - position[:, SIDE:]) < _REACH) & (frame < defense.beaten)
    speed = np.where(held, defense.push, script.speed[:, SIDE:])
    closing = np.minimum(speed, _RUSH_GAIN * (np.abs(gap) - _TACKLE))
    moves = np.take_along_axis(bodies.velocity, carrier, axis=1)
    return unit(gap) * closing + np.where(held, 0, moves), gap


def _man(script: Script, bodies: Bodies, at: Complex[NDArray, "K 11"]) -> Complex[NDArray, "K 11"]:
    """Run as the man was seen to run, and close the gap to the place beside him."""
    place = at + script.defense.leverage
    # He waits on his side of the line for a man who stays behind it.
    place = np.maximum(place.real, 0.8) + 1j * place.imag
    return bodies.seen + _MAN_GAIN * (place - bodies.position[:, SIDE:])


def _zone(
    script: Script,
    bodies: Bodies,
    receivers: Complex[NDArray, "K 5"],
    at: Complex[NDArray, "K 11"],
    frame: int,
) -> Complex[NDArray, "K 11"]:
    """Go to the landmark, and from there towards a receiver who comes near it.

    Once the play has broken down, towards the nearest receiver wherever he is.
    """
    defense, position = script.defense, bodies.position[:, SIDE:]
    near = (_ZONE_RADIUS - np.abs(at - defense.landmark)) / _ZONE_EDGE
    broken = (frame >= script.drill_frame)[:, None]
    pull = np.where(broken, _ZONE_PULL, np.clip(near, 0, _ZONE_PULL))
    place = defense.landmark + pull * (at + defense.leverage - defense.landmark)
    depth = np.where(defense.deep, _deepest(position, receivers) + _CUSHION, -np.inf)
    place = np.maximum(place.real, depth) + 1j * place.imag
    return pull * bodies.seen + _ZONE_GAIN * (place - position)


def _deepest(
    position: Complex[NDArray, "K 11"], receivers: Complex[NDArray, "K 5"]
) -> Float[NDArray, "K 11"]:
    """How far downfield the deepest receiver in each defender's lane is."""
    beside = np.abs(receivers.imag[:, None] - position.imag[..., None]) < _LANE
    return np.where(beside, receivers.real[:, None], -np.inf).max(axis=-1)
