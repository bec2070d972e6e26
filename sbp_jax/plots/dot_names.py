"""Names of some dots of a scatter plot, put where they cover least."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float

from sbp_jax.plots.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = Float[np.ndarray, "points 2"]
Box = Float[np.ndarray, "2 2"]
"""Lower left and upper right corner, in pixels."""

_PLACES: Final = tuple(
    np.array([across, up]) * 5.5
    for up in (0, 1, -1)
    for across in (1, -1, 0)
    if (across, up) != (0, 0)
)
"""Where a name may stand from its dot, in points, the better ones first."""

_MARGIN: Final = 2  # points between a name and the edge of the axis
_STEPS: Final = 60  # points that stand for a line
_FORBIDDEN: Final = 1000  # dots that covering a name or leaving the axis is as bad as


def name_dots(axis: "Axes", rows: Sequence[int], names: Sequence[str]) -> None:
    """Ring some dots of an axis and write their names beside them.

    Each name in turn takes the place where it covers the fewest dots and least of the lines, no
    earlier name, and stays within the axis. Places are chosen in pixels, so the figure must have
    been laid out, and its limits are not to change afterwards.

    Args:
        axis: its first line holds the dots, what others it has are to be kept clear.
        rows: which dots to name, the most important first.
        names: of all dots.
    """
    dpi = axis.figure.dpi
    at = np.asarray(axis.lines[0].get_xydata())
    dots, *lines = (axis.transData.transform(line.get_xydata()) for line in axis.lines)
    obstacles = np.vstack([dots, *map(_along, lines)])
    frame = np.asarray(axis.bbox.padded(-_MARGIN * dpi / 72).get_points())
    taken: list[Box] = []
    for row in rows:
        axis.plot(*at[row], "o", ms=5.5, mfc="none", mec=INK, mew=0.9)
        text = axis.annotate(
            names[row],
            tuple(at[row]),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=7.5,
            va="bottom",
        )
        text.set_in_layout(False)
        size = np.asarray(text.get_window_extent().size)
        boxes = [_beside(dots[row], size, place * dpi / 72, frame) for place in _PLACES]
        costs = [_cost(box, obstacles, taken, frame) for box in boxes]
        best = boxes[int(np.argmin(costs))]
        text.set_position(tuple((best[0] - dots[row]) * 72 / dpi))
        taken.append(best)


def _beside(dot: np.ndarray, size: np.ndarray, shift: np.ndarray, frame: Box) -> Box:
    """Box of a name beside a dot; one above or below is moved sideways to stay in the axis."""
    corner = dot + shift - size * (1 - np.sign(shift)) / 2
    if shift[1]:
        corner[0] = np.clip(corner[0], frame[0, 0], max(frame[0, 0], frame[1, 0] - size[0]))
    return np.array([corner, corner + size])


def _cost(box: Box, obstacles: Points, taken: Sequence[Box], frame: Box) -> int:
    """How much a name would cover."""
    low, high = box
    covered = int(np.all((obstacles > low) & (obstacles < high), axis=1).sum())
    clashes = sum(bool(np.all((low < other[1]) & (high > other[0]))) for other in taken)
    leaves = bool(np.any(low < frame[0]) or np.any(high > frame[1]))
    return covered + _FORBIDDEN * (clashes + leaves)


def _along(line: Points) -> Points:
    """Points on a straight line from its first to its last."""
    return np.linspace(line[0], line[-1], _STEPS)
