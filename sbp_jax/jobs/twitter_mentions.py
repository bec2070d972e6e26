"""Counts of mentions on Twitter: every family and every detector on the ten series of the paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np

from sbp_jax.distributions import (
    Binned,
    Family,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.evaluation import REGIONS, perfect_forecaster, pp_mae
from sbp_jax.evaluation.calibration import share_below
from sbp_jax.extremes import Spot
from sbp_jax.plots import pp_figure, save_figure, series_figure
from sbp_jax.runs.atomic import write_json, write_text
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.ranges import Count, Range, Seed, TailMass, refuse_out_of_range
from sbp_jax.series import (
    Panel,
    Series,
    SeriesError,
    SeriesNetwork,
    SeriesTraining,
    make_panel,
    read_series,
)
from sbp_jax.series.compare import (
    QUANTILES,
    Candidate,
    Scored,
    bands_file,
    load_bands,
    load_scores,
    mean_pp_mae,
    medians_file,
    pooled_verdict,
    score_candidates,
    scores_file,
)
from sbp_jax.training.objective import ObjectiveName

SBP, GAUSSIAN = "SBP", "Gaussian"
DRAWN: Final = (SBP, "Binned", GAUSSIAN, "Student t", "hybrid Pareto", "quantiles")
TAIL: Final = 0.95
RISKS: Final = (1e-3, 1e-4)
FIRST_BIN: Final = 0.02
"""Where it ends, in means of the training part."""


@dataclass(frozen=True)
class TwitterMentions:
    """The experiment's settings.

    Attributes:
        source: folder of the ten files.
        run: folder of the run.
        bins: of the families that have some; of growing width, up to `farthest`; >= 2.
        farthest: end of the bins, in means of the training part; > 0.02, where the first bin ends.
        tail_mass: of the upper tail of the spliced family, the only one that counts have; in
            (0, 0.5).
        depth: steps of DSPOT's moving mean, >= 1; 288 are a day.
        seed: of what randomises counts for the detectors; in [0, 2**31).
        network: sizes of the network, the same for all families.
        train: how to train, the same for all families.
    """

    source: Path = Path("data/realTweets")
    run: Path = Path("runs/twitter_mentions")
    bins: Annotated[int, Range(2)] = 80
    farthest: Annotated[float, Range(FIRST_BIN, above=True)] = 60.0
    tail_mass: TailMass = 0.02
    depth: Count = 288
    seed: Seed = 0
    network: SeriesNetwork = field(default_factory=SeriesNetwork)
    train: SeriesTraining = field(default_factory=SeriesTraining)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


def main(config: TwitterMentions) -> None:
    """Train each family, or what is left of them, run the detectors, and print the tables."""
    need_extras("figures")
    panel = make_panel(read_folder(config.source), counts=True)
    about = {"experiment": "twitter_mentions", "settings": deciding_settings(config)}
    with in_run(config.run, about):
        scored = score_candidates(
            make_candidates(config), panel, config.train, config.run / "scores", thresholds(panel)
        )
        conclude(config, panel, scored)


def read_folder(folder: Path) -> list[Series]:
    """All series of a folder, in the order of their names.

    Raises:
        SeriesError: there is no such folder, or no series in it.
    """
    if not folder.is_dir():
        raise SeriesError(f"{folder}: expected a folder of series, got none; give it by --source")
    files = sorted(path for path in folder.iterdir() if path.name.endswith((".csv", ".csv.gz")))
    if not files:
        raise SeriesError(f"{folder}: expected files .csv or .csv.gz, got none")
    return [
        read_series(path, name=path.name.split(".")[0].removeprefix("Twitter_volume_"))
        for path in files
    ]


def thresholds(panel: Panel) -> dict[str, float]:
    """Where the upper tail of each series begins: whole numbers."""
    ends = panel.end("train").reshape(-1)
    return {
        series.name: float(np.ceil(np.nanquantile(series.values[:end], TAIL)))
        for series, end in zip(panel.series, ends, strict=True)
    }


def make_candidates(config: TwitterMentions) -> dict[str, Candidate]:
    """All families, by the name to print, in units of the mean of the training part."""
    edges = np.concatenate([[0.0], np.geomspace(FIRST_BIN, config.farthest, config.bins)])
    spliced = SplicedBinnedPareto(edges, (None, config.tail_mass))

    def candidate(family: Family, objective: ObjectiveName = "interval_nll") -> Candidate:
        return Candidate(family, objective, config.network)

    return {
        SBP: candidate(spliced),
        "Binned": candidate(Binned(edges)),
        GAUSSIAN: candidate(Gaussian(center=1.0)),
        "Student t": candidate(StudentT(center=1.0)),
        "Gaussian mixture": candidate(GaussianMixture(center=1.0)),
        "hybrid Pareto": candidate(HybridPareto(center=1.0)),
        "quantiles": candidate(QuantileHead(QUANTILES, center=1.0), "pinball"),
    }


def conclude(config: TwitterMentions, panel: Panel, scored: Mapping[str, Scored]) -> None:
    """Tables and figures, and what they say in one file."""
    constant = score_constant(panel)
    detected = detect(config, panel)
    points = int(sum(len(scores.y) for scores in scored[SBP].values()))
    per_series = points // len(panel.series)
    floor = {region: value.p95 for region, value in perfect_forecaster(per_series).items()}
    table = {name: summarise(each, constant) for name, each in scored.items()}
    alarms = {name: count_alarms(each) for name, each in scored.items()}
    upper = {name: detector["upper"] for name, detector in detected.items()}
    alarms |= {name: detector["alarms"] for name, detector in detected.items()}
    evaluation = {"points": points, "forecasts": table, "detectors": detected, "alarms": alarms}
    write_json(config.run / "evaluation.json", evaluation)
    text = render(table, upper, alarms, floor, points, len(panel.series))
    write_text(config.run / "table.txt", text)
    print("\n" + text)
    shown = {name: load_bands(bands_file(config.run / "scores", name)) for name in (SBP, GAUSSIAN)}
    first = panel.series[0].name
    figures = {
        "pp_plot": pp_figure({name: pooled_verdict(scored[name]) for name in DRAWN}, noun="counts"),
        "forecasts": series_figure(shown, first, points=576, logarithmic=True),
    }
    for name, figure in figures.items():
        print(save_figure(figure, config.run / "figures" / f"{name}.png"))
    print(config.run / "table.txt")


def score_constant(panel: Panel) -> dict[str, np.ndarray]:
    """CRPS from the threshold on of the training part's counts as the forecast of every point."""
    found = {}
    r = thresholds(panel)
    for series, (train, valid, test) in zip(panel.series, panel.ends.reshape(-1, 3), strict=True):
        known, y = series.values[:train], series.values[valid:test]
        numbers = np.arange(np.nanmax(series.values) + 2)
        below = np.searchsorted(np.sort(known[~np.isnan(known)]), numbers, side="right")
        cdf = below / below[-1] if below[-1] else below
        counted = numbers >= r[series.name]
        short = np.concatenate([[0.0], np.cumsum(np.where(counted, cdf**2, 0.0))])
        beyond = np.concatenate(
            [np.cumsum(np.where(counted, (1 - cdf) ** 2, 0.0)[::-1])[::-1], [0.0]]
        )
        at = y[~np.isnan(y)].astype(int)
        found[series.name] = short[at] + beyond[at]
    return found


