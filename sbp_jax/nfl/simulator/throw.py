"""The throw: at whom, and the facts that its outcome depends on, from what the files say.

Legend: K plays, N frames.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.lineup import ELIGIBLE, FIRST_ELIGIBLE, QUARTERBACK, SIDELINE
from sbp_jax.nfl.simulator.routes import Route
from sbp_jax.nfl.simulator.schedule import Situations
from sbp_jax.nfl.simulator.script import Script
from sbp_jax.nfl.simulator.simulated_outcome import ThrowFacts
from sbp_jax.nfl.tracking.play_frames import SIDE

_NEAR: Final = 200
"""Hundredths of a yard within which a defender is near the target."""

# How a passer weighs his receivers, in units of the spread of his taste.
_CARELESS_SHARE: Final = 0.15
_OPENNESS, _OPEN_ENOUGH = 0.45, 3.5
_EFFORT, _EASY_THROW = 0.06, 10.0
_FIRST_READ_BONUS: Final = 1.5
_SCREEN_BONUS: Final = 3.5
_FULL_TURN: Final = 36_000
"""Hundredths of a degree."""


class Hundredths(NamedTuple):
    """Numbers of the tracking files, in their last digit, 0.01.

    Attributes:
        x: (N, 22) yards along the field, 0 to 120 yards.
        y: (N, 22) yards across it, 0 to 53.3 yards.
        s: (N, 22) yards per second.
        direction: (N, 22) degrees clockwise from +y.
    """

    x: Int[NDArray, "N 22"]
    y: Int[NDArray, "N 22"]
    s: Int[NDArray, "N 22"]
    direction: Int[NDArray, "N 22"]


def as_written(
    position: Complex[NDArray, "N E"],
    velocity: Complex[NDArray, "N E"],
    line: Int[NDArray, " N"],
    to_right: Bool[NDArray, " N"],
) -> Hundredths:
    """Turn and round as the files have it.

    Args:
        position: yards, as in `sbp_jax.nfl.simulator.lineup`.
        velocity: yards per second.
        line: line of scrimmage on the field's own scale.
        to_right: the offence attacks towards x = 120.
    """
    along = np.where(to_right, 1, -1)[:, None]
    place = along * position
    return Hundredths(
        x=_hundredths(place.real + line[:, None]),
        y=_hundredths(place.imag + SIDELINE),
        s=_hundredths(np.abs(velocity)),
        direction=compass(np.angle(along * velocity)),
    )


def compass(angle: Float[NDArray, "..."]) -> Int[NDArray, "..."]:
    """Hundredths of degrees clockwise from +y, of an angle in radians the other way from +x.

    >>> compass(np.array([0.0, np.pi / 2, np.pi, -np.pi / 2, np.pi / 2 + 1e-9])).tolist()
    [9000, 0, 27000, 18000, 0]
    """
    return _hundredths(90 - np.rad2deg(angle)) % _FULL_TURN


def choose_targets(
    rng: np.random.Generator, script: Script, position: Complex[NDArray, "K 22"]
) -> Int[NDArray, " K"]:
    """Place of the eligible player that each pass is thrown at.

    Mostly the one who was to be looked at first, or one who is open and not too far away; now
    and then any who runs a route.

    Args:
        rng: source of randomness.
        script: plans.
        position: at the throw.
    """
    receivers = position[:, ELIGIBLE]
    separation = np.abs(receivers[..., None] - position[:, None, SIDE:]).min(axis=-1)
    distance = np.abs(receivers - position[:, [QUARTERBACK]])
    appeal = _OPENNESS * np.minimum(separation, _OPEN_ENOUGH)
    appeal -= _EFFORT * np.maximum(distance - _EASY_THROW, 0)
    appeal += _FIRST_READ_BONUS * (rng.integers(0, 5, (len(appeal), 1)) == np.arange(5))
    appeal += _SCREEN_BONUS * (script.routes.route == Route.SCREEN)
    appeal[rng.random(len(appeal)) < _CARELESS_SHARE] = 0
    appeal += rng.gumbel(size=appeal.shape)
    appeal[script.routes.route == Route.BLOCK] = -np.inf
    return FIRST_ELIGIBLE + appeal.argmax(axis=1)


def throw_facts(written: Hundredths, plays: Situations, target: Int[NDArray, " K"]) -> ThrowFacts:
    """Facts of K throws, exactly as anyone computes them from the files.

    Args:
        written: frames of the throws.
        plays: the same plays.
        target: place of each target.
    """
    rows = np.arange(target.size)
    along = np.where(plays.to_right, 1, -1)
    # Distances of whole hundredths have no rounding error before the root.
    dx, dy = (
        (axis[:, SIDE:] - axis[rows, target][:, None]).astype(np.int64)
        for axis in (written.x, written.y)
    )
    to_target = dx**2 + dy**2
    dx, dy = (axis - axis[:, [QUARTERBACK]].astype(np.int64) for axis in (written.x, written.y))
    to_passer = dx**2 + dy**2
    turn = np.where(plays.to_right, 90, 270)
    heading = np.deg2rad(turn - written.direction[rows, target] / 100)
    return ThrowFacts(
        depth=along * (written.x[rows, target] - 100 * plays.line) / 100,
        target_vx=written.s[rows, target] / 100 * np.cos(heading),
        separation=np.sqrt(to_target.min(axis=1)) / 100,
        defenders_near=(to_target <= _NEAR**2).sum(axis=1).astype(np.float64),
        nearest_rusher=np.sqrt(to_passer[:, SIDE:].min(axis=1)) / 100,
        target_distance=np.sqrt(to_passer[rows, target]) / 100,
        yards_to_endzone=plays.to_endzone.astype(np.float64),
    )


def _hundredths(values: Float[NDArray, "..."]) -> Int[NDArray, "..."]:
    return np.rint(100 * values).astype(np.int32)
