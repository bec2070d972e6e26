"""Training on several simulated devices, and many members in one process or in many.

    python -m scripts.benchmarks.scaling devices --count 4
    python -m scripts.benchmarks.scaling members --count 16
    python -m scripts.benchmarks.scaling bfloat16 --count 4

Each does one measurement in this process and prints a line of JSON; the functions `show_...` start
them as processes of their own, one after the other, and print tables.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import jax
import numpy as np
import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.models.tcn import Precision
from sbp_jax.runs.ranges import Whole, refuse_out_of_range
from sbp_jax.runs.virtual_devices import ENOUGH, THREADS
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import Placed, place_examples
from sbp_jax.training.population import fit_population
from sbp_jax.training.program import Head
from scripts.benchmarks.plays import MOST_FRAMES, draw_plays, pad
from scripts.benchmarks.run import BATCH, BUCKETS, FORECASTER, OBJECTIVE, OurRun, train_config

ROOT: Final = Path(__file__).resolve().parents[2]
PLAYS: Final = 2048
EPOCHS: Final = 3
DEVICES: Final = (1, 2, 4, 8)
MEMBERS: Final = 16
MEASURED: Final = 3  # separate runs; the others would take as long
SEEDS: Final = 4


@dataclass(frozen=True)
class BenchmarkScaling:
    """One measurement.

    Attributes:
        what: "devices": epochs on that many devices; "members": a population of that many;
            "member": the run that equals the population's member of that number; a precision:
            that many seeds of one setting, in it.
        count: of devices, members or seeds, or the number of a member, from 0.
    """

    what: Annotated[
        Literal["devices", "members", "member", "float32", "bfloat16"], tyro.conf.Positional
    ]
    count: Whole

    def __post_init__(self) -> None:
        """Refuse what would measure nothing."""
        refuse_out_of_range(self)


def main(config: BenchmarkScaling) -> None:
    """Measure and print a line of JSON."""
    measure: dict[str, Callable[[int], dict[str, Any]]] = {
        "devices": on_devices,
        "members": as_population,
        "member": alone,
        "float32": partial(seeds, precision="float32"),
        "bfloat16": partial(seeds, precision="bfloat16"),
    }
    print(json.dumps(measure[config.what](config.count)))


def on_devices(count: int) -> dict[str, Any]:
    """Seconds of each epoch, compiled before, on that many devices."""
    train, valid = draw_plays(PLAYS, seed=0), draw_plays(BATCH, seed=1)
    devices = Devices(jax.devices()[:count])
    run = OurRun("", train, valid, train_config(EPOCHS), devices)
    return {"seconds": [run.epoch().seconds for _ in range(EPOCHS)]}


def member(number: int) -> Hyperparameters:
    """Settings that differ as they would in a sweep."""
    usual = train_config(EPOCHS)
    return Hyperparameters(
        learning_rate=usual.learning_rate * 0.9**number,
        seed=number,
    )


def placed(config: TrainConfig, devices: Devices) -> tuple[Placed, Placed]:
    """The plays of the sweep."""
    train, valid = pad(draw_plays(PLAYS, seed=0)), pad(draw_plays(BATCH, seed=1))
    return (
        place_examples(train, config, devices, shuffle=True),
        place_examples(valid, config, devices, shuffle=False),
    )


def as_population(count: int) -> dict[str, Any]:
    """Train all members by one program; their validation scores after the last epoch."""
    return last_scores([member(number) for number in range(count)], train_config(EPOCHS))


def seeds(count: int, *, precision: Precision) -> dict[str, Any]:
    """One setting from so many seeds; their validation scores, computed in float32."""
    config = train_config(2 * EPOCHS, length_buckets=BUCKETS, precision=precision)
    members = [replace(member(0), seed=seed) for seed in range(count)]
    return last_scores(members, config)


def last_scores(members: Sequence[Hyperparameters], config: TrainConfig) -> dict[str, Any]:
    """Validation scores after the last epoch of a population."""
    devices = Devices(jax.devices()[:1])
    train, valid = placed(config, devices)
    fits = fit_population(Head(FORECASTER, OBJECTIVE, cell=1.0), members, train=train, valid=valid)
    return {"scores": [each.history[-1][VALIDATION_SCORE] for each in fits]}


def alone(number: int) -> dict[str, Any]:
    """Train one member as a run of its own, run folder included; its score likewise."""
    own = member(number)
    assert own.learning_rate is not None
    config = replace(train_config(EPOCHS), learning_rate=own.learning_rate, seed=number)
    devices = Devices(jax.devices()[:1])
    train, valid = placed(config, devices)
    with tempfile.TemporaryDirectory() as folder:
        head = Head(FORECASTER, OBJECTIVE, cell=1.0)
        found = fit(head, train, valid, folder=Path(folder), progress=False)
    return {"scores": [found.history[-1][VALIDATION_SCORE]]}


def show_devices() -> None:
    """Speed on simulated devices, beside one."""
    print(
        f"  {PLAYS:,} plays padded to {MOST_FRAMES} frames on simulated devices, all on the same "
        f"{os.cpu_count()} cores;\n"
        "  no cores are gained: a ratio below 1 is the cost of dividing the work, one above 1 is "
        "what\n  one device's program leaves idle of them"
    )
    alone_on_one = None
    for count in DEVICES:
        found = in_process("devices", count)[0]["seconds"]
        rate = PLAYS / float(np.median(found))
        alone_on_one = alone_on_one or rate
        print(
            f"    {count} {rate:38,.0f} plays/s   {rate / alone_on_one:5.2f} times one", flush=True
        )


def show_population() -> None:
    """Wall time of a population and of as many processes, start and compilation included."""
    together, seconds = in_process("members", MEMBERS)
    singles = [in_process("member", number) for number in range(MEASURED)]
    mean = sum(each for _, each in singles) / MEASURED
    apart = max(
        abs(single["scores"][0] - score)
        for (single, _), score in zip(singles, together["scores"], strict=False)
    )
    print(
        f"  {MEMBERS} settings, {PLAYS:,} plays x {EPOCHS} epochs, start and compilation included\n"
        f"    one population                   {seconds:8.1f} s\n"
        f"    {MEMBERS} processes in turn             {MEMBERS * mean:8.1f} s"
        f"   ({MEASURED} measured, {mean:.1f} s each)\n"
        f"    the population takes {100 * seconds / (MEMBERS * mean):.0f} % of that; "
        f"scores differ by at most {apart:.1e}",
        flush=True,
    )


def show_precisions() -> None:
    """Validation scores in bfloat16 beside those in float32, and beside what a seed changes."""
    found = {name: in_process(name, SEEDS)[0]["scores"] for name in get_args(Precision)}
    print(
        f"  validation score, nats, of {SEEDS} seeds after {2 * EPOCHS} epochs of {PLAYS:,} plays"
    )
    for name, scores in found.items():
        shown = " ".join(f"{score:.3f}" for score in scores)
        print(
            f"    {name:<10} mean {np.mean(scores):.4f}, deviation {np.std(scores, ddof=1):.4f}"
            f"   {shown}",
            flush=True,
        )
    differences = np.subtract(found["bfloat16"], found["float32"])
    error = np.std(differences, ddof=1) / np.sqrt(SEEDS)
    print(
        f"    bfloat16 - float32, seed by seed: {differences.mean():+.4f}, "
        f"standard error {error:.4f}"
    )


def in_process(what: str, count: int) -> tuple[dict[str, Any], float]:
    """A measurement in a fresh process: what it found, and the seconds from start to end.

    Raises:
        subprocess.CalledProcessError: it failed, having said why.
    """
    # On a GPU the process that asks holds most of the memory already.
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if what == "devices":
        flag = f"--xla_force_host_platform_device_count={count}"
        environment |= {"XLA_FLAGS": flag, "JAX_PLATFORMS": "cpu"}
        environment |= {THREADS: ENOUGH} if count > 1 else {}
    command = [sys.executable, "-m", "scripts.benchmarks.scaling", what, "--count", str(count)]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    seconds = time.perf_counter() - start
    return dict(json.loads(done.stdout.splitlines()[-1])), seconds


if __name__ == "__main__":
    try:
        main(tyro.cli(BenchmarkScaling, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
