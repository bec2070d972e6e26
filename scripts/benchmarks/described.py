"""Programs for devices that are only described: shapes stand where arrays would be.

Each is built as an experiment builds it, from the same public parts, and lowered; nothing is drawn,
placed or computed. Sizes are those of the experiments, lengths of plays those of `draw_lengths`.

Legend: B examples, C columns of a step, S static facts.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch
from sbp_jax.jobs import heavy_tails, passing_score, tracking, tracking_results, wins
from sbp_jax.models.tcn import Precision
from sbp_jax.nfl.plays.history import HISTORY_FEATURES
from sbp_jax.nfl.plays.static import STATIC_FEATURES
from sbp_jax.nfl.ratings.fold_fit import HowToFit
from sbp_jax.nfl.ratings.outcome import outcome_named
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES
from sbp_jax.nfl.tracking.static import TRACKING_STATIC
from sbp_jax.series import Split, make_panel
from sbp_jax.series.network import series_forecaster
from sbp_jax.series.synthetic import POINTS, synthetic_series
from sbp_jax.series.train import make_series_program
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters, stack
from sbp_jax.training.parallel import PLAYS, Devices
from sbp_jax.training.placing import Placed, deal_buckets
from sbp_jax.training.population_program import Programs, Recipe
from sbp_jax.training.program import Head, make_program
from sbp_jax.training.shards import Shards
from sbp_jax.training.state import Params
from scripts.benchmarks.plays import COLUMNS, STATICS, draw_lengths
from scripts.benchmarks.run import (
    BUCKETS,
    FAMILY,
    FORECASTER,
    FRAMES,
    OBJECTIVE,
    train_config,
)

Lengths = Int[NDArray, " B"]

PLAYS_TO_TRAIN_ON: Final = 8192
TRACKED: Final = 20_000
PASSES: Final = 147_000  # of eight seasons
SNAPS: Final = 64
MEMBERS: Final = 16


class Described(NamedTuple):
    """A program that waits for a compiler.

    Attributes:
        lowered: for the devices that it was described for.
        examples: of a step, of all devices and members together.
    """

    lowered: jax.stages.Lowered
    examples: int


def describe(name: str, devices: Devices, precision: Precision) -> Described:
    """One of `PROGRAMS` by its name."""
    return PROGRAMS[name](devices, precision)


def network(devices: Devices, precision: Precision) -> Described:
    """An epoch of the benchmark's network, all plays padded to `FRAMES`."""
    return _benchmark(devices, precision, np.full(PLAYS_TO_TRAIN_ON, FRAMES))


def buckets(devices: Devices, precision: Precision) -> Described:
    """An epoch of the benchmark's network over its four length buckets."""
    lengths = draw_lengths(PLAYS_TO_TRAIN_ON, np.random.default_rng(0))
    return _benchmark(devices, precision, lengths, length_buckets=BUCKETS)


def passing(devices: Devices, precision: Precision) -> Described:
    """An epoch of the passing score's network, the game so far included."""
    settings = passing_score.PassingScore()
    head = passing_score.make_heads(settings)[passing_score.SBP]
    lengths = np.full(PASSES, SNAPS)
    sizes = (len(HISTORY_FEATURES), len(STATIC_FEATURES))
    return _epoch(head, lengths, sizes, replace(settings.train, precision=precision), devices)


def wins_fold(devices: Devices, precision: Precision) -> Described:
    """An epoch of a fold of the experiment wins, which has no series."""
    settings, outcome = wins.Wins(), outcome_named("points")
    train = replace(settings.train, precision=precision)
    how = HowToFit(outcome, settings.network, train, settings.tail_mass)
    head = Head(how.forecaster(), "interval_nll", cell=1.0)
    return _epoch(head, np.ones(PASSES, int), (1, len(outcome.static_names)), train, devices)


def tracked(devices: Devices, precision: Precision) -> Described:
    """An epoch of the tracking experiment's network over four length buckets."""
    settings = tracking.Tracking()
    head = tracking.make_heads(settings)[tracking_results.SBP]
    lengths = draw_lengths(TRACKED, np.random.default_rng(0))
    train = replace(settings.train, precision=precision, length_buckets=BUCKETS)
    return _epoch(head, lengths, (len(MODEL_FEATURES), len(TRACKING_STATIC)), train, devices)


