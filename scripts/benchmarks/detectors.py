"""How many values a second the streaming detectors judge on one core, and how often they alarm.

Streams of noise with a heavy tail, a new value of each series at every step; every value is judged,
2 % of them start a refit. The core is that of a process of its own, kept to it.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sbp_jax.extremes import Spot

CALIBRATION: Final = 4_096
RISK: Final = 1e-3
DEPTH: Final = 200
WANTED: Final = 1e6  # values a second


class Detected(NamedTuple):
    """One detector on all series.

    Attributes:
        fit_seconds: of a calibration, compiled.
        run_seconds: of the streams, median.
        fastest: of them.
        alarms: share of the values.
    """

    fit_seconds: float
    run_seconds: float
    fastest: float
    alarms: float


def benchmark_detectors(series: int = 64, length: int = 16_384, rounds: int = 7) -> None:
    """Measure SPOT and DSPOT, one side, and print."""
    for depth in (0, DEPTH):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            got = pool.submit(on_one_core, depth, series, length, rounds).result()
        speed, best = (series * length / s / 1e6 for s in (got.run_seconds, got.fastest))
        name = f"DSPOT, depth {depth}" if depth else "SPOT"
        print(
            f"  {name}, {series} series of {length:,}: {speed:.2f} million values a second on a "
            f"core, at best {best:.2f} ({WANTED / 1e6:.0f} wanted)"
        )
        print(
            f"    calibration on {CALIBRATION:,} values each {1e3 * got.fit_seconds:.0f} ms; "
            f"alarms {1e3 * got.alarms:.2f} in 1,000 (risk {1e3 * RISK:g} in 1,000)"
        )


def on_one_core(depth: int, series: int, length: int, rounds: int) -> Detected:
    """Time a detector; keeps the process to a core, so it must be the first to use JAX there."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["NPROC"] = "1"  # inherited is what virtual devices need: 32 threads on this core
    jax.config.update("jax_platforms", "cpu")
    spot = Spot(risk=RISK, depth=depth)
    x = np.random.default_rng(0).standard_t(4, size=(series, CALIBRATION + length))
    stream = jnp.asarray(x[:, CALIBRATION:], jnp.float32)
    fits, runs = [], []
    for _ in range(1 + rounds):  # the first compiles
        start = time.perf_counter()
        state = jax.block_until_ready(spot.fit(x[:, :CALIBRATION]))
        fits.append(time.perf_counter() - start)
        start = time.perf_counter()
        _, steps = jax.block_until_ready(spot.run(state, stream))
        runs.append(time.perf_counter() - start)
    alarms = float(jnp.mean(steps.alarm))
    return Detected(float(np.median(fits[1:])), float(np.median(runs[1:])), min(runs[1:]), alarms)
