"""All that is to be known of a GPU, in one call of under ten minutes that may be stopped.

    python -m scripts.benchmarks.gpu [--rehearse] [--minutes 9.5] [--rows FILE]

Run it from the root of the repository; `scripts/benchmark.py training --gpu` does.
Each measurement is a process of its own (`gpu_measure.py`), with the GPU for itself; its rows go
to a file as they come. The most important come first. When time is up, or SIGTERM or Ctrl-C
arrives, the process is ended and the table of what there is printed. --rehearse does all of it in
tiny sizes on whatever JAX has, a CPU for instance, so that nothing fails for the first time on a
rented device.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple, NoReturn

import tyro

from sbp_jax.errors import DeviceError, SbpJaxError, TrainingInterrupted
from sbp_jax.models.tcn import Precision
from sbp_jax.runs.ranges import Positive, refuse_out_of_range
from scripts.benchmarks import rows
from scripts.benchmarks.gpu_table import show
from scripts.benchmarks.rows import Row
from scripts.benchmarks.timed_process import NO_TIME, run_until

NO_BUFFERS: Final = "--xla_gpu_enable_command_buffer="  # of no kind
LEAST_SECONDS: Final = 20.0  # in which something may still come of a measurement
ROOT: Final = Path(__file__).resolve().parents[2]


class Planned(NamedTuple):
    """A measurement.

    Attributes:
        what: of `gpu_measure.py`.
        precision: of the network's arithmetic.
        buffers: whether kernels are started in graphs of commands where XLA sees fit.
    """

    what: str
    precision: Precision = "float32"
    buffers: bool = True

    @property
    def name(self) -> str:
        """For the log."""
        return f"{self.what} {self.precision}{'' if self.buffers else ', no command buffers'}"


PLAN: Final = (
    Planned("whole"),
    Planned("steps"),
    Planned("steps", buffers=False),
    Planned("population"),
    Planned("pytorch"),
    Planned("whole", "bfloat16"),
    Planned("steps", "bfloat16"),
    Planned("steps", "bfloat16", buffers=False),
)


@dataclass(frozen=True)
class BenchmarkGpu:
    """How to measure.

    Attributes:
        minutes: for everything; > 0.
        rehearse: tiny sizes, on any device.
        rows: file for what is measured, a line of JSON each, begun anew.

    Raises:
        SettingError: no time.
    """

    minutes: Positive = 9.5
    rehearse: bool = False
    rows: Path = Path("runs/gpu.jsonl")

    def __post_init__(self) -> None:
        """Refuse what would measure nothing."""
        refuse_out_of_range(self)


def main(config: BenchmarkGpu) -> None:
    """Measure what time allows, and print the table.

    Raises:
        DeviceError: there is no GPU, or it is busy or too small.
        TrainingInterrupted: a signal arrived; the table has been printed.
    """
    deadline = time.monotonic() + 60 * config.minutes
    rows.begin(config.rows)
    with interrupted_by_sigterm():
        check_device(config.rows, deadline, rehearse=config.rehearse)
        try:
            for planned in PLAN:
                measure(planned, config.rows, deadline, rehearse=config.rehearse)
        finally:
            show(rows.read(config.rows))
            print(f"  rows in {config.rows}", flush=True)


def check_device(file: Path, deadline: float, *, rehearse: bool) -> None:
    """The first row, of the device.

    Raises:
        DeviceError: there is no GPU, or it is busy or too small.
    """
    error = run(Planned("device"), deadline, partial(rows.append, file), rehearse=rehearse)
    if error is not None:
        raise DeviceError(error)


def measure(planned: Planned, file: Path, deadline: float, *, rehearse: bool) -> None:
    """Add the rows of a measurement, and one that says so if it failed or there was no time."""
    print(f"  {planned.name}", flush=True)

    def add(row: Row) -> None:
        rows.append(file, planned._asdict() | dict(row))

    error: str | None = NO_TIME
    if deadline - time.monotonic() > LEAST_SECONDS:
        error = run(planned, deadline, add, rehearse=rehearse)
    if error is not None:
        add({"error": error})


def run(
    planned: Planned, deadline: float, add: Callable[[Row], None], *, rehearse: bool
) -> str | None:
    """Start a process of `gpu_measure.py`, hand on its rows, and say what went wrong, if it did."""
    command = [sys.executable, "-m", "scripts.benchmarks.gpu_measure", planned.what]
    command += ["--precision", planned.precision, *(["--rehearse"] if rehearse else [])]
    return run_until(
        deadline,
        command,
        environment(planned, rehearse=rehearse),
        lambda line: add(json.loads(line)),
    )


def environment(planned: Planned, *, rehearse: bool) -> dict[str, str]:
    """Of a measurement's process."""
    own = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "true",
        "JAX_ENABLE_COMPILATION_CACHE": "false",  # seconds to compile are to be those of compiling
    }
    if not planned.buffers:
        own["XLA_FLAGS"] = f"{own.get('XLA_FLAGS', '')} {NO_BUFFERS}".strip()
    if planned.what == "pytorch":
        own["JAX_PLATFORMS"] = "cpu"  # the device is PyTorch's
    if rehearse:
        own["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    return own


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Within the block SIGTERM, and Ctrl-C, raise `TrainingInterrupted`."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        raise TrainingInterrupted(f"stopped by {signal.Signals(number).name}")

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    try:
        main(tyro.cli(BenchmarkGpu, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
