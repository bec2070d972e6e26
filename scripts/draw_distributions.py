"""The figures of docs/distributions.md.

    python scripts/draw_distributions.py [FOLDER]

Writes `spliced_density.png` and `tails.png` into docs/images or the folder given. Needs the extra
`figures`; takes seconds.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.errors import SbpJaxError
from sbp_jax.plots.style import (
    BAND,
    BLUE,
    LINES,
    MUTED,
    SERIES,
    VERMILION,
    headline,
    legend_below,
    new_figure,
    note,
    save_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAMILY = SplicedBinnedPareto(np.arange(-6.0, 17.0), tail_mass=0.05)


def example() -> Any:
    """Two humps, one heavy tail above and a short one below."""
    centres = np.arange(-5.5, 16.0)
    humps = np.exp(-0.5 * (centres / 1.6) ** 2) + 0.45 * np.exp(-0.5 * ((centres - 8) / 2.5) ** 2)
    tails = {"lower_shape": -0.3, "lower_scale": 1.6, "upper_shape": 0.4, "upper_scale": 1.5}
    return FAMILY.Params(jnp.log(humps + 1e-3), **{k: jnp.asarray(v) for k, v in tails.items()})


@styled
def density_figure() -> "Figure":
    """Density on a linear and a logarithmic axis, with thresholds and tails marked."""
    params = example()
    lower, upper = (float(t) for t in FAMILY.thresholds(params))
    y = np.linspace(-14, 34, 4801)
    density = np.exp(np.asarray(jax.jit(FAMILY.log_prob)(params, y)))
    figure, axes = new_figure(4.2, 1, 2)
    headline(
        figure,
        "A spliced binned-Pareto density",
        "Bins in the middle; beyond the thresholds, the bins' own quantiles at 5 % and 95 %, "
        "generalized Pareto tails of 5 % each.",
    )
    pieces = [
        ("lower tail, shape -0.3", y < lower, VERMILION),
        ("bins", (y >= lower) & (y <= upper), BLUE),
        ("upper tail, shape 0.4", y > upper, SERIES[2]),
    ]
    for axis, title in zip(axes, ("density", "density, logarithmic"), strict=True):
        for label, here, colour in pieces:
            axis.plot(
                y[here], np.where(density > 0, density, np.nan)[here], color=colour, label=label
            )
            axis.fill_between(y[here], density[here], 1e-6, color=colour, alpha=0.15, lw=0)
        for threshold in (lower, upper):
            axis.axvline(threshold, color=MUTED, lw=1, ls="--")
        axis.set_title(title)
        axis.set_xlabel("y")
        axis.set_xlim(-14, 34)
    axes[0].set_ylim(0)
    axes[1].set_yscale("log")
    axes[1].set_ylim(1e-5, 0.4)
    end = lower - 1.6 / 0.3
    axes[1].annotate(
        f"the support\nends at {end:.1f}",
        (end, 1.2e-5),
        (-13.5, 2.5e-2),
        fontsize=8.5,
        color=MUTED,
        arrowprops={"arrowstyle": "-", "color": MUTED},
    )
    note(axes[0], f"thresholds {lower:.2f} and {upper:.2f}", "upper right")
    legend_below(figure, axes[:1], columns=3)
    return figure


@styled
def tails_figure() -> "Figure":
    """Survival beyond the upper threshold for shapes below, at and above 0."""
    params = example()
    upper = float(FAMILY.thresholds(params)[1])
    figure, axes = new_figure(4.2, 1, 2)
    headline(
        figure,
        "What the shape of a tail says",
        "Probability of more than z beyond the threshold. A straight line is exponential on the "
        "left and a power law on the right.",
    )
    z = np.unique(np.concatenate([np.linspace(0, 20, 20_001), 10 ** np.linspace(1, 4, 1000)]))
    log_sf = jax.jit(FAMILY.log_sf)
    for shape, colour, dashes in zip((-0.4, -0.2, 0.0, 0.3, 0.9), SERIES, LINES, strict=False):
        bent = params._replace(upper_shape=jnp.asarray(shape))
        value = np.asarray(log_sf(bent, (upper + z).astype(np.float32))) / np.log(10)
        value = np.where(np.isfinite(value), value, np.nan)
        for axis in axes:
            axis.plot(z, value, color=colour, ls=dashes, label=f"shape {shape:g}")
    for axis in axes:
        axis.axhline(np.log10(0.05), color=BAND, zorder=0)
        axis.set_xlabel("z = y - threshold")
    axes[0].set_ylabel("log10 of P(Y > y)")
    axes[0].set_xlim(0, 20)
    axes[0].set_ylim(-8, -1)
    axes[0].set_title("linear z")
    axes[1].set_xscale("log")
    axes[1].set_xlim(0.1, 1e4)
    axes[1].set_ylim(-12, -1)
    axes[1].set_title("logarithmic z")
    legend_below(figure, axes[:1], columns=5)
    return figure


def main(folder: Annotated[Path, tyro.conf.Positional] = Path("docs/images")) -> None:
    """Draw both.

    Args:
        folder: where they go.
    """
    for name, draw in (("spliced_density", density_figure), ("tails", tails_figure)):
        print(save_figure(draw(), folder / f"{name}.png"))


if __name__ == "__main__":
    try:
        tyro.cli(main, description=__doc__)
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
