"""A strip of a football field seen from above, the offence moving to the right, and 22 players.

Coordinates are those of `sbp_jax.nfl.tracking.play_frames`: x yards downfield of the line of
scrimmage, y yards to the left of the middle of the field. Nothing here knows of forecasts.

Legend: T frames, 22 players in the order of `sbp_jax.nfl.tracking.features.PLAYER_NAMES`.
"""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.features import PLAYER_NAMES
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND, PLAYERS, SIDE
from sbp_jax.nfl.tracking.summary import FIELD_WIDTH
from sbp_jax.plots.style import BAND, BLUE, INK, VERMILION

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

FIELD_LENGTH: Final = 100
"""Yards from goal line to goal line."""

END_ZONE: Final = 10
"""Yards, the depth of either end zone."""

FIRST_DOWN: Final = "#E69F00"
"""Colour of the line to gain: viewers know it as the yellow line."""

LINE_TO_GAIN: Final = "line to gain"
LINE_OF_SCRIMMAGE: Final = "line of scrimmage"

TRAIL_SECONDS: Final = 1.0
"""How far back the trails of the players go."""

_GRASS, _PAINT, _NUMBERS = "#EDF3E8", "#C9D8BE", "#7C966B"
_PASSER, _TARGET = PLAYER_NAMES.index("passer"), PLAYER_NAMES.index("target")
_NUMBERS_HEIGHT: Final = 3.5  # yards that the painted numbers take
_LABEL: Final = (4.0, 4.3)  # yards to either side, and up or down, that the name of a player takes


