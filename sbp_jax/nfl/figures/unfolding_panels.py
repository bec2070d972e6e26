"""Panels of a play that unfolds: the probability of yards at a frame, and at all of them.

Every panel has the yards of the field on its horizontal axis, so that one below a field shows
where on the grass the probability lies. What changes from frame to frame is returned, so that an
animation can remove it.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sbp_jax.nfl.figures.field import FIRST_DOWN, Window, draw_players
from sbp_jax.nfl.figures.unfolding_play import INTERVAL, UnfoldingPlay
from sbp_jax.plots.style import BLUE, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

HEADROOM: Final = 1.3
"""Height of the axis over the highest bar that is not an atom: room for the quantiles."""

TRUTH: Final = "#009E73"  # of the palette of `sbp_jax.plots.style`
_QUANTILES: Final = 1.12  # height of the interval, over that bar
_MEDIAN: Final[dict[str, Any]] = {
    "marker": "D",
    "ls": "",
    "mfc": "white",
    "mec": INK,
    "mew": 1.2,
    "zorder": 5.5,
}
_INTERVAL: Final = f"{100 * INTERVAL:.0f} % interval"
_FAR: Final = 0.005  # probability beyond the window that is worth a word
_PADDED: Final[dict[str, Any]] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def highest_bar(play: UnfoldingPlay) -> float:
    """Highest probability in per cent at any frame, but for no gain and the touchdown.

    Their atoms would leave the rest too low to be read.
    """
    atoms = (play.yards == 0) | (play.yards == play.yards_to_endzone)
    return max(100 * float(play.pmf[:, ~atoms].max(initial=0)), 1.0)


def draw_frame(
    field: "Axes", forecast: "Axes", play: UnfoldingPlay, frame: int, window: Window
) -> "list[Artist]":
    """Draw players and probabilities of one frame, and at the throw what became of it.

    Args:
        field: that `sbp_jax.nfl.figures.field.draw_field` was called on.
        forecast: that `prepare_forecast` was called on.
        play: to draw.
        frame: 0 is the snap.
        window: of both axes.

    Returns:
        What was drawn.
    """
    throw = frame == play.frames - 1
    time = f"{play.seconds(frame):.1f} s"
    name = f"throw, {time}" if throw else ("snap" if frame == 0 else time)
    field.set_title(name)
    drawn = draw_players(field, play.positions[: frame + 1], play.player_mask)
    drawn += _draw_bars(forecast, play, frame)
    drawn += _draw_quantiles(forecast, play, frame)
    drawn += _write_beyond(forecast, play, frame, window)
    forecast.set_title(_chances(play, frame), fontsize=9, fontweight="normal", pad=4)
    beyond = " →" if play.yards_gained > window.x_high else ""
    # On the grass it would hide players.
    field.set_title(play.outcome + beyond if throw else "", loc="right")
    if throw:
        drawn += mark_outcome(field, play, window)
        drawn += mark_outcome(forecast, play, window)
        if play.truth is not None:
            drawn += forecast.step(
                play.yards,
                100 * play.truth,
                where="mid",
                color=TRUTH,
                lw=1.3,
                label="true law",
            )
    return drawn


def prepare_forecast(axis: "Axes", play: UnfoldingPlay, window: Window) -> None:
    """Set up the axis of probabilities, the same for all frames."""
    axis.grid(axis="x", visible=False)
    _mark_line_to_gain(axis, play)
    axis.set(xlim=window[:2], ylim=(0, HEADROOM * highest_bar(play)))
    axis.locator_params(axis="x", integer=True)
    axis.locator_params(axis="y", nbins=4)
    axis.tick_params(labelsize=8.5)


def mark_outcome(axis: "Axes", play: UnfoldingPlay, window: Window) -> "list[Artist]":
    """A line at the yards gained, at the edge of the window if they are beyond."""
    x = min(play.yards_gained, window.x_high)
    return [
        axis.axvline(x, color="white", lw=2.6, alpha=0.6, zorder=4.9),  # else lost on dark bars
        axis.axvline(x, color=INK, lw=1.8, ls=(0, (3, 1.2)), label="yards gained", zorder=5),
    ]


def prepare_history(axis: "Axes", play: UnfoldingPlay, window: Window) -> None:
    """Set up the axis of all frames, time going down from the snap."""
    margin = play.seconds(1) / 2
    axis.grid(visible=False)
    axis.set(xlim=window[:2], ylim=(play.seconds(play.frames - 1) + margin, -margin))
    axis.set_ylabel("seconds", fontsize=9)
    axis.tick_params(labelsize=8.5)


def draw_history(axis: "Axes", play: UnfoldingPlay, until: int) -> "list[Artist]":
    """Draw the probabilities of all frames up to one, as colours, with median and interval.

    Args:
        axis: that `prepare_history` was called on.
        play: to draw.
        until: the last frame that is drawn.

    Returns:
        What was drawn.
    """
    shown = slice(0, until + 1)
    step = play.seconds(1)
    seconds = step * np.arange(play.frames)
    edges = step * (np.arange(until + 2) - 0.5)
    drawn: list[Artist] = [
        axis.pcolormesh(
            np.append(play.yards, play.yards[-1] + 1) - 0.5,
            edges,
            100 * np.asarray(play.pmf[shown], np.float64),
            cmap="Blues",
            vmin=0,
            vmax=highest_bar(play),
        )
    ]
    interval = play.quantiles((1 - INTERVAL) / 2, (1 + INTERVAL) / 2)
    for end in (interval.low, interval.high):
        drawn += axis.plot(end[shown], seconds[shown], color=INK, lw=1.0, ls=":")
    # Not joined: a median that jumps over what is improbable was never there.
    drawn += axis.plot(interval.median[shown], seconds[shown], ms=3.5, **(_MEDIAN | {"mew": 0.8}))
    return drawn


def _mark_line_to_gain(axis: "Axes", play: UnfoldingPlay) -> None:
    """Go on with the line that the field above has; at the goal line there is a bar."""
    if 0 < play.line_to_gain < play.yards_to_endzone:
        axis.axvline(play.line_to_gain, color=FIRST_DOWN, lw=1.4, zorder=0.9)


def _draw_bars(axis: "Axes", play: UnfoldingPlay, frame: int) -> "list[Artist]":
    percent = 100 * np.asarray(play.pmf[frame], np.float64)
    bars = axis.bar(play.yards, percent, width=0.86, color=BLUE, label="probability")
    drawn: list[Artist] = [*bars]
    top = axis.get_ylim()[1]
    for bar, height in zip(bars, percent, strict=True):
        if height > top:  # a slit tells that it is cut, and words how high it is
            middle = bar.get_x() + bar.get_width() / 2
            drawn += axis.plot(
                [middle - 0.8, middle + 0.8],
                [0.68 * top, 0.74 * top],
                color="white",
                lw=2.2,
                solid_capstyle="butt",
                zorder=2,
            )
    return drawn


def _draw_quantiles(axis: "Axes", play: UnfoldingPlay, frame: int) -> "list[Artist]":
    interval = play.quantiles((1 - INTERVAL) / 2, (1 + INTERVAL) / 2)
    height = _QUANTILES * highest_bar(play)
    low, median, high = (float(each[frame]) for each in interval)
    look: dict[str, Any] = {"solid_capstyle": "butt", "zorder": 3}
    ends, heights = [low, high], [height, height]
    return [
        *axis.plot(ends, heights, color="white", lw=4.5, **look),
        *axis.plot(
            ends,
            heights,
            "|-",
            color=INK,
            lw=1.5,
            ms=7,
            label=f"{_percent(INTERVAL)} interval",
            **look,
        ),
        *axis.plot([median], [height], ms=6.5, label="median", **_MEDIAN),
    ]


def _chances(play: UnfoldingPlay, frame: int) -> str:
    """How likely nothing is gained, and below how likely a first down or a touchdown is."""
    words = f"no gain or incomplete {_percent(play.chance(frame, 0, 0))}\n"
    if not play.line_to_gain:
        return words
    name = "touchdown" if play.line_to_gain == play.yards_to_endzone else "first down"
    return f"{words}{name} {_percent(play.chance(frame, play.line_to_gain))}"


def _write_beyond(axis: "Axes", play: UnfoldingPlay, frame: int, window: Window) -> "list[Artist]":
    """Say how much probability lies to the right of the window, if it is worth a word."""
    beyond = play.chance(frame, int(np.floor(window.x_high)) + 1)
    if beyond < _FAR:
        return []
    return [
        axis.annotate(
            f"{_percent(beyond)} →",
            (0.99, 0.3),
            xycoords="axes fraction",
            ha="right",
            fontsize=8.5,
            color=MUTED,
            bbox=_PADDED | {"pad": 1},
            zorder=6,
        )
    ]


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"
