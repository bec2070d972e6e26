"""Every setting states its range and refuses what is outside, wherever it is given."""

import importlib
import json
import math
import pkgutil
import re
import sys
import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import jax.numpy as jnp
import numpy as np
import pytest

import sbp_jax
from sbp_jax.arrays.choose_family import moving_bins
from sbp_jax.distributions import Gaussian
from sbp_jax.errors import (
    ConfigFileError,
    DetectorError,
    MissingExtraError,
    SbpJaxError,
    SettingError,
)
from sbp_jax.evaluation.calibration import (
    central_coverage,
    perfect_forecaster,
    pit_histogram,
    pp_mae,
    randomised_pit,
)
from sbp_jax.evaluation.empirical import fit_empirical
from sbp_jax.extremes import Spot
from sbp_jax.jobs.compare_objectives import CompareObjectives, Setting
from sbp_jax.jobs.heavy_tails import HeavyTails
from sbp_jax.jobs.passing_score import PassingScore
from sbp_jax.jobs.score_plays import ScorePlays
from sbp_jax.jobs.simulate_tracking import SimulateTracking
from sbp_jax.jobs.sweep import Sweep
from sbp_jax.jobs.tracking import Tracking
from sbp_jax.jobs.twitter_mentions import TwitterMentions
from sbp_jax.jobs.uci import Uci
from sbp_jax.jobs.uci_methods import Networks
from sbp_jax.jobs.wins import Wins
from sbp_jax.models.anchors import Anchor
from sbp_jax.models.arrangement import Arrangement
from sbp_jax.models.ceiling import Ceiling
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.knot_anchors import KnotAnchor
from sbp_jax.models.play_model import PlayModel
from sbp_jax.models.tcn import TCN
from sbp_jax.nfl.plays.splits import SeasonSplit
from sbp_jax.nfl.ratings.fold_fit import HowToFit
from sbp_jax.nfl.ratings.outcome import outcome_named
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.tracking.reading import ReadConfig
from sbp_jax.runs.child_processes import run_jobs
from sbp_jax.runs.command_line import run
from sbp_jax.runs.config_file import load_config, save_config
from sbp_jax.runs.hosts import Hosts
from sbp_jax.runs.ranges import NotEmpty, Range, limited_fields
from sbp_jax.series import SeriesNetwork, SeriesTraining, Split
from sbp_jax.series.compare import Candidate
from sbp_jax.series.scaling import Scaling
from sbp_jax.series.synthetic import SpikyLaw
from sbp_jax.sweeps.space import Integers, LogUniform, Uniform
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.length_buckets import choose_lengths
from sbp_jax.training.operations import Operations
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.program import Head

NAN, INF = math.nan, math.inf


@pytest.fixture(autouse=True)
def _types_are_not_checked(monkeypatch):
    """As for users; the suite's own check of types would refuse some values before."""
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)


FORECASTER = make_forecaster(NetworkConfig(), Gaussian())

# What is asked for beside a setting, by its dataclass: all those of settings that have a range.
NEEDED = {
    Anchor: {"column": 0, "scale": 1.0, "below": 1, "above": 1},
    Arrangement: {"pace": (1.0,), "start": (0.0,)},
    Candidate: {"family": Gaussian(), "objective": "density_nll"},
    Ceiling: {"column": 0, "scale": 1.0},
    Head: {"forecaster": FORECASTER, "objective": "density_nll"},
    HeavyTails: {},
    HowToFit: {
        "outcome": outcome_named("yards"),
        "network": NetworkConfig(),
        "train": TrainConfig(),
        "tail_mass": 0.01,
    },
    Hyperparameters: {},
    Integers: {"low": 0, "high": 1},
    KnotAnchor: {"column": None, "scale": 1.0, "knots": (0.0, 1.0)},
    LogUniform: {"low": 0.1, "high": 1.0},
    NetworkConfig: {},
    Networks: {},
    Operations: {},
    OptimizerConfig: {},
    PassingScore: {},
    PlayModel: {"num_outputs": 2},
    ReadConfig: {},
    ScorePlays: {"run": Path("x")},
    SeasonSplit: {},
    SeriesNetwork: {},
    SeriesTraining: {},
    Setting: {"objective": "density_nll", "tail_mass": 0.01, "splice": "edge"},
    SimulateConfig: {},
    SimulateTracking: {"out": Path("x")},
    SpikyLaw: {},
    Hosts: {},
    Scaling: {"loc": 0.0, "scale": 1.0},
    Split: {},
    Spot: {},
    Sweep: {},
    TCN: {},
    Tracking: {},
    TrainConfig: {},
    TwitterMentions: {},
    Uci: {"source": Path("x")},
    Uniform: {"low": 0.0, "high": 1.0},
    Wins: {},
}
ELSEWHERE = {  # numbers without a range of their own, and why
    "train": "seasons, of which those that are not there are refused when they are loaded",
    "valid": "likewise",
    "test": "likewise",
    "seasons": "likewise",
}


