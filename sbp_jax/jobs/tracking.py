"""Yards gained from player tracking: raw files, networks, scores, figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl

from sbp_jax.batch import Batch
from sbp_jax.distributions import Binned, Family, Gaussian, SplicedBinnedPareto
from sbp_jax.evaluation import Verdict, fit_boosted_median, point_verdict
from sbp_jax.jobs.described_run import described_run
from sbp_jax.jobs.tracking_results import (
    BINNED,
    BOOSTED,
    FINISHED,
    GAUSSIAN,
    ORACLE,
    SBP,
    UNFOLDING,
    Found,
    conclude,
    print_results,
)
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.heads.tracking_anchors import STEP_COLUMNS, TRACKING_ANCHORS, TRACKING_CEILING
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.oracle import oracle_verdict
from sbp_jax.nfl.simulator.simulate import ORACLE_FILE, simulate_season
from sbp_jax.nfl.tracking.assemble import Build
from sbp_jax.nfl.tracking.build import build_parts
from sbp_jax.nfl.tracking.random_mirror import random_mirror
from sbp_jax.nfl.tracking.random_truncation import random_truncation
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES
from sbp_jax.nfl.tracking.split_plays import load_split
from sbp_jax.nfl.tracking.splits import SPLITS
from sbp_jax.nfl.tracking.static import TRACKING_STATIC
from sbp_jax.nfl.tracking.summary import summary_of_batch
from sbp_jax.runs.experiment import in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.hosts import Hosts, first_then_others, is_first
from sbp_jax.runs.ranges import TailMass, Whole, refuse_out_of_range
from sbp_jax.sweeps.space import Problem
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.forecaster_loss import Augment
from sbp_jax.training.heads import rehearse_heads, train_heads
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import Placed, place_examples
from sbp_jax.training.program import Head
from sbp_jax.training.start import started

FOLDERS = {
    SBP: ".",
    BINNED: "rivals/binned",
    GAUSSIAN: "rivals/gaussian",
    UNFOLDING: "unfolding",
}


@dataclass(frozen=True)
class Tracking:
    """The experiment's settings.

    Attributes:
        run: folder of the run.
        source: folder of raw files; a season is simulated if left out.
        simulate: what to simulate, if anything.
        data: folder of what is simulated and of features that were read; beside the run if left
            out.
        network: sizes of the network.
        train: how to train.
        objective: what the spliced heads minimise; the rivals minimise the cell's log score.
        tail_mass: probability of either tail of the spliced family, in (0, 0.5); small, since
            touchdowns from far off are atoms, which a tail smears.
        min_attempts: fewest attempts in the test games that qualify a passer, >= 0.
        operations: how to run it; changes no number.
        hosts: several processes that run this as one.
    """

    run: Path = Path("runs/tracking")
    source: Path | None = None
    simulate: SimulateConfig = field(default_factory=lambda: SimulateConfig(plays=26_000, seed=1))
    data: Path | None = None
    network: NetworkConfig = field(
        default_factory=lambda: NetworkConfig(
            features=8, layers=3, dropout=0.3, encoder_dropout=0.2
        )
    )
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(epochs=30, learning_rate=4e-3, weight_decay=0.5)
    )
    objective: ObjectiveName = "interval_nll"
    tail_mass: TailMass = 0.002
    min_attempts: Whole = 20
    operations: Operations = field(default_factory=Operations)
    hosts: Hosts = field(default_factory=Hosts)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


def main(config: Tracking) -> None:
    """Run the experiment, or what is left of it."""
    need_extras(
        "figures",
        "xgboost",
        "tensorboard" if config.operations.tensorboard else None,
    )
    with started(
        config.operations, config.hosts, virtual_shards=config.train.virtual_shards
    ) as devices:
        source, build = first_then_others(lambda: prepared_data(config))
        if config.operations.dry_run:
            train = place_plays(load_split(build, "train"), config.train, devices, shuffle=True)
            heads = make_heads(config)
            print(rehearse_heads(heads, train))
            return
        about = describe_run(config, build.report.fingerprint)
        with in_run(config.run, about, finished=FINISHED) as unfinished:
            if unfinished:
                if is_first():
                    print(build.report, flush=True)
                train_and_conclude(config, source, build, devices)
        if is_first():
            print_results(config.run)


def train_and_conclude(config: Tracking, source: Path, build: Build, devices: Devices) -> None:
    """Train all heads on the devices of all processes; the first one writes what was found."""
    parts = {split: load_split(build, split) for split in SPLITS}
    placed = {
        name: place_plays(part, config.train, devices, shuffle=name == "train")
        for name, part in parts.items()
    }
    boosted = boosted_verdict(parts)
    heads = make_heads(config)
    fits, verdicts = train_heads(
        heads,
        placed,
        folders={name: config.run / folder for name, folder in FOLDERS.items()},
        operations=config.operations,
    )
    if not is_first():
        return
    test = parts["test"]
    known = {}
    if (source / ORACLE_FILE).exists():
        known[ORACLE] = oracle_verdict(source / ORACLE_FILE, test.plays, test.batch.target)
    found = Found(test, heads, fits, verdicts | {BOOSTED: boosted} | known)
    conclude(config.run, found, source, build, min_attempts=config.min_attempts)


def place_plays(
    examples: Examples, config: TrainConfig, devices: Devices, *, shuffle: bool
) -> Placed:
    """Plays on the devices; messages name them by game and play."""
    ids = examples.plays.select(pl.format("{} play {}", "game_id", "play_id")).to_series().to_list()
    return place_examples(examples.batch, config, devices, shuffle=shuffle, ids=ids)


def data_folder(config: Tracking) -> Path:
    """Where what is simulated is, and the features of what was read."""
    return config.data or config.run.with_name(f"{config.run.name}-data")


def prepared_data(config: Tracking) -> tuple[Path, Build]:
    """Folder of the raw files and what was read of them; what was read before is not read again."""
    data = data_folder(config)
    source = config.source or simulated_season(data, config.simulate)
    return source, build_parts(source, data / "work")


def selection_problem(config: Tracking) -> Problem:
    """What settings may be chosen on: the test games are not loaded."""
    _, build = prepared_data(config)
    train, valid = (load_split(build, split).batch for split in ("train", "valid"))
    return Problem(train, valid, build.report.fingerprint)


def simulated_season(data: Path, simulate: SimulateConfig) -> Path:
    """Folder of a season, simulated unless it is there whole."""
    folder = data / f"simulated-{simulate.plays}-seed{simulate.seed}"
    if not folder.exists():  # it appears when it is whole
        print(f"simulating {simulate.plays:,} passes", flush=True)
        simulate_season(folder, simulate)
    return folder


def cut_off(key: jax.Array, batch: Batch) -> Batch:
    """Plays mirrored at random and cut off anywhere, for the network that reads any frame."""
    first, second = jax.random.split(key)
    return random_truncation(first, random_mirror(second, batch))


def make_heads(config: Tracking) -> dict[str, Head]:
    """The networks to train, by the name to print."""
    spliced = SplicedBinnedPareto(np.arange(-15.5, 100), tail_mass=config.tail_mass, splice="edge")
    # Wide enough for any play: beyond its bins this family holds everything for impossible.
    binned = Binned(np.arange(-30.5, 100))
    gaussian = Gaussian(center=7.0, spread=10.0)

    def head(family: Family, objective: ObjectiveName, augment: Augment = random_mirror) -> Head:
        forecaster = make_forecaster(
            config.network,
            family,
            TRACKING_ANCHORS,
            STEP_COLUMNS,
            ceiling=TRACKING_CEILING,
            free_logits=False,
        )
        return Head(forecaster, objective, augment, cell=1.0)

    return {
        SBP: head(spliced, config.objective),
        BINNED: head(binned, "interval_nll"),
        GAUSSIAN: head(gaussian, "interval_nll"),
        UNFOLDING: head(spliced, config.objective, cut_off),
    }


def describe_run(config: Tracking, fingerprint: str) -> dict[str, Any]:
    """What the run is told apart by."""
    return described_run(
        "tracking",
        config,
        fingerprint,
        make_heads(config)[SBP],
        static_names=tuple(TRACKING_STATIC),
        sequence_names=MODEL_FEATURES,
    )


def boosted_verdict(parts: Mapping[str, Examples]) -> Verdict:
    """XGBoost on the statics and a summary of the frame of the throw."""
    train, valid, test = (parts[name].batch for name in ("train", "valid", "test"))
    boosted = fit_boosted_median(
        summary_of_batch(train), train.target, summary_of_batch(valid), valid.target
    )
    return point_verdict(boosted.predict(summary_of_batch(test)))
