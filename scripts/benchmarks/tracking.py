"""How fast raw tracking becomes batches, beside merely parsing the same files.

    python -m scripts.benchmarks.tracking [--plays 5000] [--rounds 3]

Run it from the root of the repository; `scripts/benchmark.py tracking` does. A play takes about
170 kB of the folder for temporary files.

Every measurement is a process of its own, so that its peak memory is its own; they take turns, so
that a busy moment of the machine hits all of them.
"""

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import tyro

from data.nfl_tracking.prepare import prepare
from data.nfl_tracking.reader import load_examples
from sbp_jax.errors import SbpJaxError
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.simulate import simulate_season
from sbp_jax.nfl.tracking.build import build_parts
from sbp_jax.nfl.tracking.split_plays import load_split
from sbp_jax.nfl.tracking.splits import SPLITS
from sbp_jax.runs.ranges import Count, refuse_out_of_range

RSS_UNITS_PER_MB: Final = 1e6 if sys.platform == "darwin" else 1e6 / 1024


@dataclass(frozen=True)
class BenchmarkTracking:
    """What to measure.

    Attributes:
        plays: passes to simulate, >= 1.
        rounds: measurements of which the median is shown, >= 1.
    """

    plays: Count = 5_000
    rounds: Count = 3

    def __post_init__(self) -> None:
        """Refuse what would measure nothing."""
        refuse_out_of_range(self)


class Measured(NamedTuple):
    """A step's cost.

    Attributes:
        seconds: that the step took, without the start of the process.
        peak_mb: most memory that the process had, megabytes of 10**6 bytes.
        number: of plays, or what else the step says.
    """

    seconds: float
    peak_mb: float
    number: int


def main(config: BenchmarkTracking) -> None:
    """Simulate a season, parse it, make parts and batches of it, and a TFDS data set."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        season = SimulateConfig(plays=config.plays)
        account = simulate_season(place / "season", season, progress=False)
        print(f"  {account.size / 1e6:,.0f} MB simulated in {account.seconds:.1f} s")
        rounds = [one_round(place) for _ in range(config.rounds)]
        plays = rounds[-1]["parts"].number
    floor = float(np.median([each["parse"].seconds for each in rounds]))
    show("polars parses the CSV files", rounds, "parse", plays, floor)
    show("raw files to parts with features", rounds, "parts", plays, floor)
    show("parts to padded batches", rounds, "batches", plays, floor)
    show("parts to a TFDS data set", rounds, "dataset", plays, floor)
    show("TFDS data set to padded batches", rounds, "read", plays, floor)
    # A round's own ratio: the machine may be busier in another.
    ratios = [each["parts"].seconds / each["parse"].seconds for each in rounds]
    print(f"  features are {np.median(ratios):.2f} times parsing (at most 4 wanted)")


def one_round(place: Path) -> dict[str, Measured]:
    """Every step once, from the raw files on."""
    for folder in place.iterdir():
        if folder.name != "season":
            shutil.rmtree(folder)
    return {step.__name__: alone(step, place) for step in (parse, parts, batches, dataset, read)}


def parse(place: Path) -> int:
    """Every tracking file into a table, all columns, nothing else; counts rows."""
    files = sorted((place / "season").glob("tracking_week_*.csv"))
    return sum(pl.read_csv(file, null_values="NA").height for file in files)


def parts(place: Path) -> int:
    """Raw files to parts."""
    return build_parts(place / "season", place / "work", progress=False).report.kept


def batches(place: Path) -> int:
    """All splits scaled and padded, from parts that are there."""
    build = build_parts(place / "season", place / "work", progress=False)
    return sum(len(load_split(build, split)) for split in SPLITS)


def dataset(place: Path) -> int:
    """Parts that are there to a TFDS data set."""
    builder, _ = prepare(place / "datasets", place / "season", work=place / "work", progress=False)
    return builder.info.splits.total_num_examples


def read(place: Path) -> int:
    """All splits of the data set decoded, scaled and padded."""
    return sum(len(load_examples(place / "datasets", s, progress=False)) for s in SPLITS)


def alone(step: Callable[[Path], int], place: Path) -> Measured:
    """Run a step in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, step, place).result()


def _measure(step: Callable[[Path], int], place: Path) -> Measured:
    start = time.perf_counter()
    number = step(place)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNITS_PER_MB
    return Measured(seconds, peak, number)


def show(
    name: str, rounds: Sequence[Mapping[str, Measured]], step: str, plays: int, floor: float
) -> None:
    """One line: seconds, ratio to parsing, peak memory."""
    seconds = float(np.median([each[step].seconds for each in rounds]))
    peak = max(each[step].peak_mb for each in rounds)
    print(
        f"  {name:<39} {seconds:7.2f} s {seconds / floor:6.2f} x "
        f"{plays / seconds:9,.0f} plays/s {peak:7,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    try:
        main(tyro.cli(BenchmarkTracking, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