def outside(hint):
    """Values that a type does not hold, its ranges read as mathematics."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        found = []
        for note in hint.__metadata__:
            if isinstance(note, Range):
                found += [NAN, INF, -INF, "1", True]
                found += [0.5 * note.low + 1.5] if inner[0] is int else []
                if note.low > -INF:
                    found.append(note.low if note.above else note.low - 1)
                if note.high < INF:
                    found.append(note.high if note.below else note.high + 1)
            elif note is NotEmpty:
                found += [(), *outside(inner[0])]
        return found
    if origin is Literal:
        return ["nonsense"]
    if origin is tuple:
        count = 1 if inner[-1] is Ellipsis else len(inner)
        return [3, *((x,) * count for x in outside(inner[0])[:1])]
    if inner:  # of a union
        every = [outside(one) for one in inner if one is not types.NoneType]
        return [x for x in every[0] if all(x in others for others in every[1:])]
    return []


def every_dataclass():
    found = set()
    for module in pkgutil.walk_packages(sbp_jax.__path__, "sbp_jax."):
        try:
            members = vars(importlib.import_module(module.name)).values()
        except (ImportError, MissingExtraError):
            continue
        found |= {x for x in members if isinstance(x, type) and is_dataclass(x)}
    return {x for x in found if x.__module__.startswith("sbp_jax.")}


def test_the_table_has_all_that_have_a_range():
    found = {x for x in every_dataclass() if _has_range(x)}
    assert {x.__name__ for x in found} == {x.__name__ for x in NEEDED}


def _has_range(of):
    try:
        return any("Range(" in str(hint) for hint in limited_fields(of).values()) or of in NEEDED
    except (NameError, TypeError):  # a family's own types
        return False


@pytest.mark.parametrize(
    "of", [x for x in NEEDED if x not in (Networks,)], ids=lambda x: x.__name__
)
def test_every_number_has_a_range_and_says_so(of):
    hints = get_type_hints(of)
    limited = limited_fields(of)
    for field in fields(of):
        numbers = re.search(r"\b(int|float)\b", str(hints[field.name]).replace("'", ""))
        if numbers and field.name not in ELSEWHERE and field.name not in ("parent", "network"):
            assert field.name in limited


@pytest.mark.parametrize("of", NEEDED, ids=lambda x: x.__name__)
def test_what_is_outside_is_refused_by_name(of):
    of(**NEEDED[of])
    for name, hint in limited_fields(of).items():
        values = outside(hint)
        assert values, name
        for value in values:
            with pytest.raises(SbpJaxError, match=rf"^{name}: expected .*, got "):
                of(**NEEDED[of] | {name: value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrainConfig(learning_rate=-1), "learning_rate: .* a finite number > 0, got -1"),
        (lambda: TrainConfig(batch_size=0), "batch_size: expected a whole number >= 1, got 0"),
        (lambda: TrainConfig(batch_size=100), "batch_size: expected a multiple of .* = 64"),
        (lambda: TrainConfig(accumulate=3), "accumulate: expected a divisor of .* = 8, got 3"),
        (lambda: TrainConfig(seed=2**31), r"seed: expected a whole number in \[0, 2\*\*31\), got"),
        (lambda: NetworkConfig(dropout=1.5), r"dropout: expected a number in \[0, 1\), got 1.5"),
        (lambda: NetworkConfig(hidden=(8, 0)), "hidden: .* a tuple of whole numbers >= 1, got"),
        (lambda: NetworkConfig(kernel_size=0), "kernel_size: expected a whole number >= 1, got 0"),
        (lambda: PlayModel(2, kernel_size=0), "kernel_size: expected a whole number >= 1, got 0"),
        (lambda: Hyperparameters(tail_mass=0.5), r"None or a number in \(0, 0.5\), got 0.5"),
        (lambda: make_optimizer(OptimizerConfig(), 1, clip_norm=NAN), "clip_norm: .* got nan"),
        (lambda: Uniform(1.0, 1.0), "expected low < high"),
        (lambda: LogUniform(0.0, 1.0), "expected low > 0"),
        (lambda: Split(1.5, 0.2), "train: expected a whole number >= 1 or a number in .* got 1.5"),
        (lambda: ReadConfig(max_frames=3), "expected min_frames <= max_frames, got 8 and 3"),
        (lambda: SimulateConfig(plays=3), "plays: expected 9 to .* in 9 weeks, got 3"),
        (lambda: Spot(capacity=1), "capacity: expected a whole number >= 10, got 1"),
        (lambda: Spot(depth=1.5), "depth: expected a whole number >= 0, got 1.5"),  # type: ignore[arg-type]
        (lambda: Spot(risk=NAN), "risk: expected a finite number > 0, got nan"),
        (lambda: Spot(level=NAN), "level: expected a number in .* got nan"),
    ],
)  # fmt: skip
def test_messages(make, message):
    with pytest.raises(SbpJaxError, match=message):
        make()


def test_detectors_refuse_with_their_own_error():
    with pytest.raises(DetectorError):
        Spot(capacity=1)


def test_ends_that_belong_to_a_range_and_numbers_of_numpy_and_jax_are_taken():
    NetworkConfig(features=1, layers=0, kernel_size=1, hidden=(), dropout=0.0)
    SimulateConfig(plays=22, weeks=22, run_share=1.0, seconds_after_throw=10)
    Split(1, 1, 1)
    Spot(capacity=10, depth=0)
    TrainConfig(batch_size=1, virtual_shards=1, weight_decay=0, warmup_steps=0, seed=2**31 - 1)
    TrainConfig(epochs=np.int64(3), learning_rate=jnp.float32(1e-3))


def test_numbers_of_numpy_and_jax_become_pythons(tmp_path):
    config = TrainConfig(epochs=np.int64(3), learning_rate=jnp.float32(0.25))
    assert config == TrainConfig(epochs=3, learning_rate=0.25)
    save_config(tmp_path / "train.json", config)
    assert load_config(tmp_path / "train.json", TrainConfig()) == config
    assert hash(Spot(risk=jnp.float32(0.0078125), depth=np.array(5))) == hash(Spot(2**-7, depth=5))
    assert NetworkConfig(hidden=(np.int32(8),)) == NetworkConfig(hidden=(8,))


PITS = np.array([0.1, 0.6]), np.array([0.5, 0.6])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: randomised_pit(*PITS, draws=0), "draws: expected a whole number >= 1, got 0"),
        (lambda: pp_mae(*PITS, draws=1.5), "draws: expected a whole number >= 1, got 1.5"),  # type: ignore[arg-type]
        (lambda: pp_mae(*PITS, seed=-1), r"seed: expected a whole number in \[0, 2\*\*31\)"),
        (lambda: pit_histogram(*PITS, bins=0), "bins: expected a whole number >= 1, got 0"),
        (lambda: central_coverage(*PITS, -0.1), r"probability: .* number in \[0, 1\], got -0.1"),
        (lambda: perfect_forecaster(10, draws=0), "draws: expected a whole number >= 1, got 0"),
        (lambda: fit_empirical(*PITS, weight=NAN), "weight: .* finite number >= 0, got nan"),
        (lambda: fit_empirical(*PITS, min_count=0), "min_count: expected a whole number >= 1"),
        (lambda: moving_bins(pace=-1), "pace: expected a finite number > 0, got -1"),
        (lambda: moving_bins(bins=1), "bins: expected a whole number >= 2, got 1"),
        (lambda: moving_bins(tops=1.5), "tops: expected a whole number >= 1, got 1.5"),
        (lambda: choose_lengths(np.arange(3), buckets=0, batch_size=2), "buckets: .* got 0"),
        (lambda: make_optimizer(OptimizerConfig(), 0), "total_steps: .* >= 1, got 0"),
        (lambda: run_jobs([], 0, print, RuntimeError), "workers: .* >= 1, got 0"),
    ],
)  # fmt: skip
def test_arguments_of_functions_are_settings_too(call, message):
    with pytest.raises(SbpJaxError, match=message):
        call()


def unreached(config):
    raise AssertionError(f"run with {config}")


@pytest.mark.parametrize(
    "settings",
    [
        HeavyTails(), TwitterMentions(), PassingScore(), Tracking(), Wins(), CompareObjectives(),
        Uci(Path("x")), Sweep(),
    ],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_the_command_line_and_files_refuse_alike(settings, tmp_path, capsys):
    cases = [
        (entries, said)
        for entries, said in [
            ({"tail_mass": 0.7}, "tail_mass: expected a number in (0, 0.5), got 0.7"),
            ({"bins": 1}, "bins: expected a whole number >= 2, got 1"),
            ({"splits": 0}, "splits: expected a whole number >= 1, got 0"),
            ({"trials": 0}, "trials: expected a whole number >= 1, got 0"),
            ({"train": {"learning_rate": -1.0}}, "learning_rate: expected a finite number > 0"),
            ({"simulate": {"run_share": 1.5}}, "run_share: expected a number in [0, 1], got 1.5"),
            ({"network": {"dropout": 1.5}}, "dropout: expected a number in [0, 1), got 1.5"),
        ]
        if hasattr(settings, next(iter(entries)))
    ]
    assert cases
    for entries, said in cases:
        name, value = next(iter(entries.items()))
        if isinstance(value, dict):
            inner, value = next(iter(value.items()))
            name = f"{name}.{inner}"
        arguments = [f"--{name.replace('_', '-')}", str(value)]
        with pytest.raises(SystemExit) as stopped:
            run(unreached, settings, None, arguments)
        print(stopped.value, file=sys.stderr)
        shown = re.sub(r"[\s│]+", " ", capsys.readouterr().err)
        assert said in shown
        path = tmp_path / "settings.json"
        path.write_text(json.dumps(entries))
        with pytest.raises(ConfigFileError, match=re.escape(said)):
            load_config(path, settings)


def test_a_setting_is_an_input():
    assert issubclass(SettingError, sbp_jax.errors.InputError)
