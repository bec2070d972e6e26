"""A sweep in pictures: each trial as a line through its settings, and each setting by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import ReportError
from sbp_jax.plots.style import (
    BLUE,
    INK,
    MUTED,
    VERMILION,
    headline,
    new_figure,
    note,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PALETTE: Final = "viridis"  # dark is best: told apart in grey, too
_FAINT: Final = "#BBBBBB"
_TICKS: Final = 4
_SHOWN: Final = 0.9  # share of the complete trials that the score's axis is made for
_FEW: Final = 5  # complete trials, of which none is left out
_PER_ROW: Final = 4


@dataclass(frozen=True)
class SweepTrial:
    """A trial as it is drawn.

    Attributes:
        settings: a number or a label of each setting.
        score: of its best epoch; smaller is better.
        complete: False for one that was stopped early; it is drawn faintly.
    """

    settings: Mapping[str, float | str]
    score: float
    complete: bool


@dataclass(frozen=True)
class Setting:
    """An axis.

    Attributes:
        name: of the setting.
        log: whether equal ratios are equally far apart.
        labels: of a setting that is a choice, in their order.
    """

    name: str
    log: bool = False
    labels: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name, for people."""
        return self.name.replace("_", " ")

    def positions(self, values: Sequence[float | str]) -> NDArray:
        """Where values lie on the axis: numbers, their logarithms, or numbers of labels."""
        if self.labels:
            return np.array([self.labels.index(str(value)) for value in values], np.float64)
        numbers = np.array(values, np.float64)
        return np.log10(numbers) if self.log else numbers


@styled
def parallel_coordinates_figure(
    trials: Sequence[SweepTrial], settings: Sequence[Setting]
) -> "Figure":
    """Draw each trial as a line through its settings to its score.

    Args:
        trials: at least one of them complete.
        settings: the axes, from the left.

    Raises:
        ReportError: no complete trial, or no setting.
        MissingExtraError: matplotlib is not installed.
    """
    ceiling = _check(trials, settings)
    figure, (axis,) = new_figure(4.6, 1, 1)
    score = Setting("validation_score")
    heights = [_Scale(each, [t.settings[each.name] for t in trials]) for each in settings]
    heights.append(_Scale(score, [min(trial.score, ceiling) for trial in trials]))
    lines = np.stack([scale.heights for scale in heights], axis=1)
    for row in _worst_first(trials):
        look = _look(trials[row], trials, ceiling)
        axis.plot(np.arange(len(heights)), lines[row], **look)
    for at, scale in enumerate(heights):
        axis.axvline(at, color=MUTED, lw=1, zorder=3)
        for height, text in scale.ticks():
            axis.annotate(
                text,
                (at, height),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize=7.5,
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
                zorder=4,
            )
    above = sum(trial.score > ceiling for trial in trials)
    over = f" {above} end above the top." if above else ""
    titles = [scale.setting.title.replace(" ", "\n", 1) for scale in heights]
    axis.set_xticks(np.arange(len(heights)), titles, fontsize=8)
    axis.tick_params(axis="x", length=0)
    axis.set_yticks([])
    axis.set_xlim(-0.1, len(heights) - 0.45)
    axis.set_ylim(-0.04, 1.04)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
    headline(
        figure,
        "Settings and scores of a sweep",
        _subtitle(trials, "A line is a trial; darker is better, and lower at the right." + over),
    )
    return figure


