"""Short series and small networks, for tests that train."""

import numpy as np

from sbp_jax.distributions import (
    Binned,
    Family,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.series import SeriesNetwork, SeriesTraining, make_series

NETWORK = SeriesNetwork(features=4, layers=2, kernel_size=2, hidden=(4,), knots=3)
CONTEXT = 7
"""Points that `NETWORK` sees: 1 + 2 (kernel size - 1) (2**layers - 1)."""

TRAINING = SeriesTraining(epochs=2, segment=8, batch_size=4, warmup_steps=2)
EDGES = np.linspace(-3.0, 3.0, 13)
COUNT_EDGES = np.concatenate([[0.0], np.geomspace(0.1, 8.0, 11)])

FAMILIES: dict[str, Family] = {
    "spliced": SplicedBinnedPareto(EDGES),
    "binned": Binned(EDGES),
    "gaussian": Gaussian(),
    "student-t": StudentT(),
    "mixture": GaussianMixture(),
    "hybrid": HybridPareto(),
    "quantiles": QuantileHead((0.05, 0.25, 0.5, 0.75, 0.95)),
}
COUNT_FAMILIES: dict[str, Family] = {
    "spliced": SplicedBinnedPareto(COUNT_EDGES, (None, 0.05)),
    "binned": Binned(COUNT_EDGES),
    "gaussian": Gaussian(center=1.0),
    "student-t": StudentT(center=1.0),
    "mixture": GaussianMixture(center=1.0),
    "hybrid": HybridPareto(center=1.0),
    "quantiles": QuantileHead((0.05, 0.25, 0.5, 0.75, 0.95), center=1.0),
}


def wave(points=120, *, seed=0, name=None, unit=1.0):
    """A sine with a period of 10 steps, in noise."""
    noise = np.random.default_rng(seed).normal(size=points)
    values = np.sin(2 * np.pi * np.arange(points) / 10) + 0.2 * noise
    return make_series(unit * values, name=name or f"wave {seed}")


def mentions(points=120, *, seed=0, mean=4.0):
    """Counts whose variance is above their mean."""
    rng = np.random.default_rng(seed)
    return make_series(rng.negative_binomial(2, 2 / (2 + mean), points), name=f"mentions {seed}")
