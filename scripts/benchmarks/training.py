"""Training and scoring: plays a second, share of the roofline, time to a score, beside PyTorch.

    python -m scripts.benchmarks.training [--peers] [--plays 8192] [--epochs 6]

Run it from the root of the repository; `scripts/benchmark.py training` does. What is compared
takes turns, epoch by epoch, so that a busy moment of the machine hits all of it; figures are
medians. What there is for a GPU is in `gpu.py`.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np
import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.runs.ranges import Count, refuse_out_of_range
from sbp_jax.training.parallel import Devices
from sbp_jax.training.state import count_params
from scripts.benchmarks import peers, scaling, virtual_run
from scripts.benchmarks.plays import COLUMNS, FEWEST_FRAMES, MOST_FRAMES, Plays, draw_plays
from scripts.benchmarks.readouts import READOUT_FRAMES, readout_milliseconds
from scripts.benchmarks.roofline import Cost, cost_of, measure_machine, total
from scripts.benchmarks.run import (
    BATCH,
    BUCKETS,
    NETWORK,
    Epoch,
    OurRun,
    PeerRun,
    Run,
    Scoring,
    peer_inputs,
    peer_options,
    train_config,
)
from scripts.benchmarks.virtual_run import VirtualRun

ROUNDS: Final = 3
SCORING_ROUNDS: Final = 9  # a twentieth of a second each
TRIAL_PLAYS: Final = 2048
WORKERS: Final = (0, 2)
# Nats. With 8,192 plays and 6 epochs both reach it around their fourth; they end near 2.78.
TARGET: Final = 2.90
PLAYS: Final = 8192


class SizeError(SbpJaxError, ValueError):
    """Too little was asked for to measure anything."""


@dataclass(frozen=True)
class BenchmarkTraining:
    """What to measure.

    Attributes:
        peers: also train and score with PyTorch, on the CPU.
        plays: to train on, at least `TRIAL_PLAYS`; a quarter as many validate.
        epochs: of the runs that are compared, >= 1.

    Raises:
        SizeError: too few plays or epochs.
    """

    peers: bool = False
    plays: int = PLAYS
    epochs: Count = 6

    def __post_init__(self) -> None:
        """Refuse what would measure nothing."""
        refuse_out_of_range(self, SizeError)
        if self.plays < TRIAL_PLAYS:
            raise SizeError(f"plays: expected at least {TRIAL_PLAYS:,}, got {self.plays:,}")


class Compilations:
    """Counts the programs that XLA compiles in this process."""

    def __init__(self) -> None:
        self.count = 0
        jax.monitoring.register_event_duration_secs_listener(self._count)

    def _count(self, event: str, duration_secs: float, **details: str | int) -> None:
        del duration_secs, details
        self.count += event == "/jax/core/compile/backend_compile_duration"


def main(config: BenchmarkTraining) -> None:
    """Draw plays and measure.

    Raises:
        PeersError: the peers were asked for and cannot be had.
    """
    compilations = Compilations()
    count = config.plays
    train, valid = draw_plays(count, seed=0), draw_plays(max(BATCH, count // 4), seed=1)
    devices = Devices(jax.devices()[:1])
    usual = train_config(config.epochs)
    bucketed = train_config(config.epochs, length_buckets=BUCKETS)
    with ExitStack() as stack:
        call = None
        if config.peers:
            peers.make()
            inputs, options = peer_inputs(train, valid), peer_options(usual, count)
            call = stack.enter_context(peers.start("peers_torch.py", inputs, **options))
        ours = [
            OurRun("length buckets", train, valid, bucketed, devices),
            OurRun(f"padded to {MOST_FRAMES} frames", train, valid, usual, devices),
        ]
        describe(train, ours[0])
        virtual = stack.enter_context(virtual_run.start(count, config.epochs))
        runs: list[Run] = [*ours, virtual]
        if call is not None:
            workers = best_workers(call)
            runs.append(PeerRun(f"PyTorch, {workers} DataLoader workers", call, workers))
        compiled = compilations.count
        history = take_turns(runs, config.epochs)
        show_epochs(runs, history)
        show_overhead(ours[0], history[0], compilations.count - compiled)
        show_target(runs, history)
        compare_scoring(ours[0], virtual, call)
    show_readouts()
    show_roofline(ours, history)
    del ours, runs
    scaling.show_devices()
    scaling.show_population()
    scaling.show_precisions()


def describe(train: Plays, run: OurRun) -> None:
    """What is trained on, and what is trained."""
    print(
        f"  {len(train.target):,} plays of {COLUMNS} columns, {FEWEST_FRAMES} to {MOST_FRAMES} "
        f"frames (median {np.median(train.lengths):.0f}, mean {train.lengths.mean():.1f}), "
        f"in steps of {BATCH}\n"
        f"  {NETWORK.layers} blocks of {NETWORK.features} channels, "
        f"{count_params(run.state.params):,} parameters, {run.config.precision}\n"
        f"  length buckets: {', '.join(map(str, run.lengths))} frames in "
        f"{', '.join(map(str, run.bucket_steps))} steps\n"
        f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before the start",
        flush=True,
    )


def best_workers(call: peers.Call) -> int:
    """How many processes the peer's DataLoader is best given, by some steps with each."""
    rates = {
        workers: median_rate(call, "epoch", workers=workers, plays=TRIAL_PLAYS)
        for workers in WORKERS
    }
    shown = ", ".join(f"{rate:,.0f} with {workers}" for workers, rate in rates.items())
    print(f"  PyTorch's plays/s by DataLoader workers: {shown}", flush=True)
    return max(rates, key=rates.__getitem__)


