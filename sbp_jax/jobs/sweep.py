"""A sweep of the spliced head's settings: numeric ones as a population, others through Optuna."""

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import polars as pl

from sbp_jax.errors import SweepError
from sbp_jax.jobs import passing_score, tracking
from sbp_jax.jobs.passing_score import PassingScore
from sbp_jax.jobs.tracking import Tracking
from sbp_jax.plots.style import save_figure
from sbp_jax.plots.sweeps import parallel_coordinates_figure, slices_figure
from sbp_jax.runs.atomic import write_text
from sbp_jax.runs.config_file import save_config
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.hosts import Hosts
from sbp_jax.runs.ranges import Count, Seed, refuse_out_of_range
from sbp_jax.sweeps.space import (
    Choice,
    Integers,
    LogUniform,
    Problem,
    SearchSpace,
    Uniform,
    with_settings,
)
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.population import MemberFit, OnEpoch, fit_population
from sbp_jax.training.population_program import MembersMapping
from sbp_jax.training.program import Head
from sbp_jax.training.start import started

if TYPE_CHECKING:
    from optuna import Study

SPACE = SearchSpace(
    numeric={
        "learning_rate": LogUniform(3e-4, 2e-2),
        "weight_decay": LogUniform(1e-3, 1.0),
        "dropout": Uniform(0.0, 0.5),
        "encoder_dropout": Uniform(0.0, 0.4),
        "tail_mass": LogUniform(1e-3, 5e-2),
        "seed": Integers(0, 999),  # so that no setting owes its place to one lucky seed
    },
    structural={
        "features": Choice((8, 16, 32)),
        "layers": Choice((3, 5)),
        "hidden": Choice(((64,), (128, 128))),
        "batch_size": Choice((256, 512)),
        "objective": Choice(("base_plus_tail", "interval_nll")),
    },
)


@dataclass(frozen=True)
class Sweep:
    """The sweep's settings.

    Attributes:
        run: folder of the sweep.
        experiment: whose spliced head is swept.
        passing_score: what is not varied, if that is swept; its own folder is not written to. Of
            its operations, devices and the compilation cache are used, and any other refused.
        tracking: likewise.
        trials: settings to train to the end or until they are stopped early, >= 1.
        population: settings that are trained together, at most; >= 1.
        storage: an URL of a database, such as postgresql+psycopg://HOST/NAME, or journal:FILE; an
            SQLite file in the folder if left out.
        study: name of the study in its storage.
        pruner: stops settings that are worse than the "median" of finished ones at the same
            epoch, that "hyperband" halves away, or "none".
        sampler_seed: of the choice of settings, in [0, 2**31); fresh in every process if left out.
        mapping: "vmap" or "scan" over the settings on a device; by measurement if left out.
    """

    run: Path = Path("runs/sweep")
    experiment: Literal["passing_score", "tracking"] = "passing_score"
    passing_score: PassingScore = field(default_factory=PassingScore)
    tracking: Tracking = field(default_factory=Tracking)
    trials: Count = 64
    population: Count = 16
    storage: str | None = None
    study: str = "sweep"
    pruner: Literal["median", "hyperband", "none"] = "median"
    sampler_seed: Seed | None = None
    mapping: MembersMapping | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


class Subject(NamedTuple):
    """The experiment that is swept.

    Attributes:
        config: what is not varied.
        problem: what settings are chosen on.
        heads: a config's networks, of which the spliced one is swept.
    """

    config: Any
    problem: Callable[[Any], Problem]
    heads: Callable[[Any], Mapping[str, Head]]


def subject_of(config: Sweep) -> Subject:
    """The experiment that was asked for."""
    module = {"passing_score": passing_score, "tracking": tracking}[config.experiment]
    own = getattr(config, config.experiment)
    return Subject(own, module.selection_problem, module.make_heads)


