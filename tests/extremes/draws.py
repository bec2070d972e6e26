"""Series whose tails are known."""

import numpy as np


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
