"""What the passer, his linemen and the eligible players want at a moment of a play.

Legend: K plays.
"""

from typing import Final

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.bodies import Bodies
from sbp_jax.nfl.simulator.coverage import NOBODY
from sbp_jax.nfl.simulator.lineup import ELIGIBLE, LINE, QUARTERBACK
from sbp_jax.nfl.simulator.script import Script
from sbp_jax.nfl.simulator.steering import at_most, towards, unit
from sbp_jax.nfl.tracking.play_frames import SIDE

_DROP_SPEED, _DRIFT_SPEED = 4.6, 5.5
_SET_SPEED, _BLOCK_SPEED = 2.5, 5.2

_ARM: Final = 1.0
"""Yards between a blocker and his rusher."""

_FEAR: Final = 2.6
"""Yards from which a passer moves away from a rusher."""

_LOOK_BACK_BELOW: Final = 3.0
"""Yards per second; a faster receiver looks where he runs until he has turned."""


def offense_wants(
    script: Script, bodies: Bodies, frame: int
) -> tuple[Complex[NDArray, "K 11"], Complex[NDArray, "K 11"]]:
    """Velocities and looks of the offence.

    Args:
        script: plans.
        bodies: state; eligible players who have reached their break are marked in it.
        frame: after the snap.
    """
    position = bodies.position[:, :SIDE]
    wanted, look = np.zeros_like(position), np.ones_like(position)
    wanted[:, QUARTERBACK] = _passer(script, bodies, frame)
    wanted[:, LINE] = towards(script.pocket.spot - position[:, LINE], _SET_SPEED)
    wanted[:, ELIGIBLE], look[:, ELIGIBLE] = _eligible(script, bodies, frame)
    blocks = script.defense.rusher != NOBODY
    rusher = np.take_along_axis(
        bodies.position[:, SIDE:], np.maximum(script.defense.rusher, 0), axis=1
    )
    # Between the rusher and the passer, at arm's length.
    place = rusher + _ARM * unit(position[:, [QUARTERBACK]] - rusher)
    wanted = np.where(blocks, towards(place - position, _BLOCK_SPEED), wanted)
    look = np.where(blocks, rusher - position, look)
    return at_most(wanted, script.speed[:, :SIDE]), look


def _passer(script: Script, bodies: Bodies, frame: int) -> Complex[NDArray, " K"]:
    """Drop, wait, drift; and away from rushers."""
    position = bodies.position[:, QUARTERBACK]
    pocket = script.pocket
    drifts = frame >= pocket.drift_frame
    goal = np.where(drifts, pocket.drift, pocket.drop)
    wanted = towards(goal - position, np.where(drifts, _DRIFT_SPEED, _DROP_SPEED))
    gap = position[:, None] - bodies.position[:, SIDE:]
    nearest = np.abs(gap).argmin(axis=1)[:, None]
    away = np.take_along_axis(gap, nearest, axis=1)[:, 0]
    fear = pocket.evasion * np.clip(_FEAR - np.abs(away), 0, None) * 2.5
    # Sideways rather than backwards.
    return wanted + fear * (unit(away).real * 0.4 + 1j * unit(away).imag)


def _eligible(
    script: Script, bodies: Bodies, frame: int
) -> tuple[Complex[NDArray, "K 5"], Complex[NDArray, "K 5"]]:
    """Run the route; when the play breaks down, to where there may be room."""
    position, velocity = bodies.position[:, ELIGIBLE], bodies.velocity[:, ELIGIBLE]
    routes, speed = script.routes, script.speed[:, ELIGIBLE]
    bodies.turned |= np.abs(routes.turn - position) < 0.6 + 0.12 * np.abs(velocity)
    stem = towards(routes.turn - position, speed, speed * routes.speed_at_turn)
    leg = towards(routes.end - position, speed)
    wanted = np.where(bodies.turned, leg, stem)
    broken = (frame >= script.drill_frame)[:, None]
    wanted = np.where(broken, towards(script.drill - position, speed), wanted)
    to_passer = unit(bodies.position[:, [QUARTERBACK]] - position)
    slow = np.abs(velocity) < _LOOK_BACK_BELOW
    ahead = np.where(slow, 0, unit(velocity))
    looks_back = bodies.turned | slow | broken
    return wanted, ahead + np.where(looks_back, to_passer, 0)
