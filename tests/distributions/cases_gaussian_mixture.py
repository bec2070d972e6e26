"""Cases of mixtures of normals."""

import numpy as np

from sbp_jax.distributions.gaussian_mixture import GaussianMixture
from tests.distributions.case import Case


def cuts(family, params):
    steps = np.array([-8.0, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, 8.0])
    points = params.locs + params.scales * steps[:, None]
    return np.array([-np.inf, *np.unique(points), np.inf])


def table(*rows):
    return np.array(rows)


# Overlapping; a spike on a broad one, next to a component without weight; two far apart.
PARAMS = GaussianMixture.Params(
    table([0.3, -0.2, 0.5], [0.0, 1.0, -60.0], [1.0, -2.0, 0.0]),
    table([-1.0, 0.5, 2.0], [1.0, 1.2, 30.0], [-40.0, -39.0, 25.0]),
    table([1.0, 0.7, 1.5], [0.05, 4.0, 0.5], [1.0, 3.0, 2.0]),
)
CASES = [Case("gaussian_mixture", GaussianMixture(), PARAMS, cuts, slow=True)]
