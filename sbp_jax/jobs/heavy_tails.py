"""The synthetic series of the spliced binned-Pareto paper: all families beside the true law."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np

from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.evaluation import REGIONS, perfect_forecaster
from sbp_jax.plots import pp_figure, save_figure, series_figure
from sbp_jax.runs.atomic import write_json, write_text
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.ranges import NotEmpty, Range, Seed, TailMass, refuse_out_of_range
from sbp_jax.series import Panel, SeriesNetwork, SeriesTraining, Split, make_panel
from sbp_jax.series.compare import (
    QUANTILES,
    Candidate,
    Scored,
    bands_file,
    load_bands,
    mean_pp_mae,
    pooled_verdict,
    score_candidates,
    series_scores,
)
from sbp_jax.series.synthetic import POINTS, SpikyLaw, level, synthetic_series

SBP, ORACLE = "SBP", "true law"
DRAWN: Final = (SBP, "Binned", "Gaussian", "Student t", "hybrid Pareto", "quantiles")


@dataclass(frozen=True)
class HeavyTails:
    """The experiment's settings.

    Attributes:
        run: folder of the run.
        seeds: of the series, one at least; in [0, 2**31).
        bins: of the families that have some, over the range of all training values; >= 2.
        tail_mass: of either tail of the spliced family, in (0, 0.5).
        network: sizes of the network, the same for all.
        train: how to train, the same for all.
    """

    run: Path = Path("runs/heavy_tails")
    seeds: Annotated[tuple[Seed, ...], NotEmpty] = (0, 1, 2, 3, 4)
    bins: Annotated[int, Range(2)] = 100
    tail_mass: TailMass = 0.05
    network: SeriesNetwork = field(default_factory=SeriesNetwork)
    train: SeriesTraining = field(default_factory=SeriesTraining)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


def main(config: HeavyTails) -> None:
    """Train each family, or what is left of them, and print the table."""
    need_extras("figures")
    about = {"experiment": "heavy_tails", "settings": deciding_settings(config)}
    with in_run(config.run, about):
        panel = make_panel([synthetic_series(seed) for seed in config.seeds], Split(*POINTS))
        scored = score_candidates(
            make_candidates(config, panel), panel, config.train, config.run / "scores"
        )
        scored[ORACLE] = score_true_law(panel)
        conclude(config, scored)


def make_candidates(config: HeavyTails, panel: Panel) -> dict[str, Candidate]:
    """All families, by the name to print."""
    known = panel.values[..., : POINTS[0]]
    edges = np.linspace(known.min(), known.max(), config.bins + 1)
    spliced = SplicedBinnedPareto(edges, config.tail_mass)
    return {
        SBP: Candidate(spliced, "base_plus_tail", config.network),
        "Binned": Candidate(Binned(edges), "interval_nll", config.network),
        "Gaussian": Candidate(Gaussian(), "density_nll", config.network),
        "Student t": Candidate(StudentT(), "density_nll", config.network),
        "Gaussian mixture": Candidate(GaussianMixture(), "density_nll", config.network),
        "hybrid Pareto": Candidate(HybridPareto(), "density_nll", config.network),
        "quantiles": Candidate(QuantileHead(QUANTILES), "pinball", config.network),
    }


def score_true_law(panel: Panel) -> Scored:
    """What a forecaster who knows sine and law gets on the same points."""
    law, found = SpikyLaw(), {}
    for series in panel.series:
        at = np.arange(POINTS[0] + POINTS[1], sum(POINTS))
        y, center = series.values[at], level(at)
        pit, crps = law.cdf(y - center), law.crps(y - center)
        found[series.name] = series_scores(
            log_score=-law.log_pdf(y - center),
            crps=crps,
            twcrps=crps,
            median=center,
            pit_lower=pit,
            pit_upper=pit,
            y=y,
        )
    return found


def conclude(config: HeavyTails, scored: Mapping[str, Scored]) -> None:
    """Table and figures, and what they say in one file."""
    points = POINTS[2]
    table = {name: summarise(each, scored[ORACLE]) for name, each in scored.items()}
    floor = perfect_forecaster(points)
    write_json(
        config.run / "evaluation.json",
        {
            "points": points,
            "forecasts": table,
            "perfect": {region: value._asdict() for region, value in floor.items()},
        },
    )
    text = render(table, {region: value.p95 for region, value in floor.items()}, len(config.seeds))
    write_text(config.run / "table.txt", text)
    print("\n" + text)
    drawn = {name: pooled_verdict(scored[name]) for name in DRAWN}
    shown = {
        name: load_bands(bands_file(config.run / "scores", name)) for name in (SBP, "Gaussian")
    }
    at = shown[SBP].steps
    figures = {
        "pp_plot": pp_figure(drawn, noun="points"),
        "forecasts": series_figure(shown, f"seed {config.seeds[0]}", level=level(at)),
    }
    for name, figure in figures.items():
        print(save_figure(figure, config.run / "figures" / f"{name}.png"))
    print(config.run / "table.txt")


def summarise(scored: Scored, true: Scored) -> dict[str, Any]:
    """Means over the series, and the standard error of each over them."""
    columns = {
        "crps": [s.verdict.crps.mean() for s in scored.values()],
        "crps_ratio": [
            s.verdict.crps.mean() / true[k].verdict.crps.mean() for k, s in scored.items()
        ],
        "log_score": [s.verdict.log_score.mean() for s in scored.values()],
        "log_score_above_true": [
            s.verdict.log_score.mean() - true[k].verdict.log_score.mean() for k, s in scored.items()
        ],
    }
    means = {
        name: {
            "mean": float(np.mean(values)),
            "se": float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None,
        }
        for name, values in columns.items()
    }
    return {"pp_mae": mean_pp_mae(scored)} | means


def render(table: Mapping[str, Any], floor: Mapping[str, float], series: int) -> str:
    """Table of at most 100 columns."""
    head = f"{'':<18}" + "".join(f"{region:>8}" for region in REGIONS)
    head += f"{'CRPS':>8}{'/ true law':>15}{'log score':>11}{'- true law':>15}"
    lines = [
        f"Mean over {series} series of {POINTS[2]:,} points; in brackets its standard error.",
        "PP-MAE below 0.05, between, above 0.95, and of all 129 levels; log score in nats.",
        "",
        head,
    ]
    for name, row in table.items():
        pp = "".join(f"{row['pp_mae'][region]:8.4f}" for region in REGIONS)
        lines.append(
            f"{name:<18}{pp}{row['crps']['mean']:8.4f}{_with_error(row['crps_ratio']):>15}"
            f"{row['log_score']['mean']:11.4f}{_with_error(row['log_score_above_true']):>15}"
        )
    lines.append(f"{'  chance, 95 %':<18}" + "".join(f"{floor[r]:8.4f}" for r in REGIONS))
    return "\n".join(lines) + "\n"


def _with_error(entry: Mapping[str, float | None]) -> str:
    error = "" if entry["se"] is None else f" ({entry['se']:.3f})"
    return f"{entry['mean']:.3f}{error}"
