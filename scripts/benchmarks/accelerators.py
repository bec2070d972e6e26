"""Compile every training program for accelerators that are only described, and count a step of it.

    python -m scripts.benchmarks.accelerators [--targets h100:1x1x1 ...] [--programs network ...]
                                              [--precisions float32 bfloat16] [--peers]

Run it from the root of the repository; `scripts/benchmark.py accelerators` does. Nothing needs an
accelerator: XLA's compilers for GPU and TPU come in packages of their own, which are installed
into `.venv-accelerators` once (a gigabyte), out of the sight of everything else. Every program is
compiled anew, in a process of its own; all of them take most of an hour on one core.

A step takes at least as long as its launches, its bytes or its multiplications do on a device
that does nothing else (`targets.py` has the limits, `hlo_counts.py` what is counted).
"""

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.models.tcn import Precision
from sbp_jax.runs.ranges import NotEmpty, refuse_out_of_range
from scripts.benchmarks import peers, rows
from scripts.benchmarks.accelerator_worker import ENVIRONMENT, UNKNOWN_TOPOLOGY
from scripts.benchmarks.described import PROGRAMS
from scripts.benchmarks.plays import draw_plays
from scripts.benchmarks.run import BATCH, peer_inputs, peer_options, train_config
from scripts.benchmarks.targets import DEFAULT_TARGETS, Platform, Target

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".venv-accelerators"
CUDA: Final = ("jax-cuda12-plugin", "jax-cuda12-pjrt")  # of the version of jaxlib
PLANNED: Final = "network"  # the program whose whole training is planned
PLAYS: Final = 50_000
EPOCHS: Final = 30
SHOWN: Final = ("fusion", "product", "copy", "collective")
COLUMNS: Final = (
    "fusions", "products", "copies", "collect.", "others", "temp. MB", "MB", "GFLOP",
    "starts us", "memory us", "prod. us",
)  # fmt: skip
HEADER: Final = (
    f"    {'':<20}{'launches':>8}"
    + "".join(f"{name:>10}" for name in COLUMNS)
    + f"{'examples/s':>12}{'to compile':>11}"
)


class AcceleratorsError(SbpJaxError):
    """The packages of a platform are missing or do not fit, or a program cannot be compiled."""


class TopologyError(AcceleratorsError):
    """Devices that XLA does not know how to describe."""


@dataclass(frozen=True)
class BenchmarkAccelerators:
    """What to compile, and for what.

    Attributes:
        targets: chip and topology: of GPUs slices x hosts x devices, of TPUs their grid.
        programs: those of `described.py`; all if left out.
        precisions: of the network's arithmetic.
        peers: also count what PyTorch starts in a step of the benchmark's network.
        rows: file for what is found, a line of JSON each, begun anew.

    Raises:
        AcceleratorsError: no such program.
        DeviceError: no such chip.
    """

    targets: Annotated[tuple[str, ...], NotEmpty] = DEFAULT_TARGETS
    programs: tuple[str, ...] = ()
    precisions: Annotated[tuple[Precision, ...], NotEmpty] = get_args(Precision)
    peers: bool = False
    rows: Path = Path("runs/accelerators.jsonl")

    def __post_init__(self) -> None:
        """Refuse what cannot be compiled."""
        refuse_out_of_range(self)
        for name in self.targets:
            Target.named(name)
        if unknown := sorted(set(self.programs) - set(PROGRAMS)):
            raise AcceleratorsError(
                f"programs: expected some of {', '.join(PROGRAMS)}, got {unknown[0]!r}"
            )


def main(config: BenchmarkAccelerators) -> None:
    """Compile and count; devices whose packages cannot be had are left out in a line."""
    rows.begin(config.rows)
    for name in config.targets:
        print(f"  {name}", flush=True)
        try:
            compile_all(Target.named(name), config)
        except AcceleratorsError as error:
            print(f"    not compiled: {error}", flush=True)
    if config.peers:
        show_peers()
    print(f"  all of it in {config.rows}")


def compile_all(target: Target, config: BenchmarkAccelerators) -> None:
    """Every program in every precision for one target.

    Raises:
        AcceleratorsError: its packages cannot be had.
        TopologyError: XLA does not know it.
    """
    make(target.chip.platform)
    found: list[dict[str, Any]] = []
    for program in config.programs or tuple(PROGRAMS):
        for precision in config.precisions:
            row = {"target": target.name, "program": program, "precision": precision}
            try:
                row |= compile_and_count(target, program, precision)
            except TopologyError:
                raise
            except AcceleratorsError as error:
                row |= {"error": str(error)}
            rows.append(config.rows, row)
            if not found:
                print(HEADER, flush=True)
            found.append(row)
            print(line_of(row), flush=True)
    for row in found:
        if row["program"] == PLANNED and "error" not in row:
            print(line_of_plan(row), flush=True)