@styled
def slices_figure(trials: Sequence[SweepTrial], settings: Sequence[Setting]) -> "Figure":
    """Draw the score against each setting by itself.

    Args:
        trials: at least one of them complete.
        settings: one panel each.

    Raises:
        ReportError: no complete trial, or no setting.
        MissingExtraError: matplotlib is not installed.
    """
    ceiling = _check(trials, settings)
    rows = -(-len(settings) // _PER_ROW)
    figure, axes = new_figure(0.9 + 2.3 * rows, rows, min(_PER_ROW, len(settings)), sharey=True)
    for axis in axes[len(settings) :]:
        axis.set_visible(False)
    spread = 0.16 * _spread(len(trials))
    for axis, setting in zip(axes, settings, strict=False):
        _draw_slice(axis, trials, setting, spread, ceiling)
        axis.set_title(setting.title)
    for axis in axes[::_PER_ROW]:
        axis.set_ylabel("validation score")
    complete = [trial.score for trial in trials if trial.complete]
    low, room = min(complete), max(ceiling - min(complete), 1e-9)
    axes[0].set_ylim(low - 0.06 * room, ceiling + 0.06 * room)
    above = sum(trial.complete and trial.score > ceiling for trial in trials)
    if above:
        note(axes[0], f"{above} above", "upper right")
    text = "A point is a trial, and the star the best; lower is better."
    headline(figure, "Score against each setting", _subtitle(trials, text))
    return figure


def _draw_slice(
    axis: "Axes",
    trials: Sequence[SweepTrial],
    setting: Setting,
    spread: NDArray,
    ceiling: float,
) -> None:
    """One panel; trials above the ceiling are left out."""
    values = [trial.settings[setting.name] for trial in trials]
    x = setting.positions(values) + spread if setting.labels else np.array(values, np.float64)
    y = np.array([trial.score if trial.score <= ceiling else np.nan for trial in trials])
    complete = np.array([trial.complete for trial in trials])
    axis.scatter(x[~complete], y[~complete], s=9, color=_FAINT, alpha=0.6, lw=0)
    axis.scatter(x[complete], y[complete], s=14, color=BLUE, alpha=0.75, lw=0)
    best = int(np.nanargmin(np.where(complete, y, np.inf)))
    axis.plot(x[best], y[best], "*", ms=12, color=VERMILION, mec="white")
    axis.tick_params(labelsize=8)
    if setting.labels:
        axis.set_xticks(range(len(setting.labels)), [_wrapped(label) for label in setting.labels])
        axis.set_xlim(-0.5, len(setting.labels) - 0.5)
    elif setting.log:
        axis.set_xscale("log")
        axis.minorticks_off()
    else:
        axis.locator_params(axis="x", nbins=_TICKS)


class _Scale:
    """Heights from 0 to 1 of a setting's values, and what to write beside them."""

    def __init__(self, setting: Setting, values: Sequence[float | str]) -> None:
        self.setting = setting
        positions = setting.positions(values)
        if setting.labels:
            self._low, self._high = 0.0, max(1.0, len(setting.labels) - 1.0)
        else:
            self._low, self._high = float(positions.min()), float(positions.max())
        self.heights = self._height(positions)
        if setting.labels:
            self.heights = self.heights + 0.02 * _spread(len(values))

    def _height(self, positions: NDArray) -> NDArray:
        if self._high == self._low:
            return np.full(len(positions), 0.5)
        return (positions - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        """Heights and what stands there."""
        if self.setting.labels:
            heights = self._height(np.arange(len(self.setting.labels), dtype=np.float64))
            return list(zip(heights.tolist(), map(_wrapped, self.setting.labels), strict=True))
        at = np.unique(np.linspace(self._low, self._high, _TICKS))
        numbers = 10**at if self.setting.log else at
        spread = self._high - self._low
        texts = [
            f"{number:.2g}" if self.setting.log else _short(number, spread) for number in numbers
        ]
        return list(zip(self._height(at).tolist(), texts, strict=True))


def _short(number: float, spread: float) -> str:
    """As many decimals as tell numbers of that spread apart, and a digit more."""
    decimals = max(0, int(np.ceil(1 - np.log10(spread)))) if spread else 4
    return f"{number:.{decimals}f}"


def _spread(count: int) -> NDArray:
    """Numbers in [-1, 1] that keep trials of one label apart."""
    return np.random.default_rng(0).uniform(-1, 1, count)


def _wrapped(label: str) -> str:
    return label.replace("_", "\n")


def _check(trials: Sequence[SweepTrial], settings: Sequence[Setting]) -> float:
    """The score that the axes reach up to; whatever lies above is drawn at it or left out."""
    complete = [trial.score for trial in trials if trial.complete]
    if not complete or not settings:
        raise ReportError(
            f"expected a complete trial and a setting, got {len(complete)} and {len(settings)}"
        )
    if len(complete) < _FEW:
        return max(complete)
    return float(np.quantile(complete, _SHOWN, method="lower"))  # the score of a trial


def _worst_first(trials: Sequence[SweepTrial]) -> list[int]:
    """In the order of drawing: those that were stopped, then the complete ones up to the best."""
    return sorted(range(len(trials)), key=lambda i: (trials[i].complete, -trials[i].score))


def _look(trial: SweepTrial, trials: Sequence[SweepTrial], ceiling: float) -> dict[str, Any]:
    """Colour and weight of a trial's line."""
    if not trial.complete:
        return {"color": _FAINT, "alpha": 0.5, "lw": 0.7, "zorder": 1}
    from matplotlib import colormaps

    best = min(each.score for each in trials if each.complete)
    share = 0.0 if ceiling == best else min(1.0, (trial.score - best) / (ceiling - best))
    if trial.score == best:
        return {"color": INK, "lw": 2.2, "zorder": 2.5}
    return {"color": colormaps[_PALETTE](0.95 * share), "alpha": 0.85, "lw": 1.2, "zorder": 2}


def _subtitle(trials: Sequence[SweepTrial], how: str) -> str:
    stopped = sum(not trial.complete for trial in trials)
    faint = f" {stopped} stopped early are faint." if stopped else ""
    return how + faint
