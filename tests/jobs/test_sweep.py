"""A small sweep of the passing score end to end, and its best settings run alone."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

pytest.importorskip("optuna", reason="the extra sweep is not installed")

from sbp_jax.errors import RunFolderError, SweepError
from sbp_jax.jobs import passing_score
from sbp_jax.jobs.passing_score import PassingScore
from sbp_jax.jobs.sweep import Sweep, main
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.plays.splits import SeasonSplit
from sbp_jax.runs.command_line import parse
from sbp_jax.runs.hosts import Hosts
from sbp_jax.sweeps.space import Choice, Integers, LogUniform, SearchSpace, Uniform
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.operations import Operations

# Structures and heads are compiled; what a sweep is made of has tests of its own.
pytestmark = pytest.mark.slow

SPACE = SearchSpace(
    {
        "learning_rate": LogUniform(1e-3, 3e-2),
        "weight_decay": LogUniform(1e-3, 1.0),
        "dropout": Uniform(0.0, 0.5),
        "encoder_dropout": Uniform(0.0, 0.4),
        "tail_mass": LogUniform(2e-3, 5e-2),
        "seed": Integers(0, 99),
    },
    {"layers": Choice((0, 1)), "hidden": Choice(((8,), (8, 8)))},
)
EPOCHS, TRIALS = 2, 6
WRITTEN = ("trials.csv", "best.json", "parallel_coordinates.png", "slices.png")


@pytest.fixture(scope="module")
def config(source, tmp_path_factory):
    subject = PassingScore(
        run=tmp_path_factory.mktemp("alone") / "run",
        source=source,
        cache=tmp_path_factory.mktemp("cache"),
        split=SeasonSplit(train=(2009,), valid=(2010,), test=(2011,), max_snaps=8),
        network=NetworkConfig(features=4),
        train=TrainConfig(epochs=EPOCHS, batch_size=64, virtual_shards=8, warmup_steps=2),
        min_attempts=10,
    )
    run = tmp_path_factory.mktemp("runs") / "sweep"
    return Sweep(run, passing_score=subject, trials=TRIALS, population=3, sampler_seed=0)


@pytest.fixture(scope="module")
def swept(config, quick_compilation_throughout):
    main(config, SPACE)
    return config


def test_everything_is_there(swept):
    trials = pl.read_csv(swept.run / "trials.csv")
    assert trials["trial"].to_list() == list(range(TRIALS))
    assert set(trials["state"]) <= {"complete", "pruned"}
    assert trials["validation_score"].is_finite().all()
    for name in WRITTEN:
        assert (swept.run / name).exists()
    assert not [path for path in swept.run.rglob("*") if "partial" in path.name]


def test_the_best_settings_run_alone_come_to_the_same_numbers(swept):
    trials = pl.read_csv(swept.run / "trials.csv")
    best = trials.filter(pl.col("state") == "complete").sort("validation_score").row(0, named=True)
    run = swept.passing_score.run
    arguments = ["--config", str(swept.run / "best.json"), "--run", str(run)]
    alone = parse(PassingScore(), None, arguments)
    assert alone.train.learning_rate == best["learning_rate"]
    assert alone.network.layers == best["layers"]
    passing_score.main(alone)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    scores = [json.loads(line)["validation_score"] for line in lines]
    assert min(scores) == pytest.approx(best["validation_score"], rel=1e-4)
    assert int(np.argmin(scores)) == best["best_epoch"]


def test_a_finished_sweep_is_printed_and_another_is_refused(swept, capsys, monkeypatch):
    def again(*args, **settings):
        pytest.fail("trained again")

    monkeypatch.setattr("sbp_jax.jobs.sweep.fit_population", again)
    main(swept, SPACE)
    printed = capsys.readouterr().out
    for name in WRITTEN:
        assert str(swept.run / name) in printed
    longer = replace(swept.passing_score.train, epochs=EPOCHS + 1)
    other = replace(swept, passing_score=replace(swept.passing_score, train=longer))
    with pytest.raises(RunFolderError, match=r"settings.train.epochs: expected 3, got 2"):
        main(other, SPACE)


def test_operations_without_a_use_are_refused(config):
    for changes, expected in (
        ({"operations": Operations(dry_run=True)}, "operations: expected devices or"),
        ({"hosts": Hosts("node1:1234", 2, 0)}, "hosts: expected none"),
    ):
        other = replace(config, passing_score=replace(config.passing_score, **changes))
        with pytest.raises(SweepError, match=expected):
            main(other, SPACE)