def make(platform: Platform) -> None:
    """Install the compiler of a platform unless it is there, without what it depends on.

    Raises:
        AcceleratorsError: a package could not be installed, or fits another jaxlib.
    """
    folder, wanted = FOLDER / platform, packages(platform)
    if (folder / ".complete").exists():
        check_versions(folder, wanted)
        return
    print(f"    installing {' '.join(wanted)} into {FOLDER.name} (once)", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--upgrade", "--target", str(folder)]
    done = subprocess.run([*pip, *options, *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise AcceleratorsError(f"expected pip to install {' '.join(wanted)}, got: {said[-1]}")
    (folder / ".complete").touch()


def packages(platform: Platform) -> list[str]:
    """What is to be installed: compilers that fit the jaxlib and the JAX that are there."""
    if platform == "cuda":
        return [f"{name}=={importlib.metadata.version('jaxlib')}" for name in CUDA]
    needed = importlib.metadata.requires("jax") or []
    return [each.partition(";")[0].strip() for each in needed if each.startswith("libtpu")][:1]


def check_versions(folder: Path, wanted: list[str]) -> None:
    """Refuse compilers that were installed for another jaxlib.

    Raises:
        AcceleratorsError: a package is not there in the version wanted.
    """
    there = {
        each.name: each.version for each in importlib.metadata.distributions(path=[str(folder)])
    }
    for requirement in wanted:
        name, _, version = requirement.partition("==")
        found = there.get(name, "none")
        if not found.startswith(version.removesuffix("*")):
            raise AcceleratorsError(
                f"expected {requirement}, as JAX asks for, in "
                f"{folder.parent.name}/{folder.name}, got {found}; delete the folder, and it is "
                "made anew"
            )


def compile_and_count(target: Target, program: str, precision: Precision) -> dict[str, Any]:
    """What `accelerator_worker.py` finds.

    Raises:
        AcceleratorsError: it ended in an error, of which the last line is told.
        TopologyError: XLA does not know the devices.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    path = [str(FOLDER / target.chip.platform), own.get("PYTHONPATH", "")]
    environment = {**own, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    module = "scripts.benchmarks.accelerator_worker"
    done = subprocess.run(
        [sys.executable, "-m", module, target.name, program, precision],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:300]
        if done.returncode == UNKNOWN_TOPOLOGY:
            raise TopologyError(
                f"targets: expected a topology that XLA knows, got {target.name!r}: {said}"
            )
        raise AcceleratorsError(f"expected {program} to compile for {target.name}, got: {said}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def limits(row: Mapping[str, Any]) -> dict[str, float]:
    """Seconds that a step takes at least: for its launches, its bytes, its multiplications."""
    chip = Target.named(row["target"]).chip
    return {
        "launches": row["total"] * chip.start,
        "memory": row["bytes"] / chip.bytes,
        "products": row["flops"] / chip.flops[row["precision"]],
    }


def line_of(row: Mapping[str, Any]) -> str:
    """A row of the table."""
    name = f"    {row['program']:<11}{row['precision']:<9}"
    if "error" in row:
        return name + row["error"]
    shown = [row["launches"].get(kind, 0) for kind in SHOWN]
    least = limits(row)
    numbers = [
        *(f"{count:d}" for count in [*shown, row["total"] - sum(shown)]),
        *(f"{row[key] / 1e6:.1f}" for key in ("temporaries", "bytes")),
        f"{row['flops'] / 1e9:.2f}",
        *(f"{1e6 * seconds:.0f}" for seconds in least.values()),
    ]
    return (
        f"{name}{row['total']:>8}"
        + "".join(f"{number:>10}" for number in numbers)
        + f"{row['examples'] / max(least.values()):>12,.0f}{row['seconds_to_compile']:>9.1f} s"
    )


def line_of_plan(row: Mapping[str, Any]) -> str:
    """What the whole training takes at least, were all plays of `run.FRAMES` frames."""
    steps = -(-PLAYS // row["examples"]) * EPOCHS
    least = ", ".join(f"{name} {steps * seconds:.2f} s" for name, seconds in limits(row).items())
    return (
        f"    {PLAYS:,} plays x {EPOCHS} epochs in {row['precision']}, {steps:,} steps, take at "
        f"least: {least}"
    )


def show_peers() -> None:
    """Operators of PyTorch in a step of the benchmark's network.

    Raises:
        PeersError: the peers cannot be had.
    """
    peers.make()
    train, valid = draw_plays(BATCH, seed=0), draw_plays(1, seed=1)
    options = peer_options(train_config(1), BATCH)
    with peers.start("peers_torch.py", peer_inputs(train, valid), foreach=True, **options) as call:
        found = call("operators", compiled=True)
    commonest = ", ".join(f"{count} {name}" for name, count in found["commonest"])
    print(
        f"  PyTorch starts {found['total']} operators a step of the network, one by one, its "
        f"optimizer's on lists as on a GPU: {commonest}\n"
        f"  and {found['compiled']} where it compiles the network",
        flush=True,
    )


if __name__ == "__main__":
    try:
        main(tyro.cli(BenchmarkAccelerators, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
