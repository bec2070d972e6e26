"""The table of what was measured on a GPU, from the rows of `gpu.py`.

python -m scripts.benchmarks.gpu_table runs/gpu.jsonl
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks import rows
from scripts.benchmarks.rows import Row


def show(found: Sequence[Row]) -> None:
    """Print all that there is, and what there is not."""
    for line in [*lines_of_device(found), *lines_of_whole(found), *lines_of_steps(found)]:
        print(line)
    for line in [*lines_of_population(found), *lines_of_peer(found), *lines_of_gaps(found)]:
        print(line)
    sys.stdout.flush()


def lines_of_device(found: Sequence[Row]) -> Iterator[str]:
    """What it was measured on."""
    for row in of("device", found):
        yield f"  {row['device']}, JAX {row['jax']}"


def lines_of_whole(found: Sequence[Row]) -> Iterator[str]:
    """Whole trainings, in either precision."""
    whole = of("whole", found)
    for trained in (row for row in whole if "plays" in row):
        yield (
            f"  {trained['plays']:,} plays x {trained['epochs']} epochs in {trained['precision']}: "
            f"{trained['seconds']:.1f} s, and {trained['seconds_to_compile']:.1f} s to compile\n"
            f"    {trained['plays_a_second']:,.0f} plays/s, {trained['ms_a_step']:.3f} ms a step "
            f"of at most {trained['launches'] or '?'} launches"
        )
        for scored in whole:
            if scored["precision"] == trained["precision"] and "score" in scored:
                yield (
                    f"    validation score {scored['score']:.3f} nats; "
                    f"{scored['scored_a_second']:,.0f} plays/s scored in float32"
                )


def lines_of_steps(found: Sequence[Row]) -> Iterator[str]:
    """Steps of networks of several depths, and the line through them."""
    steps = [row for row in of("steps", found) if "layers" in row]
    if steps:
        yield (
            "  steps of plays of one length, by the blocks of the network\n"
            f"    {'':<10}{'command':>10}{'blocks':>8}{'launches':>10}{'ms/step':>9}"
            f"{'plays/s':>11}{'to compile':>12}"
        )
    for key in dict.fromkeys((row["precision"], row["buffers"]) for row in steps):
        of_key = [row for row in steps if (row["precision"], row["buffers"]) == key]
        for row in of_key:
            buffers = "buffers" if row["buffers"] else "none"
            launches = row["launches"] or "?"
            yield (
                f"    {row['precision']:<10}{buffers:>10}{row['layers']:>8}{launches:>10}"
                f"{row['ms_a_step']:>9.3f}{row['plays_a_second']:>11,.0f}"
                f"{row['seconds_to_compile']:>10.1f} s"
            )
        of_key = [row for row in of_key if row["launches"]]
        if len(of_key) > 1:
            slope, start = line_through(of_key)
            yield f"    {'':<10}{slope:.2f} us for each launch, and {start:.0f} us"


def line_through(steps: Sequence[Row]) -> tuple[float, float]:
    """Microseconds of a launch and of a step without any, by least squares.

    >>> line_through([{"launches": n, "ms_a_step": 0.1 + 0.004 * n} for n in (10, 20, 30)])
    (4.0, 100.0)
    """
    launches = [row["launches"] for row in steps]
    fit = np.polynomial.Polynomial.fit(launches, [1e3 * row["ms_a_step"] for row in steps], 1)
    start, slope = fit.convert().coef
    return round(float(slope), 6), round(float(start), 6)


def lines_of_population(found: Sequence[Row]) -> Iterator[str]:
    """Many members beside one."""
    members = [row for row in of("population", found) if "members" in row]
    for row in members:
        times = row["ms_a_step"] / members[0]["ms_a_step"]
        yield (
            f"  population of {row['members']} in {row['precision']}: {row['ms_a_step']:.3f} ms a "
            f"step of all, {times:.2f} times one; {row['seconds_to_compile']:.1f} s to compile"
        )


def lines_of_peer(found: Sequence[Row]) -> Iterator[str]:
    """PyTorch, fed in several ways."""
    for row in of("pytorch", found):
        if "how" in row:
            yield (
                f"  PyTorch {row['torch']}, {row['how']}: {row['plays_a_second']:,.0f} plays/s, "
                f"{row['ms_a_step']:.3f} ms a step"
            )


def lines_of_gaps(found: Sequence[Row]) -> Iterator[str]:
    """What was not measured, and why."""
    for row in found:
        if "error" in row:
            buffers = "" if row["buffers"] else " without command buffers"
            yield f"  not measured: {row['what']} in {row['precision']}{buffers}: {row['error']}"


def of(what: str, found: Sequence[Row]) -> list[Mapping[str, Any]]:
    """Rows of one kind."""
    return [row for row in found if row["what"] == what]


if __name__ == "__main__":
    show(rows.read(Path(sys.argv[1])))
