"""Cases of mixtures of a family: of moved bins, as an ensemble answers."""

import jax
import numpy as np

from sbp_jax.distributions import Mixture, Moved, SplicedBinnedPareto
from tests.distributions.case import Case
from tests.distributions.cases_bins import UNEVEN, logits, spliced_cuts

FAMILY = Mixture(Moved(SplicedBinnedPareto(UNEVEN, tail_mass=(0.02, 0.1))), components=2)


def cuts(family, params):
    found = [-np.inf, np.inf]
    for i in range(family.components):
        loc, scale, base = jax.tree.map(lambda leaf, i=i: leaf[i], params.base)
        found += (loc + scale * spliced_cuts(family.base.base, base)).tolist()
    return np.unique(found)


def table(*rows):
    return np.array(rows)


# Overlapping; the second far off and narrow, with little weight.
PARAMS = Mixture.Params(
    table([0.3, -0.2], [1.0, -3.0]),
    Moved.Params(
        table([0.0, 3.0], [8.0, -160.0]),
        table([1.0, 0.5], [0.5, 0.125]),
        SplicedBinnedPareto.Params(
            logits(4, 1.0).reshape(2, 2, -1),
            table([0.3, 0.0], [0.2, 0.1]),
            table([2.0, 1.0], [3.0, 2.0]),
            table([0.25, 0.1], [0.0, 0.3]),
            table([5.0, 3.0], [4.0, 2.0]),
        ),
    ),
)
CASES = [Case("mixture of moved spliced", FAMILY, PARAMS, cuts, crps_error=1e-5, slow=True)]