def summarise(scored: Scored, constant: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Means over the series; scores in counts are divided by those of the constant forecast."""
    tail = {name: s.twcrps.mean() / constant[name].mean() for name, s in scored.items()}
    errors = {name: mean_pp_mae({name: s}) for name, s in scored.items()}
    return {
        "pp_mae": mean_pp_mae(scored),
        "log_score": float(np.mean([s.verdict.log_score.mean() for s in scored.values()])),
        "crps": float(np.mean([s.verdict.crps.mean() / s.y.mean() for s in scored.values()])),
        "twcrps": float(np.mean(list(tail.values()))),
        "by_series": {
            name: {
                "log_score": float(s.verdict.log_score.mean()),
                "twcrps": float(tail[name]),
                "upper": errors[name]["upper"],
            }
            for name, s in scored.items()
        },
    }


def count_alarms(scored: Scored) -> dict[str, float]:
    """Counts beyond the quantiles 1 - risk, in expectation over randomised PITs, of all series."""
    lower = np.concatenate([s.verdict.pit_lower for s in scored.values()])
    upper = np.concatenate([s.verdict.pit_upper for s in scored.values()])
    return {f"{risk:g}": float(np.sum(1 - share_below(lower, upper, 1 - risk))) for risk in RISKS}


def detect(config: TwitterMentions, panel: Panel) -> dict[str, dict[str, Any]]:
    """Tail calibration and alarms of the detectors on the test part, one series after another.

    Detectors see counts moved within their cells at random, as a PIT of counts is randomised:
    their tails are continuous.
    """
    rng = np.random.default_rng(config.seed)
    with np.load(medians_file(config.run / "scores", GAUSSIAN)) as known:
        before = {name: known[name] for name in known.files}
    after = load_scores(scores_file(config.run / "scores", GAUSSIAN))
    found: dict[str, dict[str, Any]] = {
        name: {"upper": [], "alarms": {f"{risk:g}": 0 for risk in RISKS}}
        for name in ("SPOT", "DSPOT", "NN-SPOT")
    }
    for series, (_, valid, test) in zip(panel.series, panel.ends.reshape(-1, 3), strict=True):
        x = series.values[:test] + rng.uniform(-0.5, 0.5, test)
        residuals = x[valid - before[series.name].size : test] - np.concatenate(
            [before[series.name], after[series.name].verdict.median]
        )
        start = before[series.name].size
        for name, depth, known, stream in (
            ("SPOT", 0, x[:valid], x[valid:]),
            ("DSPOT", config.depth, x[:valid], x[valid:]),
            ("NN-SPOT", 0, residuals[:start], residuals[start:]),
        ):
            for risk in RISKS:
                spot = Spot(risk=risk, level=TAIL, depth=depth, alarms="exclude", corrected=False)
                _, steps = spot.run(spot.fit(known), stream)
                found[name]["alarms"][f"{risk:g}"] += int(np.sum(steps.alarm))
            beyond = np.asarray(steps.probability, np.float64)[:, 0]
            found[name]["upper"].append(upper_pp_mae(beyond))
    for entry in found.values():
        entry["upper"] = float(np.mean(entry["upper"]))
    return found


def upper_pp_mae(probability: np.ndarray) -> float:
    """PP-MAE of the levels above 0.95 from probabilities beyond; NaN is anywhere below them."""
    pit = np.where(np.isnan(probability), 0.0, 1 - probability)
    return pp_mae(pit, pit)["upper"]


def render(
    table: Mapping[str, Any],
    detectors: Mapping[str, float],
    alarms: Mapping[str, Mapping[str, float]],
    floor: Mapping[str, float],
    points: int,
    series: int,
) -> str:
    """Two tables of at most 100 columns."""
    head = f"{'':<18}" + "".join(f"{region:>9}" for region in REGIONS)
    lines = [
        f"Mean over {series} series, {points:,} test points in all. PP-MAE below 0.05, between,",
        "above 0.95, and of all levels; log score in nats; CRPS over the mean count; tail CRPS",
        "from the 95 % quantile of the training part on, over that of the training part as a",
        "constant forecast.",
        "",
        head + f"{'log score':>12}{'CRPS':>9}{'tail CRPS':>12}",
    ]
    for name, row in table.items():
        pp = "".join(f"{row['pp_mae'][region]:9.4f}" for region in REGIONS)
        scores = f"{row['log_score']:12.4f}{row['crps']:9.4f}{row['twcrps']:12.4f}"
        lines.append(f"{name:<18}{pp}{scores}")
    for name, upper in detectors.items():
        pp = "".join(f"{upper:9.4f}" if region == "upper" else f"{'-':>9}" for region in REGIONS)
        lines.append(f"{name:<18}{pp}{'-':>12}{'-':>9}{'-':>12}")
    lines.append(f"{'  chance, 95 %':<18}" + "".join(f"{floor[r]:9.4f}" for r in REGIONS))
    lines += [
        "",
        "Alarms: counts beyond the quantiles at 1 - risk. Differences from SBP, mean over series",
        "and in brackets its standard error: below 0 is better.",
        "",
        f"{'':<18}"
        + "".join(f"{f'risk {risk:g}':>13}" for risk in RISKS)
        + f"{'upper PP-MAE':>20}{'log score':>18}{'tail CRPS':>18}",
        f"{'  expected':<18}" + "".join(f"{points * risk:13.1f}" for risk in RISKS),
    ]
    for name, counted in alarms.items():
        row = f"{name:<18}" + "".join(f"{value:13.1f}" for value in counted.values())
        if name in table and name != SBP:
            row += f"{_difference(table, name, 'upper'):>20}"
            row += f"{_difference(table, name, 'log_score'):>18}"
            row += f"{_difference(table, name, 'twcrps'):>18}"
        lines.append(row)
    return "\n".join(lines) + "\n"


def _difference(table: Mapping[str, Any], name: str, column: str) -> str:
    own, other = (
        np.array([entry[column] for entry in table[each]["by_series"].values()])
        for each in (SBP, name)
    )
    gap = other - own
    error = f" ({np.std(gap, ddof=1) / np.sqrt(gap.size):.4f})" if gap.size > 1 else ""
    return f"{gap.mean():+.4f}{error}"
