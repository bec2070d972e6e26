"""Cases of Student's t family."""

import numpy as np

from sbp_jax.distributions.student_t import StudentT
from tests.distributions.case import Case, columns


def cuts(family, params):
    centre, spread, _ = (float(x) for x in params)
    steps = np.array([0.3, 1.0, 3.0, 10.0, 100.0, 1e4])
    return np.array([-np.inf, *(centre + spread * np.array([*-steps[::-1], 0, *steps])), np.inf])


# Barely finite variance, an ordinary heavy tail, next to normal.
SETS = columns((-3.0, 0.2, 2.5), (1.5, 2.5, 5.0), (4.0, 3.0, 100.0))
CASES = [Case("student_t", StudentT(), StudentT.Params(*SETS), cuts)]