def series(devices: Devices, precision: Precision) -> Described:
    """An epoch of the heavy-tails experiment's spliced network: five series on one device."""
    settings = heavy_tails.HeavyTails()
    panel = make_panel([synthetic_series(seed) for seed in settings.seeds], Split(*POINTS))
    candidate = heavy_tails.make_candidates(settings, panel)[heavy_tails.SBP]
    forecaster = series_forecaster(candidate.family, candidate.network).computing_in(precision)
    program = make_series_program(forecaster, candidate.objective, panel, settings.train)
    arguments = (jax.eval_shape(program.init), program.members, program.keys, np.int32(0))
    described = _on(devices, P(), jax.eval_shape(lambda *each: each, *arguments))
    examples = panel.members * settings.train.batch_size * settings.train.segment
    return Described(program.epoch.lower(*described), examples)


def population(devices: Devices, precision: Precision) -> Described:
    """An epoch of `MEMBERS` of the benchmark's networks, divided over the devices."""
    config = train_config(1, precision=precision)
    placed = describe_placed(
        np.full(PLAYS_TO_TRAIN_ON, FRAMES), (COLUMNS, STATICS), config, devices
    )
    shards = _on(devices, P(), placed.shards)
    members = [
        Hyperparameters(learning_rate=config.learning_rate * 0.9**number, seed=number)
        for number in range(MEMBERS)
    ]
    programs = Programs(
        Recipe(
            Head(FORECASTER, OBJECTIVE, cell=1.0),
            replace(config, seed=0, learning_rate=1.0, weight_decay=0.0),
            devices.mesh,
            "vmap",
            placed.steps,
            own_train=False,
            own_valid=False,
            shapes=(),
        )
    )
    begun = jax.eval_shape(programs.begun, stack(members, config), shards, None)
    return Described(programs.epoch.lower(begun, shards), MEMBERS * config.batch_size)


def scoring(devices: Devices, precision: Precision) -> Described:
    """The distribution function at the targets, in slices of a step's plays."""
    config = train_config(1, precision=precision)
    placed = describe_placed(
        np.full(PLAYS_TO_TRAIN_ON, FRAMES), (COLUMNS, STATICS), config, devices
    )
    forecaster = FORECASTER.computing_in(precision)

    def cdf(params: Params, batch: Batch) -> jax.Array:
        return FAMILY.cdf(forecaster.predict(params, batch), batch.target)

    program = make_program(Head(FORECASTER, OBJECTIVE, cell=1.0), placed)
    params = jax.eval_shape(program.init).params
    score: Any = devices.predict(cdf, config.rows_per_step)
    return Described(score.lower(params, placed.shards), config.batch_size)


PROGRAMS: Final[Mapping[str, Callable[[Devices, Precision], Described]]] = {
    "network": network,
    "buckets": buckets,
    "passing": passing,
    "wins": wins_fold,
    "tracking": tracked,
    "series": series,
    "population": population,
    "scoring": scoring,
}


def _benchmark(
    devices: Devices, precision: Precision, lengths: Lengths, **changes: Any
) -> Described:
    config = train_config(1, precision=precision, **changes)
    head = Head(FORECASTER, OBJECTIVE, cell=1.0)
    return _epoch(head, lengths, (COLUMNS, STATICS), config, devices)


def _epoch(
    head: Head, lengths: Lengths, sizes: tuple[int, int], config: TrainConfig, devices: Devices
) -> Described:
    placed = describe_placed(lengths, sizes, config, devices)
    program = make_program(head, placed)
    state = jax.eval_shape(program.init)
    return Described(program.epoch.lower(state, placed.shards), config.batch_size)


def describe_placed(
    lengths: Lengths, sizes: tuple[int, int], config: TrainConfig, devices: Devices
) -> Placed:
    """What `place_examples` would make of plays of these lengths, in shapes.

    Args:
        lengths: observed steps of each play.
        sizes: C and S.
        config: gives the shards, the batch size and the number of length buckets.
        devices: where they would be.
    """
    columns, statics = sizes
    shards, rows = [], []
    for steps, dealt in deal_buckets(lengths, config, shuffle=False):
        of_shape = Shards(
            Batch(
                jax.ShapeDtypeStruct((*dealt.shape, steps, columns), np.float16),
                jax.ShapeDtypeStruct((*dealt.shape, steps), np.bool_),
                jax.ShapeDtypeStruct((*dealt.shape, statics), np.float32),
                jax.ShapeDtypeStruct(dealt.shape, np.float32),
            ),
            jax.ShapeDtypeStruct(dealt.shape, np.float32),
            jax.ShapeDtypeStruct(dealt.shape[:1], np.int32),
        )
        shards.append(_on(devices, P(PLAYS), of_shape))
        rows.append(dealt)
    return Placed(config, devices, tuple(shards), tuple(rows))


def _on(devices: Devices, spec: P, tree: Any) -> Any:
    """Shapes with their place on the devices."""
    sharding = NamedSharding(devices.mesh, spec)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree
    )