def median_rate(call: peers.Call, function: str, **options: Any) -> float:
    """Plays a second of a function of the peer."""
    found = [call(function, **options) for _ in range(ROUNDS)]
    return float(np.median([each["plays"] / each["seconds"] for each in found]))


def take_turns(runs: Sequence[Run], epochs: int) -> list[list[Epoch]]:
    """All epochs of all runs; an epoch of every run, then the next."""
    history: list[list[Epoch]] = [[] for _ in runs]
    for _ in range(epochs):
        for run, epochs_of_run in zip(runs, history, strict=True):
            epochs_of_run.append(run.epoch())
    return history


def median_seconds(epochs: Sequence[Epoch]) -> float:
    """Of an epoch."""
    return float(np.median([epoch.seconds for epoch in epochs]))


def show_epochs(runs: Sequence[Run], history: Sequence[Sequence[Epoch]]) -> None:
    """Speed of training, and how many times that of each run the first has."""
    print("  training")
    rates = [run.plays / median_seconds(own) for run, own in zip(runs, history, strict=True)]
    for run, own, rate in zip(runs, history, rates, strict=True):
        step = 1e3 * median_seconds(own) / run.steps
        print(
            f"    {run.name:<35} {rate:8,.0f} plays/s {step:8.1f} ms/step{beside(rates[0], rate)}"
        )
    sys.stdout.flush()


def beside(first: float, other: float) -> str:
    """How many times another's speed the first one's is."""
    return "" if first == other else f"   length buckets {first / other:5.2f} times as fast"


def show_overhead(run: OurRun, epochs: Sequence[Epoch], compilations: int) -> None:
    """What is not the compiled program's."""
    share = float(np.median([epoch.python / epoch.seconds for epoch in epochs]))
    compiling = run.first_seconds - median_seconds(epochs)
    print(
        f"    compiled once in {compiling:.1f} s, {compilations} compilations later; "
        f"Python takes {100 * share:.3f} % of an epoch",
        flush=True,
    )


