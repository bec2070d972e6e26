"""From the field's coordinates to those of `PlayFrames`.

In the files x runs from 0 to 120 yards along the field, y from 0 to 160/3 across it, and angles
are degrees clockwise from +y. A play towards the left is turned by half a turn, which makes
x to 120 - x, y to 160/3 - y and adds 180 degrees. Then x counts from the line of scrimmage, y
from the middle of the field, and angles are radians counter-clockwise from downfield.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.fill_holes import wrap

FIELD_LENGTH: Final = 120.0
FIELD_WIDTH: Final = 160 / 3
_GOAL_LINE: Final = 110.0


def downfield(
    x: Float[NDArray, "N P"], line: Float[NDArray, "N 1"], right: Bool[NDArray, "N 1"]
) -> Float[NDArray, "N P"]:
    """Yards of x beyond the line of scrimmage, positive where the offence wants to go.

    Args:
        x: of the file.
        line: of scrimmage, in the file's coordinates.
        right: whether the offence attacks towards +x.

    >>> x, line, right = np.array([[30.0]]), np.array([[25.0]]), np.array([[True], [False]])
    >>> downfield(x, line, right)
    array([[ 5.], [-5.]])
    """
    return np.where(right, x - line, line - x)


def sideways(y: Float[NDArray, "N P"], right: Bool[NDArray, "N 1"]) -> Float[NDArray, "N P"]:
    """Yards from the middle of the field, positive to the left as the offence looks downfield.

    >>> sideways(np.array([[0.0], [0.0]]), np.array([[True], [False]])).round(2)
    array([[-26.67], [ 26.67]])
    """
    middle = y.dtype.type(FIELD_WIDTH / 2)
    return np.where(right, y - middle, middle - y)


def turned(degrees: Float[NDArray, "N P"], right: Bool[NDArray, "N 1"]) -> Float[NDArray, "N P"]:
    r"""An angle as radians counter-clockwise from downfield, in [-pi, pi].

    .. math:: \pi / 2 - \pi d / 180

    with :math:`d + 180` for :math:`d` in a play to the left.

    >>> right, left = np.array([[True]]), np.array([[False]])
    >>> turned(np.array([[90.0, 0.0, 180.0]]), right) / np.pi
    array([[ 0. ,  0.5, -0.5]])
    >>> turned(np.array([[270.0, 0.0]]), left) / np.pi
    array([[ 0. , -0.5]])
    """
    radians = np.deg2rad(degrees)
    quarter = radians.dtype.type(np.pi / 2)
    return wrap(np.where(right, quarter - radians, -quarter - radians))


def yards_to_endzone(
    line: Float[NDArray, " K"], right: Bool[NDArray, " K"]
) -> Float[NDArray, " K"]:
    """From the line of scrimmage to the goal line that the offence attacks.

    >>> yards_to_endzone(np.array([35.0, 35.0]), np.array([True, False]))
    array([75., 25.])
    """
    return _GOAL_LINE - np.where(right, line, FIELD_LENGTH - line)
