"""Cases of the hybrid Pareto mixture."""

import numpy as np
import scipy.special

from sbp_jax.distributions.hybrid_pareto import HybridPareto
from tests.distributions.case import Case


def cuts(family, params):
    sign = np.array([1, 1, -1])
    shape, scale = params.shapes, params.scales
    junction = np.sqrt(scipy.special.lambertw((1 + shape) ** 2 / (2 * np.pi)).real)
    at = params.locs + sign * scale * junction
    cuts = at[:, None] + scale[:, None] * np.array([-30, -8, -3, -1, 0, 1, 4, 15, 60])
    # Where the tail of a component ends; the density of the others goes on.
    short = np.where(shape < 0, shape, -1)
    ends = (at - sign * scale * (1 + shape) / junction / short)[shape < 0]
    return np.unique([-np.inf, *cuts.ravel(), *ends, np.inf])


CASES = [
    # Two face up and one down: heavy tails far apart; shapes at and near 0, of either sign; a
    # finite tail, and a component with next to no weight.
    Case(
        "hybrid_pareto",
        HybridPareto(components=3),
        # Logits, locations, scales and shapes.
        HybridPareto.Params(
            *np.array(
                [
                    [[0.0, -1.0, 0.5], [1.0, 0.0, 0.0], [0.0, -20.0, -1.0]],
                    [[1.0, 4.0, -2.0], [0.0, 0.5, 0.2], [-3.0, 2.0, -3.5]],
                    [[1.0, 0.3, 2.0], [1.0, 2.0, 0.5], [0.5, 1.0, 0.8]],
                    [[0.3, 0.05, 0.2], [0.0, 1e-7, -1e-7], [0.15, 0.3, -0.3]],
                ]
            )
        ),
        cuts,
        crps_error=1e-6,
        heavy=True,
        slow=True,
    )
]
