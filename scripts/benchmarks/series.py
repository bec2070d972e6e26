"""Seconds of an epoch on the synthetic series, in dense passes over stretches of it; detectors.

python -m scripts.benchmarks.series
"""

import time
from dataclasses import replace
from typing import Final

import numpy as np

from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.series import SeriesTraining, Split, fit_series, make_panel, series_forecaster
from sbp_jax.series.synthetic import POINTS, synthetic_series
from scripts.benchmarks.detectors import benchmark_detectors

EPOCHS: Final = 16
WANTED: Final = 0.4
"""Seconds of an epoch; the public code, which takes windows one by one, needs about 40."""


def benchmark_series() -> None:
    """Time epochs, each with the score of its validation part, and print."""
    for seeds in (1, 5):
        panel = make_panel([synthetic_series(seed) for seed in range(seeds)], Split(*POINTS))
        known = panel.values[..., : POINTS[0]]
        family = SplicedBinnedPareto(np.linspace(known.min(), known.max(), 101))
        forecaster = series_forecaster(family)
        for stretches in (4, 1) if seeds == 1 else (4,):
            training = replace(SeriesTraining(epochs=EPOCHS), batch_size=stretches)
            ends = [time.perf_counter()]
            fit_series(
                forecaster,
                "base_plus_tail",
                panel,
                training,
                report=lambda *_, ends=ends: ends.append(time.perf_counter()),
            )
            seconds = np.diff(ends)
            print(
                f"  {seeds} series, steps of {stretches * training.segment} targets: "
                f"{np.median(seconds[1:]):.3f} s an epoch ({WANTED} wanted of one series), "
                f"compilation {seconds[0]:.1f} s"
            )


if __name__ == "__main__":
    benchmark_series()
    benchmark_detectors()
