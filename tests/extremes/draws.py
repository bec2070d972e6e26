"""Series whose tails are known, and the detector that most tests share, to be compiled once."""

import numpy as np

from sbp_jax.extremes import Spot

START, LENGTH = 300, 400
DETECTOR = Spot(risk=5e-3, level=0.9, depth=20, tails="both", capacity=64)
PUBLISHED = Spot(5e-3, 0.9, 20, "both", 64, alarms="exclude", corrected=False)


def pareto(shape, size, seed=0):
    """Draws from the generalized Pareto distribution of scale 1."""
    u = np.random.default_rng(seed).uniform(size=size)
    return -np.log(u) if shape == 0 else (u**-shape - 1) / shape


def wandering(size, seed=0):
    """Noise around a mean that drifts, with a few gaps and large values of either sign."""
    rng = np.random.default_rng(seed)
    x = rng.standard_t(5, size=size) + 2 * np.sin(np.arange(size) / 60)
    place = rng.permutation(np.arange(size // 2, size))
    x[place[:3]] += 30
    x[place[3:6]] -= 30
    x[place[6:10]] = np.nan
    x[place[10]], x[place[11]] = np.inf, -np.inf
    return x


SERIES = np.stack([wandering(START + LENGTH, seed) for seed in (1, 2, 3)])


def judge(x, detector=DETECTOR):
    """State and steps after calibration on the first values."""
    return detector.run(detector.fit(x[..., :START]), x[..., START:])
