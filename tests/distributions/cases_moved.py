"""Cases of moved families: each law of the base, at another place and in another unit."""

import numpy as np

from sbp_jax.distributions import Gaussian, Moved, SplicedBinnedPareto
from tests.distributions.case import Case, columns
from tests.distributions.cases_bins import HEAVY, LIGHT, SHORT, UNEVEN, logits, spliced_cuts

# Powers of two, so that z is free of rounding where a narrow interval is measured.
LOC, SCALE = columns((0.0, 1.0), (8.0, 0.5), (-2.0, 0.25))


def moved_cuts(cuts_of):
    def cuts(family, params):
        return params.loc + params.scale * cuts_of(family.base, params.base)

    return cuts


def gaussian_cuts(family, params):
    return np.array([-np.inf, *(params.loc + params.scale * np.linspace(-8, 8, 9)), np.inf])


CASES = [
    Case(
        "moved spliced",
        Moved(SplicedBinnedPareto(UNEVEN, tail_mass=(0.02, 0.1))),
        Moved.Params(
            LOC, SCALE, SplicedBinnedPareto.Params(logits(3, 1.0), *columns(HEAVY, LIGHT, SHORT))
        ),
        moved_cuts(spliced_cuts),
        heavy=True,
    ),
    Case(
        "moved Gaussian",
        Moved(Gaussian(), location=False),
        Moved.Params(LOC, SCALE, Gaussian.Params(*columns((0.0, 1.0), (-1.0, 1.0), (2.0, 1.0)))),
        moved_cuts(gaussian_cuts),
        slow=True,
    ),
]
