"""Cases of the quantile head."""

import numpy as np

from sbp_jax.distributions.quantile_head import QuantileHead
from tests.distributions.case import Case


def cuts(family, params):
    return np.array([-np.inf, *params.quantiles, np.inf])


LEVELS = (0.02, 0.1, 0.3, 0.55, 0.9, 0.97)
CASES = [
    # Uneven, far from 0, and with cells that differ by a factor of 1000.
    Case(
        "quantile_head",
        QuantileHead(LEVELS, center=1.0, spread=5.0),
        QuantileHead.Params(
            *np.array(
                [
                    [
                        [-6.0, -2.5, -1.0, 0.5, 4.0, 12.0],
                        [40.0, 40.5, 41.0, 43.0, 43.5, 44.0],
                        [-9.0, -0.02, -0.01, 0.01, 0.02, 7.0],
                    ]
                ]
            )
        ),
        cuts,
        slow=True,
    )
]
