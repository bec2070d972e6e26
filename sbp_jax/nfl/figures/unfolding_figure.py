"""A play's forecast as the play unfolds, beside the field with its players: still and animation."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sbp_jax.nfl.figures.field import FIRST_DOWN, Window, draw_field
from sbp_jax.nfl.figures.unfolding_panels import (
    TRUTH,
    draw_frame,
    draw_history,
    mark_outcome,
    prepare_forecast,
    prepare_history,
)
from sbp_jax.nfl.figures.unfolding_play import UnfoldingPlay
from sbp_jax.plots.style import (
    BAND,
    BLUE,
    INK,
    MUTED,
    VERMILION,
    WIDTH,
    headline,
    legend_below,
    new_figure,
    styled,
)
from sbp_jax.runs.atomic import write_whole

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["FRAME_MS", "PAUSE_MS", "UnfoldingPlay", "save_unfolding_gif", "unfolding_figure"]

FRAME_MS: Final = 200
"""Milliseconds that a frame is shown: half the speed of the play."""

PAUSE_MS: Final = 1500
"""Milliseconds that the throw is shown, with what became of the play."""

_INSTANTS: Final = 3
_SUBTITLE: Final = "What the model expected while the play unfolded"
_ACROSS: Final = "yards downfield of the line of scrimmage"
_FORECAST_HEIGHT, _HISTORY_HEIGHT = 1.35, 1.75  # inches
_GIF_WIDTH, _GIF_DPI = 5.6, 110
_GIF_COLOURS: Final = 256
_TOO_NEAR: Final = 8  # of 256 levels
# Small marks must not lose their colour to large areas.
_OWN_COLOURS: Final = ("#FFFFFF", BLUE, VERMILION, INK, MUTED, BAND, FIRST_DOWN, TRUTH)


@styled
def unfolding_figure(play: UnfoldingPlay) -> "Figure":
    """Draw players and forecast at the snap, midway and at the throw, and the forecast in between.

    Below each field is the probability of each number of yards, at the same yards; the strip at
    the bottom shows it for all frames as a colour. No gain includes incomplete passes; where its
    bar would leave the axis it is cut, and its probability is in words.

    Args:
        play: what to draw.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    frames = np.unique(np.rint(np.linspace(0, play.frames - 1, _INSTANTS)).astype(int))
    columns, window = len(frames), play.window
    field_height = _height(window, 0.88 * WIDTH / columns)
    heights = (field_height, _FORECAST_HEIGHT, _HISTORY_HEIGHT)
    figure, axes = new_figure(sum(heights) + 3.0, 3, columns, height_ratios=heights)
    fields, forecasts = axes[:columns], axes[columns : 2 * columns]
    for each in axes[2 * columns :]:
        each.remove()
    for field, forecast, frame in zip(fields, forecasts, frames.tolist(), strict=True):
        draw_field(field, window, play.yards_to_endzone, play.line_to_gain)
        prepare_forecast(forecast, play, window)
        draw_frame(field, forecast, play, frame, window)
        forecast.tick_params(labelleft=field is fields[0], left=field is fields[0])
    forecasts[0].set_ylabel("probability, %", fontsize=9)
    forecasts[columns // 2].set_xlabel(_ACROSS, fontsize=9)
    grid: Any = axes[0].get_gridspec()
    history = figure.add_subplot(grid[2, :])
    prepare_history(history, play, window)
    draw_history(history, play, until=play.frames - 1)
    mark_outcome(history, play, window)
    history.set_title("At every moment, from the snap down to the throw: darker is more probable")
    history.set_xlabel(_ACROSS, fontsize=9)
    headline(
        figure,
        f"{play.title}: {play.outcome}",
        f"{_SUBTITLE}; the axis below a field has the same yards",
    )
    legend_below(figure, [fields[0], forecasts[-1]], columns=5)
    return figure


def save_unfolding_gif(play: UnfoldingPlay, path: Path) -> Path:
    """Write the play as an animation at half speed, whole or not at all; it pauses on the throw.

    Args:
        play: what to draw.
        path: of the GIF; folders on the way are made.

    Returns:
        The path.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    images: list[Image] = []
    _draw_every_frame(play, lambda figure: images.append(_image(figure)))
    frames = _with_one_palette(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(
        path,
        lambda file: frames[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=[FRAME_MS] * (len(frames) - 1) + [PAUSE_MS],
            loop=0,
        ),
    )
    return path


@styled
def _draw_every_frame(play: UnfoldingPlay, take: "Callable[[Figure], None]") -> "Figure":
    """Draw one frame after the other into the same figure, which is handed on each time."""
    window = play.window
    field_height = _height(window, 0.92 * _GIF_WIDTH)
    heights = (field_height, 0.9 * _FORECAST_HEIGHT, 0.7 * _HISTORY_HEIGHT)
    figure, (field, forecast, history) = new_figure(sum(heights) + 2.8, 3, 1, height_ratios=heights)
    figure.set_size_inches(_GIF_WIDTH, figure.get_figheight())
    figure.set_dpi(_GIF_DPI)
    draw_field(field, window, play.yards_to_endzone, play.line_to_gain)
    prepare_forecast(forecast, play, window)
    forecast.set_ylabel("probability, %", fontsize=9)
    prepare_history(history, play, window)
    history.set_xlabel(_ACROSS, fontsize=9)
    headline(figure, play.title, f"{_SUBTITLE}, at half speed")
    moving: list[Artist] = []
    last = play.frames - 1
    # The last frame comes first as well: it has all that the legend names. What is laid out for
    # it then stays, so that nothing jumps.
    for frame in (last, *range(play.frames)):
        for artist in moving:
            artist.remove()
        moving = draw_frame(field, forecast, play, frame, window)
        moving += draw_history(history, play, until=frame)
        if frame == last:
            moving += mark_outcome(history, play, window)
        if not figure.legends:
            legend_below(figure, [field, forecast], columns=3)
            figure.canvas.draw()
            figure.set_layout_engine("none")
            continue
        figure.canvas.draw()
        take(figure)
    return figure


def _height(window: Window, width: float) -> float:
    """Height in inches of a field so wide, one yard as long across it as along it."""
    return width * (window.y_high - window.y_low) / (window.x_high - window.x_low)


def _image(figure: "Figure") -> "Image":
    from PIL import Image  # comes with matplotlib, without which there is no figure

    canvas: Any = figure.canvas
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _with_one_palette(images: "list[Image]") -> "list[Image]":
    """Reduce the colours of all images to the same ones, else they would flicker.

    The figure's own are among them; the others are those that suit the last image best, which has
    all that the others have.
    """
    from PIL import Image, ImageColor

    own = np.array([ImageColor.getrgb(colour) for colour in _OWN_COLOURS])
    found = images[-1].quantize(_GIF_COLOURS - len(own)).getpalette() or []
    others = np.reshape(found, (-1, 3))
    # Pillow looks for the nearest colour in coarse steps: one very near to ours might win.
    near = (np.abs(others[:, None] - own) < _TOO_NEAR).all(axis=2).any(axis=1)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([own, others[~near]]).ravel().tolist())
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
