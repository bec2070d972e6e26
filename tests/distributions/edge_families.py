"""Small families on which every edge is tried, and their methods as functions of one row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    Mixture,
    Moved,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
    Tabulated,
)
from sbp_jax.distributions.tops import Tops

EDGES = (0.0, 1.0, 2.5, 3.0, 4.0)
SPLICED = SplicedBinnedPareto(EDGES, tail_mass=0.1)
QUICK = {"binned": Binned(EDGES), "gaussian": Gaussian()}
SLOW = {
    "spliced": SPLICED,
    "edge": SplicedBinnedPareto(EDGES, tail_mass=0.3, splice="edge"),
    "quantile head": QuantileHead((0.1, 0.3, 0.6, 0.9)),
    "gaussian mixture": GaussianMixture(2),
    "student t": StudentT(),
    "lower": SplicedBinnedPareto(EDGES, tail_mass=(0.1, None)),
    "hybrid": HybridPareto(2),
    "tabulated": Tabulated(4),
    "moved": Moved(SPLICED),
    "mixture": Mixture(Gaussian(), 2),
    "tops": Tops(Moved(SPLICED), 2),
}
ALL = {**QUICK, **SLOW}
FAMILIES = [
    *(pytest.param(family, id=name) for name, family in QUICK.items()),
    *(pytest.param(family, id=name, marks=pytest.mark.slow) for name, family in SLOW.items()),
]
AT_POINTS = ("log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps")
OF_PARAMS = ("mean", "variance", "second_moment", "median")


def numbers_of(family):
    """Parameters of one distribution as a row of numbers, and the way back."""
    raw = 0.6 * np.random.default_rng(0).normal(size=family.num_outputs)
    row, back = ravel_pytree(jax.tree.map(jnp.asarray, family.constrain(jnp.asarray(raw))))
    return row, back


def methods_of(family, scores=True):
    """By name, methods of parameters and a point."""
    found = {}
    for name in (*AT_POINTS, *OF_PARAMS):
        own = getattr(family, name)
        found[name] = (lambda p, y, own=own: own(p)) if name in OF_PARAMS else own
    found["log_interval"] = lambda p, y: family.log_interval(p, y, y + 0.7)
    found["quantile"] = lambda p, y: family.quantile(p, jax.nn.sigmoid(y - 1.5))
    found["tail_log_score"] = lambda p, y: family.tail_log_score(p, y, 2.2)
    found["sample"] = lambda p, y: family.sample(jax.random.key(1), p)
    if hasattr(family, "entropy"):
        found["entropy"] = lambda p, y: family.entropy(p)
    if hasattr(family, "twcrps") and scores:
        found["twcrps"] = lambda p, y: family.twcrps(p, y, 1.3)
    return found