def main(config: Sweep, space: SearchSpace = SPACE) -> None:
    """Run the sweep, or what is left of it, and show what it found."""
    subject = subject_of(config)
    games = isinstance(subject.config, PassingScore) and subject.config.source is None
    need_extras(
        "nfl" if games else None,
        "sweep",
        "figures",
        "postgres" if (config.storage or "").startswith("postgresql+psycopg:") else None,
    )
    # Imported late, since importing needs the extra.
    from sbp_jax.sweeps.results import render_best, trials_table
    from sbp_jax.sweeps.search import search
    from sbp_jax.sweeps.study import open_study

    check_operations(subject.config.operations, subject.config.hosts)
    space.check(subject.config)
    # Programs are kept: rounds of one structure compile the same one.
    with started(
        subject.config.operations, Hosts(), virtual_shards=subject.config.train.virtual_shards
    ) as devices:
        problem = subject.problem(subject.config)
        about = describe_sweep(config, subject, space, problem)

        def train(
            structure: Any, members: Sequence[Hyperparameters], on_epoch: OnEpoch
        ) -> list[MemberFit]:
            return train_members(subject, problem, structure, members, on_epoch, devices, config)

        with in_run(config.run, about):
            study = open_study(
                config.storage or f"sqlite:///{config.run / 'study.db'}",
                config.study,
                pruner=config.pruner,
                epochs=subject.config.train.epochs,
                startup_trials=config.population,
                seed=config.sampler_seed,
                about=about,
            )
            search(
                study,
                space,
                subject.config,
                train,
                trials=config.trials,
                population=config.population,
            )
    table = trials_table(study, space)
    write_results(config, subject, space, study, table)
    print(render_best(table))
    for name in ("trials.csv", "best.json", "parallel_coordinates.png", "slices.png"):
        if (config.run / name).exists():
            print(config.run / name)


def check_operations(operations: Operations, hosts: Hosts) -> None:
    """Refuse what a sweep has no use for, rather than leave it without effect."""
    used = Operations(devices=operations.devices, compilation_cache=operations.compilation_cache)
    if operations != used:
        raise SweepError(
            "operations: expected devices or compilation-cache, of which alone a sweep makes use, "
            f"got {operations}"
        )
    if hosts != Hosts():
        raise SweepError(
            f"hosts: expected none, got {hosts}; start a sweep on each and let them share a study"
        )


def train_members(
    subject: Subject,
    problem: Problem,
    structure: Any,
    members: Sequence[Hyperparameters],
    on_epoch: OnEpoch,
    devices: Devices,
    config: Sweep,
) -> list[MemberFit]:
    """Train settings of one structure, which is that of an experiment's config, together."""
    gc.collect()  # the last round's program and its examples, up to a GiB, refer to each other
    head = subject.heads(structure)[passing_score.SBP]
    return fit_population(
        head,
        members,
        train=place_examples(problem.train, structure.train, devices, shuffle=True),
        valid=place_examples(problem.valid, structure.train, devices, shuffle=False),
        mapping=config.mapping,
        on_epoch=on_epoch,
    )


def describe_sweep(
    config: Sweep, subject: Subject, space: SearchSpace, problem: Problem
) -> dict[str, Any]:
    """Everything that decides the numbers of a trial, and where it is looked for."""
    return {
        "experiment": f"sweep of {config.experiment}",
        "settings": deciding_settings(subject.config),
        "space": space.describe(),
        "data": problem.fingerprint,
    }


def write_results(
    config: Sweep, subject: Subject, space: SearchSpace, study: "Study", table: pl.DataFrame
) -> None:
    """The table of trials; the best as a config file, and figures, if a trial is complete."""
    from sbp_jax.sweeps.results import complete_trials

    write_text(config.run / "trials.csv", table.write_csv())
    complete = complete_trials(table)
    if complete.is_empty():
        print("every trial was stopped early: there is no best one, and nothing to draw")
        return
    best = complete.sort(VALIDATION_SCORE, "trial").row(0, named=True)
    names = [*space.structural, *space.numeric]
    found = with_settings(subject.config, space.settings({name: best[name] for name in names}))
    entries = asdict(found)
    del entries["run"]  # the best settings are to be run in a folder of their own
    save_config(config.run / "best.json", entries)
    figures = {"parallel_coordinates": parallel_coordinates_figure, "slices": slices_figure}
    for name, draw in figures.items():
        save_figure(draw(study, names), config.run / f"{name}.png", tight=True)
