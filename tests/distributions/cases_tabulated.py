"""Cases of tables of points and masses, with tails of either kind."""

import numpy as np

from sbp_jax.distributions import Tabulated
from tests.distributions.case import Case, columns
from tests.distributions.cases_bins import HEAVY, LIGHT, SHORT


def cuts(family, params):
    p = params
    start = p.points[0] + p.lower_scale / p.lower_shape if p.lower_shape < 0 else -np.inf
    end = p.points[-1] - p.upper_scale / p.upper_shape if p.upper_shape < 0 else np.inf
    return np.array([start, *p.points, end])


def logs(*masses):
    return np.log(np.array(masses) / np.sum(masses, axis=1, keepdims=True))


CASES = [
    Case(
        "tabulated",
        Tabulated(4),
        Tabulated.Params(
            columns([-3.0, 0.0, 0.5, 9.0], [0.0, 1.0, 2.0, 3.0], [-50.0, -49.0, 10.0, 11.0]).T,
            logs([1, 3, 5, 2, 1], [1.1, 1, 4, 1, 3], [0.1, 8, 0.5, 1, 0.1]),
            *columns(HEAVY, LIGHT, SHORT),
        ),
        cuts,
        slow=True,  # of one code with the quantile head, which is tried
    )
]