class Window(NamedTuple):
    """The part of the field that is drawn, in yards."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float


class YardLine(NamedTuple):
    """A painted line across the field.

    Attributes:
        x: yards downfield of the line of scrimmage.
        label: what is painted beside it, "" where nothing is; "G" at a goal line.
    """

    x: int
    label: str


def yard_lines(yards_to_endzone: int, low: float, high: float) -> list[YardLine]:
    """The lines at every fifth yard from goal line to goal line that lie in a range of x.

    Every second one has a number, which rises up to the middle of the field and falls again.

    Args:
        yards_to_endzone: from the line of scrimmage.
        low: end of the range, yards downfield of the line of scrimmage.
        high: the other end.

    >>> [tuple(line) for line in yard_lines(57, low=-4, high=18)]
    [(-3, '40'), (2, ''), (7, '50'), (12, ''), (17, '40')]
    """
    lines = []
    for to_goal in range(FIELD_LENGTH, -1, -5):
        x = yards_to_endzone - to_goal
        if low <= x <= high:
            number = str(min(to_goal, FIELD_LENGTH - to_goal))
            label = ("G" if number == "0" else number) if to_goal % 10 == 0 else ""
            lines.append(YardLine(x, label))
    return lines


def draw_field(axis: "Axes", window: Window, yards_to_endzone: int, line_to_gain: int) -> None:
    """Draw grass, lines and numbers, and set the limits of the axis; one yard is one yard.

    Args:
        axis: to draw into.
        window: what part of the field.
        yards_to_endzone: from the line of scrimmage.
        line_to_gain: yards downfield of the line of scrimmage; 0 for none.
    """
    axis.set_facecolor(_GRASS)
    axis.grid(visible=False)
    axis.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    axis.spines[["left", "bottom"]].set_visible(False)
    goal, own_goal = yards_to_endzone, yards_to_endzone - FIELD_LENGTH
    for near, far in ((goal, goal + END_ZONE), (own_goal, own_goal - END_ZONE)):
        axis.axvspan(near, far, color=BAND, alpha=0.8, lw=0, zorder=0.5)
    numbers = _foot(window.y_low) + _NUMBERS_HEIGHT / 2
    for line in yard_lines(yards_to_endzone, window.x_low, window.x_high):
        painted: dict[str, Any] = {"color": _PAINT, "lw": 1.0}
        if line.label == "G":
            painted = {"color": INK, "lw": 2.0}
        axis.axvline(line.x, zorder=0.7, **painted)
        # A number at the very edge would be cut.
        if line.label and window.x_low + 2.5 < line.x < window.x_high - 2.5:
            axis.text(
                line.x,
                numbers,
                line.label,
                ha="center",
                va="center",
                fontsize=10,
                fontweight="bold",
                color=INK if line.label == "G" else _NUMBERS,
                bbox={"facecolor": _GRASS, "edgecolor": "none", "pad": 1},
                zorder=0.95,
            )
    for sideline in (-FIELD_WIDTH / 2, FIELD_WIDTH / 2):
        axis.axhline(sideline, color=_NUMBERS, lw=2.0, zorder=0.7)
    axis.axvline(0, color=INK, lw=1.4, zorder=0.9, label=LINE_OF_SCRIMMAGE)
    if line_to_gain and line_to_gain < yards_to_endzone:
        axis.axvline(line_to_gain, color=FIRST_DOWN, lw=2.4, zorder=0.9, label=LINE_TO_GAIN)
    axis.set(xlim=window[:2], ylim=window[2:])
    axis.set_box_aspect((window.y_high - window.y_low) / (window.x_high - window.x_low))


def draw_players(
    axis: "Axes", positions: Float[NDArray, "T 22 2"], mask: Bool[NDArray, " 22"]
) -> "list[Artist]":
    """Draw where the players are in the last frame, and whence they came in the last second.

    Args:
        axis: that `draw_field` was called on.
        positions: (T, 22, 2) x and y from the snap to the frame that is shown.
        mask: (22,) which players there are; others are not drawn.

    Returns:
        What was drawn, so that it can be removed before the next frame.
    """
    trail = positions[-1 - round(TRAIL_SECONDS * FRAMES_PER_SECOND) :]
    now = positions[-1]
    drawn: list[Artist] = []
    offence = np.arange(PLAYERS) < SIDE
    looks: tuple[tuple[Any, str, dict[str, Any]], ...] = (
        (offence & mask, "offence", {"color": BLUE, "marker": "o", "ms": 5.5}),
        (~offence & mask, "defence", {"color": VERMILION, "marker": "^", "ms": 6.0}),
    )
    for who, label, look in looks:
        drawn += axis.plot(
            trail[:, who, 0], trail[:, who, 1], color=look["color"], alpha=0.4, lw=1.2, zorder=2
        )
        drawn += axis.plot(
            now[who, 0], now[who, 1], ls="", mec="white", mew=0.6, label=label, zorder=3, **look
        )
    for player, name in ((_PASSER, "passer"), (_TARGET, "target")):
        if mask[player]:
            drawn += _named(axis, now[player], name, others=now[mask])
    return drawn


def _named(
    axis: "Axes", place: Float[NDArray, " 2"], name: str, others: Float[NDArray, "P 2"]
) -> "list[Artist]":
    """A ring around a player, and what he is, on the side where it hides fewer others."""
    x, y = (float(value) for value in place)
    away = others - place
    beside = np.abs(away[:, 0]) < _LABEL[0]
    above, below = (
        int((beside & (sign * away[:, 1] > 0) & (sign * away[:, 1] < _LABEL[1])).sum())
        for sign in (1, -1)
    )
    low, high = axis.get_ylim()
    room_below = y - _LABEL[1] > _foot(low) + _NUMBERS_HEIGHT
    down = y + _LABEL[1] > high or (below < above and room_below)
    ring = axis.plot([x], [y], "o", ms=9.5, mfc="none", mec=INK, mew=1.3, zorder=3.5)
    label = axis.annotate(
        name,
        (x, y),
        xytext=(0, -7 if down else 7),
        textcoords="offset points",
        ha="center",
        va="top" if down else "bottom",
        fontsize=8.5,
        bbox={"facecolor": _GRASS, "edgecolor": "none", "alpha": 0.7, "pad": 0.4},
        zorder=4,
    )
    label.set_in_layout(False)
    return [*ring, label]


def _foot(low: float) -> float:
    """Where the drawn part of the field ends on the right-hand side of the offence."""
    return max(low, -FIELD_WIDTH / 2)
