"""How a player turns what he wants into motion that a human body can make.

Points and velocities are complex numbers: real part downfield, imaginary part to the left; yards
and yards per second. Time goes in steps of a tenth of a second, and a position is the one before
plus a tenth of the velocity, so that speeds in the files agree with their positions.
"""

from typing import Final

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND

STEP: Final = 1 / FRAMES_PER_SECOND
"""Seconds."""

RESPONSE: Final = 0.2
"""Seconds in which a change of velocity would be done if acceleration had no limit."""

BRAKING: Final = 5.0
"""Deceleration towards a point where a player stops, yards per second squared."""

_SETTLING: Final = 0.3
_TINY: Final = 1e-9


def at_most(
    wanted: Complex[NDArray, "..."], speed: Float[NDArray, "..."] | float
) -> Complex[NDArray, "..."]:
    """The velocity, or one in its direction at the speed that is allowed.

    >>> print(at_most(np.array([3 + 4j, 0.3j]), 2.5))
    [1.5+2.j  0. +0.3j]
    """
    return wanted * np.minimum(1, speed / np.maximum(np.abs(wanted), _TINY))


def towards(
    gap: Complex[NDArray, "..."],
    speed: Float[NDArray, "..."] | float,
    final: Float[NDArray, "..."] | float = 0.0,
) -> Complex[NDArray, "..."]:
    """Velocity to cross a gap at up to a speed and have slowed down to another at its end.

    Args:
        gap: from the player to where he goes.
        speed: the most that he uses.
        final: at the end of the gap.
    """
    distance = np.abs(gap)
    # The root would overshoot in steps of a tenth: near the end the speed falls with the distance.
    arriving = np.minimum(np.sqrt(final**2 + 2 * BRAKING * distance), final + distance / _SETTLING)
    return gap * (np.minimum(speed, arriving) / np.maximum(distance, _TINY))


def accelerate(
    velocity: Complex[NDArray, "..."],
    wanted: Complex[NDArray, "..."],
    limit: Float[NDArray, "..."],
) -> Complex[NDArray, "..."]:
    """Velocity a step later: towards the wanted one, by at most what the limit allows.

    A velocity that is a mean of two slower than a bound stays below it, so nobody is ever faster
    than he wants to be.

    Args:
        velocity: now.
        wanted: what the player would like.
        limit: of his acceleration, yards per second squared.

    >>> print(accelerate(np.array([0j, 8 + 0j]), np.array([8 + 0j, 8 + 0.4j]), np.array(7.0)))
    [0.7+0.j  8. +0.2j]
    """
    change = (wanted - velocity) * (STEP / RESPONSE)
    return velocity + at_most(change, limit * STEP)


def unit(vector: Complex[NDArray, "..."]) -> Complex[NDArray, "..."]:
    """Direction of a vector; 0 of 0."""
    return vector / np.maximum(np.abs(vector), _TINY)
