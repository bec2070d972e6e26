"""One look for all figures, and the only place that knows how matplotlib is set up.

Figures are drawn without pyplot, inside a context that puts matplotlib's settings back
afterwards: a notebook's own figures, style and backend stay as they are. Sizes are chosen for a
README that shows a figure 800 pixels wide; the file has twice as many.
"""

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec

import numpy as np

from sbp_jax.errors import MissingExtraError
from sbp_jax.runs.atomic import write_whole

if TYPE_CHECKING:  # only those who draw need matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

WIDTH: Final = 8.0
"""Inches."""

DPI: Final = 200

# Okabe and Ito's palette: told apart under all common kinds of colour blindness.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
INK: Final = "#222222"
MUTED: Final = "#6B6B6B"
BAND: Final = "#D5D5D5"
SERIES: Final = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of forecasts and models, in the order in which they are given."""

LINES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
"""Dashes that go with `SERIES`, so that no figure is told by colour alone."""

_SETTINGS: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: every machine draws the same
    "font.size": 10,
    "figure.facecolor": "white",
    "figure.titlesize": 12.5,
    "figure.titleweight": "bold",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E8E8E8",
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def styled(draw: "Callable[P, Figure]") -> "Callable[P, Figure]":
    """Decorate a function that draws: it runs with our settings and leaves no trace of them.

    Raises (when called):
        MissingExtraError: matplotlib is not installed.
    """

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> "Figure":
        matplotlib = _matplotlib("matplotlib")
        with matplotlib.rc_context():
            matplotlib.rcdefaults()  # else a user's own matplotlibrc would show through
            matplotlib.rcParams.update(_SETTINGS)
            return draw(*args, **kwargs)

    return wrapper


def new_figure(
    height: float, rows: int, columns: int, **layout: Any
) -> "tuple[Figure, list[Axes]]":
    """A figure of the common width with a grid of axes, which come row by row.

    Args:
        height: in inches.
        rows: of axes.
        columns: of axes.
        layout: what else `Figure.subplots` takes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = _matplotlib("matplotlib.figure").Figure(figsize=(WIDTH, height), dpi=DPI)
    _matplotlib("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **layout)
    return figure, list(np.asarray(axes).ravel())


def headline(figure: "Figure", title: str, subtitle: str) -> None:
    """Write a title, and below it in plain small type how to read the figure; lay out the rest."""
    inches = float(figure.get_figheight())
    figure.suptitle(title, x=0.01, y=1 - 0.08 / inches, ha="left", va="top").set_in_layout(False)
    figure.text(
        0.01, 1 - 0.36 / inches, subtitle, va="top", fontsize=9.5, color=MUTED
    ).set_in_layout(False)
    # Room for both, which the layout does not see.
    figure.set_layout_engine("constrained", w_pad=0.08, rect=(0, 0, 1, 1 - 0.62 / inches))


def legend_below(figure: "Figure", axes: "Iterable[Axes]", columns: int = 4) -> None:
    """One legend for all axes under the figure, every label once."""
    entries: dict[str, Any] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(
        entries.values(), entries.keys(), loc="outside lower center", ncols=columns, fontsize=9.5
    )


def note(axis: "Axes", text: str, corner: Literal["upper right", "lower right"]) -> None:
    """Write small print into the "upper right" or "lower right" corner, over whatever is there."""
    top = corner == "upper right"
    axis.annotate(
        text,
        (0.98, 0.98 if top else 0.02),
        xycoords="axes fraction",
        ha="right",
        va="top" if top else "bottom",
        fontsize=8.5,
        color=MUTED,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2, "alpha": 0.9},
    )


def save_figure(figure: "Figure", path: Path, *, tight: bool = False) -> Path:
    """Write a figure as PNG whole or not at all; folders on the way are made.

    Args:
        figure: to write.
        path: of the file.
        tight: fit the picture to what is drawn, as a figure without a layout of its own needs.

    Returns:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # No version of matplotlib in the file: equal figures make equal files.
    write_whole(
        path,
        lambda file: figure.savefig(
            file,
            format="png",
            dpi=DPI,
            metadata={"Software": None},
            bbox_inches="tight" if tight else None,
        ),
    )
    return path


def _matplotlib(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            'figures need matplotlib, which is not installed: pip install "sbp-jax[figures]"'
        ) from error
