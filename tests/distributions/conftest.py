"""The table of cases that every law is tried on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto

UNEVEN = (-30.0, -12.0, -5.0, -2.0, -0.5, 0.5, 1.0, 4.0, 4.25, 9.0, 20.0, 45.0)
HALVES = tuple(np.arange(-6, 13) - 0.5)


@dataclass(frozen=True)
class Case:
    """A family with one set of parameters, as NumPy float64."""

    name: str
    family: Any
    params: Any

    def cuts(self):
        """Support ends and every point where the density may jump, increasing."""
        if isinstance(self.family, Gaussian):
            centre, spread = float(self.params.loc), float(self.params.scale)
            return np.array([-np.inf, *(centre + spread * np.arange(-8.0, 9.0)), np.inf])
        edges = np.array(self.family.edges)
        if isinstance(self.family, Binned):
            return edges
        p = self.params
        lower, upper = (float(t) for t in self.family.thresholds(p))
        start = lower + p.lower_scale / p.lower_shape if p.lower_shape < 0 else -np.inf
        end = upper - p.upper_scale / p.upper_shape if p.upper_shape < 0 else np.inf
        inner = edges[(edges > lower) & (edges < upper)]
        return np.unique(np.array([start, lower, *inner, upper, end], np.float64))


def logits(count, seed, spread=1.0):
    return spread * np.random.default_rng(seed).normal(size=count)


def spliced(name, tails, seed=0, spread=1.0, peak=None, **options):
    family = SplicedBinnedPareto(**({"edges": UNEVEN, "tail_mass": 0.05} | options))
    values = logits(len(family.edges) - 1, seed, spread)
    if peak is not None:
        values[peak] += 4.0
    return Case(name, family, family.Params(values, *(np.float64(x) for x in tails)))


CASES = [
    spliced("sbp-heavy", (0.3, 2.0, 0.25, 5.0)),
    spliced("sbp-exponential", (0.0, 2.0, 0.0, 5.0), seed=1),
    spliced("sbp-finite", (-0.3, 2.0, -0.45, 5.0), seed=2),
    spliced("sbp-nearly-exponential", (1e-7, 1.0, -1e-7, 3.0), seed=3),
    spliced("sbp-two-masses", (0.1, 2.0, 0.3, 5.0), seed=4, tail_mass=(0.002, 0.3)),
    spliced("sbp-even", (0.1, 1.0, 0.2, 2.0), seed=5, edges=HALVES),
    spliced("sbp-two-bins", (0.1, 1.0, 0.2, 2.0), seed=6, edges=(0.0, 1.0, 3.0), tail_mass=0.4),
    spliced("edge-atom", (0.1, 1.0, 0.3, 2.0), seed=7, edges=HALVES, splice="edge", peak=5),
    spliced("edge-uneven", (0.2, 1.0, -0.2, 9.0), seed=8, splice="edge", tail_mass=(0.2, 0.1)),
    spliced("edge-full-end", (0.1, 1.0, 0.2, 2.0), seed=9, splice="edge", peak=0),
    spliced("edge-two-bins", (0.1, 1.0, 0.2, 2.0), seed=10, edges=(0.0, 1.0, 3.0), splice="edge"),
    Case("binned-uneven", Binned(UNEVEN), Binned.Params(logits(11, 11))),
    Case("binned-sharp", Binned(HALVES), Binned.Params(logits(18, 12, spread=4.0))),
    Case("gaussian", Gaussian(), Gaussian.Params(np.float64(1.5), np.float64(2.5))),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param
