"""Cases of the normal family."""

import numpy as np

from sbp_jax.distributions import Gaussian
from tests.distributions.case import Case, columns


def cuts(family, params):
    centre, spread = (float(x) for x in params)
    return np.array([-np.inf, *(centre + spread * np.arange(-8.0, 9.0)), np.inf])


CASES = [Case("gaussian", Gaussian(), Gaussian.Params(*columns((1.5, 2.5), (-3.0, 0.2))), cuts)]
