"""Cases of the families made of bins, with and without tails."""

import numpy as np

from sbp_jax.distributions import Binned, SplicedBinnedPareto
from tests.distributions.case import Case, columns

UNEVEN = (-30.0, -12.0, -5.0, -2.0, -0.5, 0.5, 1.0, 4.0, 4.25, 9.0, 20.0, 45.0)


def logits(sets, spread, **peaks):
    """Random logits of the bins between UNEVEN edges, with given bins raised in given sets."""
    values = np.random.default_rng(1).normal(size=(sets, len(UNEVEN) - 1)) * spread
    for name, (bin_, height) in peaks.items():
        values[int(name[1:]), bin_] += height
    return values


def binned_cuts(family, params):
    return np.array(family.edges)


def spliced_cuts(family, params):
    edges = np.array(family.edges)
    p = params
    lower, upper = (float(t) for t in family.thresholds(params))
    below, above = family.tail_mass
    start = lower + p.lower_scale / p.lower_shape if p.lower_shape < 0 else -np.inf
    end = upper - p.upper_scale / p.upper_shape if p.upper_shape < 0 else np.inf
    start, end = (start if below else lower), (end if above else upper)
    inner = edges[(edges > lower) & (edges < upper)]
    return np.unique(np.array([start, lower, *inner, upper, end], np.float64))


HEAVY, LIGHT, SHORT = (0.3, 2.0, 0.25, 5.0), (0.0, 2.0, 0.0, 5.0), (-0.3, 2.0, -0.45, 5.0)
NEAR_ZERO = (1e-7, 1.0, -1e-7, 3.0)
CASES = [
    # Heavy, exponential and finite tails, shapes near 0, empty bins, thresholds inside an atom.
    Case(
        "quantile",
        SplicedBinnedPareto(UNEVEN, tail_mass=(0.02, 0.1)),
        SplicedBinnedPareto.Params(
            logits(6, 1.0, s4=(slice(2, 5), -40.0), s5=(0, 5.0)),
            *columns(HEAVY, LIGHT, SHORT, NEAR_ZERO, HEAVY, HEAVY),
        ),
        spliced_cuts,
    ),
    # Likewise; an atom in the middle, a full outermost bin, tails that hold next to nothing.
    Case(
        "edge",
        SplicedBinnedPareto(UNEVEN, tail_mass=(0.2, 0.1), splice="edge"),
        SplicedBinnedPareto.Params(
            logits(6, 1.0, s1=(5, 5.0), s2=(0, 5.0), s3=([0, 1, 9, 10], -30.0), s4=(10, 4.0)),
            *columns(HEAVY, LIGHT, HEAVY, SHORT, NEAR_ZERO, LIGHT),
        ),
        spliced_cuts,
    ),
    # One tail only: a lower one, an upper one (which mirror each other).
    Case(
        "lower",
        SplicedBinnedPareto(UNEVEN, tail_mass=(0.1, None)),
        SplicedBinnedPareto.Params(
            logits(2, 1.0), *columns((*HEAVY[:2], 0.0, 1.0), (*SHORT[:2], 0.0, 1.0))
        ),
        spliced_cuts,
        slow=True,
    ),
    Case(
        "upper",
        SplicedBinnedPareto(UNEVEN, tail_mass=(None, 0.1), splice="edge"),
        SplicedBinnedPareto.Params(
            logits(2, 1.0), *columns((0.0, 1.0, *HEAVY[2:]), (0.0, 1.0, *LIGHT[2:]))
        ),
        spliced_cuts,
        slow=True,  # a lone upper tail is tried in test_against_mpmath.py too
    ),
    Case(
        "binned",
        Binned(UNEVEN),
        Binned.Params(logits(3, 1.5, s1=(5, 5.0), s2=(3, -30.0))),
        binned_cuts,
    ),
]
