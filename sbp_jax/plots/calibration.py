"""Are outcomes spread over the forecast quantiles as they should be? Two ways to look."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.calibration import LEVELS, pp_curve, randomised_pit
from sbp_jax.evaluation.verdict import Verdict
from sbp_jax.plots.style import (
    BAND,
    INK,
    LINES,
    SERIES,
    headline,
    legend_below,
    new_figure,
    note,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS: Final = 20
_NORMAL_95: Final = 1.96
_TAIL: Final = 0.05
_PER_ROW: Final = 3
BAND_LABEL: Final = "95 % of the time a perfect forecaster is in here"

Curve = Float[np.ndarray, " levels"]


@styled
def pit_figure(verdicts: Mapping[str, Verdict], *, seed: int = 0) -> "Figure":
    """Draw the histogram of the randomised PIT of several forecasts, side by side.

    Each bar is the share of plays in one of 20 classes, relative to the share it should have.
    The band is that of a single bar: of 20, one is outside by chance.

    Args:
        verdicts: by the name to print; those without a PIT (point forecasts) are left out.
        seed: of the randomisation.

    Raises:
        ReportError: no forecast has a PIT.
        MissingExtraError: matplotlib is not installed.
    """
    shown = _with_pit(verdicts)
    rows = -(-len(shown) // _PER_ROW)
    figure, axes = new_figure(
        1.15 + 2.35 * rows, rows, min(len(shown), _PER_ROW), sharex=True, sharey=True
    )
    edges = np.linspace(0, 1, BINS + 1)
    for i, (axis, (name, each)) in enumerate(zip(axes, shown.items(), strict=False)):
        pit = randomised_pit(*_pits(each), seed=seed)[0]
        # Rounding may put a PIT a hair outside [0, 1].
        counts, _ = np.histogram(np.clip(pit, 0, 1), edges)
        spread = _NORMAL_95 * np.sqrt((BINS - 1) / pit.size)
        axis.axhspan(1 - spread, 1 + spread, color=BAND, lw=0, label=BAND_LABEL, zorder=0.5)
        axis.bar(
            edges[:-1],
            counts * BINS / pit.size,
            1 / BINS,
            align="edge",
            color=SERIES[i % len(SERIES)],
            alpha=0.75,
            edgecolor="white",
            lw=0.6,
        )
        axis.axhline(1, color=INK, lw=1)
        axis.set_title(name)
        axis.set_xlim(0, 1)
        axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axis.grid(axis="x", visible=False)
    for axis in axes[len(shown) :]:
        axis.remove()
    _label_grid(axes[: len(shown)], "PIT: forecast probability of less", "plays / plays expected")
    headline(
        figure,
        "Outcomes among the forecast quantiles (PIT histogram)",
        "Flat is right. A bar above 1: outcomes fall there more often than the forecast says.",
    )
    legend_below(figure, axes[: len(shown)])
    return figure


@styled
def pp_figure(verdicts: Mapping[str, Verdict], *, noun: str = "plays") -> "Figure":
    """Draw the deviation of the probability-probability plot, whole and in both tails.

    The height is the share of plays below the forecast q-quantile minus q. The axis fits the
    forecast that stays nearest to 0, with room to spare; one that leaves the axis is named at
    the edge with how far off it is.

    Args:
        verdicts: by the name to print; those without a PIT (point forecasts) are left out.
        noun: what an observation is called.

    Raises:
        ReportError: no forecast has a PIT.
        MissingExtraError: matplotlib is not installed.
    """
    shown = _with_pit(verdicts)
    figure, (whole, lower, upper) = new_figure(4.9, 1, 3)
    curves = {name: 100 * (pp_curve(*_pits(each)) - LEVELS) for name, each in shown.items()}
    plays = len(next(iter(shown.values())).pit_lower)
    tails = (LEVELS <= _TAIL) | (LEVELS >= 1 - _TAIL)
    for axis, title, ends, scaled_by in (
        (whole, "All quantiles", (0.0, 1.0), np.full(LEVELS.shape, True)),
        (lower, "Lower tail", (0.0, _TAIL), tails),
        (upper, "Upper tail", (1 - _TAIL, 1.0), tails),
    ):
        limit = _limit(
            [curve[scaled_by] for curve in curves.values()],
            float(_half_band(LEVELS[scaled_by], plays).max()),
        )
        _deviations(axis, curves, plays, ends, limit)
        axis.set_title(title)
        axis.set_xlabel("quantile level q")
    upper.tick_params(labelleft=False)  # the lower tail's scale
    whole.set_ylabel(f"{noun} below the forecast\nq-quantile, minus q\n(percentage points)")
    headline(
        figure,
        "Do forecast probabilities come true? (PP plot, as deviations)",
        "On the zero line they do. The tails, 5 % at either end, are enlarged.",
    )
    legend_below(figure, [whole])
    return figure


def _half_band(levels: Curve, plays: int) -> Curve:
    """Half width in percentage points of the band for a share that should be the level."""
    return 100 * _NORMAL_95 * np.sqrt(levels * (1 - levels) / plays)


def _limit(curves: Iterable[Curve], band: float) -> float:
    """End of the axis: the band and the forecast nearest to 0 fill about half of it."""
    nearest = min(float(np.abs(curve).max()) for curve in curves)
    return max(2.2 * band, 2 * nearest)


def _deviations(
    axis: "Axes",
    curves: Mapping[str, Curve],
    plays: int,
    ends: tuple[float, float],
    limit: float,
) -> None:
    fine = np.linspace(*ends, 201)
    band = _half_band(fine, plays)
    axis.fill_between(fine, -band, band, color=BAND, lw=0, label=BAND_LABEL)
    axis.axhline(0, color=INK, lw=1)
    inside = (ends[0] <= LEVELS) & (ends[1] >= LEVELS)
    off = []
    for i, (name, curve) in enumerate(curves.items()):
        axis.plot(
            LEVELS[inside],
            curve[inside],
            color=SERIES[i % len(SERIES)],
            ls=LINES[i % len(LINES)],
            label=name,
        )
        furthest = curve[inside][np.argmax(np.abs(curve[inside]))]
        if abs(furthest) > limit:
            off.append(f"{name} {furthest:+.1f}".replace(" -", " \N{MINUS SIGN}"))
    axis.set(xlim=ends, ylim=(-limit, limit))
    if off:
        note(axis, "off the axis, furthest:\n" + "\n".join(off), "lower right")


def _with_pit(verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    shown = {name: each for name, each in verdicts.items() if not np.isnan(each.pit_lower).any()}
    if not shown:
        raise ReportError(
            f"expected a forecast with a PIT, got {', '.join(verdicts) or 'no forecasts'}"
        )
    return shown


def _pits(verdict: Verdict) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(verdict.pit_lower, np.float64), np.asarray(verdict.pit_upper, np.float64)


def _label_grid(axes: "list[Axes]", x: str, y: str) -> None:
    for axis in axes:
        place = axis.get_subplotspec()
        if place is not None and place.is_last_row():
            axis.set_xlabel(x)
        if place is not None and place.is_first_col():
            axis.set_ylabel(y)