def show_target(runs: Sequence[Run], history: Sequence[Sequence[Epoch]]) -> None:
    """Seconds of training until the validation score is good enough, and the curves."""
    print(f"  training until the validation score is below {TARGET} nats, validation not counted")
    for run, epochs in zip(runs, history, strict=True):
        seconds = np.cumsum([epoch.seconds for epoch in epochs])
        below = [i for i, epoch in enumerate(epochs) if epoch.score < TARGET]
        best = min(epoch.score for epoch in epochs)
        reached = (
            f"{seconds[below[0]]:7.1f} s, epoch {below[0] + 1}"
            if below
            else f"not, best {best:.3f}"
        )
        curve = " ".join(f"{epoch.score:.3f}" for epoch in epochs)
        print(f"    {run.name:<35} {reached}   scores {curve}")
    sys.stdout.flush()


def compare_scoring(run: OurRun, virtual: VirtualRun, call: peers.Call | None) -> None:
    """Speed of the distribution function at the target, network included."""
    scoring = Scoring(run)
    virtual.scored_a_second()  # compiles
    found: dict[str, list[float]] = {run.name: [], virtual.name: []}
    for _ in range(SCORING_ROUNDS):
        found[run.name].append(run.valid.examples / scoring.seconds())
        found[virtual.name].append(virtual.scored_a_second())
        if call is None:
            continue
        for workers in WORKERS:
            answer = call("score", workers=workers)
            name = f"PyTorch, {workers} DataLoader workers"
            found.setdefault(name, []).append(answer["plays"] / answer["seconds"])
    print("  scoring")
    rates = {name: float(np.median(each)) for name, each in found.items()}
    for name, rate in rates.items():
        print(f"    {name:<35} {rate:8,.0f} plays/s{beside(rates[run.name], rate)}")
    sys.stdout.flush()


def show_readouts() -> None:
    """The evaluation of the last frame alone, beside the dense one."""
    found = readout_milliseconds()
    print(
        f"  gradient of a batch of {READOUT_FRAMES} frames\n"
        f"    encoder at every frame           {found['all']:8.1f} ms\n"
        f"    encoder at the last frame alone  {found['last']:8.1f} ms   "
        f"{found['all'] / found['last']:5.2f} times as fast",
        flush=True,
    )


def step_cost(run: OurRun, bucket: int) -> Cost:
    """Operations and bytes of one step that takes its plays from a bucket."""
    rows = run.config.rows_per_step

    def of_one_step(leaf: jax.Array) -> jax.ShapeDtypeStruct:
        shape = (leaf.shape[0], rows, *leaf.shape[2:]) if leaf.ndim > 1 else leaf.shape
        return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=leaf.sharding)

    one_step = jax.tree.map(of_one_step, run.train.shards[bucket])
    return cost_of(run.program.epoch.lower(run.state, (one_step,)))


def show_roofline(ours: Sequence[OurRun], history: Sequence[Sequence[Epoch]]) -> None:
    """Work done a second, as a share of what the machine could do."""
    machine = measure_machine()
    print(
        f"  roofline: {machine.flops / 1e9:,.0f} GFLOP/s in a float32 matrix product, "
        f"{machine.bytes / 1e9:,.1f} GB/s in a triad"
    )
    of_length: dict[int, Cost] = {}  # the runs differ in nothing else
    for run, epochs in zip(ours, history, strict=False):
        for bucket, length in enumerate(run.lengths):
            if length not in of_length:
                of_length[length] = step_cost(run, bucket)
        steps = zip(run.lengths, run.bucket_steps, strict=True)
        cost = total([of_length[length].times(count) for length, count in steps])
        speed = cost.flops / median_seconds(epochs)
        print(
            f"    {run.name:<24} {cost.flops / run.plays / 1e6:6.1f} MFLOP and "
            f"{cost.bytes / run.plays / 1e6:5.2f} MB a play; {speed / 1e9:,.0f} GFLOP/s, "
            f"{100 * speed / machine.limit(cost):.0f} % of the roofline\n"
            f"{'':<29}{cost.kernels / run.steps:,.0f} operations to start a step",
            flush=True,
        )


if __name__ == "__main__":
    try:
        main(tyro.cli(BenchmarkTraining, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
