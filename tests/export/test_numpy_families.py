"""Every family in NumPy against the same family under JAX in float64, and against SciPy."""

import jax
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    Mixture,
    Moved,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
    Tops,
)
from sbp_jax.distributions.families import describe_family
from sbp_jax.distributions.tabulated import Tabulated
from sbp_jax.export.read_family import read_family
from sbp_jax.export.search import invert
from sbp_jax.export.student_t import StudentT as NumpyStudentT

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

EDGES = (-8.0, -2.0, -0.5, 0.25, 1.0, 4.0, 16.0)  # the same in both precisions
SLOW = pytest.mark.slow
FAMILIES = {
    "spliced": SplicedBinnedPareto(EDGES, (0.02, 0.1)),
    "edge": SplicedBinnedPareto(EDGES, 0.05, "edge", (-0.4, 0.9)),
    "one tail": SplicedBinnedPareto(EDGES, (None, 0.05)),
    "binned": Binned(EDGES),
    "Gaussian": Gaussian(7.0, 10.0),
    "Student t": StudentT(7.0, 10.0, (1.5, 400.0)),
    "normal mixture": GaussianMixture(3, 7.0, 10.0),
    "hybrid Pareto": HybridPareto(3, 7.0, 10.0),
    "quantiles": QuantileHead((0.01, 0.25, 0.5, 0.9), 7.0, 10.0),
    "table": Tabulated(4, 7.0, 10.0),
    "moved spliced": Moved(SplicedBinnedPareto(EDGES, 0.02, shape_range=(0.0, 0.5)), 3.0, 2.0),
    "tops": Tops(Moved(SplicedBinnedPareto(EDGES, 0.05), 3.0, 2.0), 2),
    "moved mixture": Moved(Mixture(StudentT(), 2), 3.0, 2.0, location=False),
}
CASES = [
    pytest.param(
        name,
        marks=SLOW
        if name in ("one tail", "moved mixture", "table", "spliced", "quantiles")
        else (),
    )
    for name in FAMILIES
]
METHODS = ("log_prob", "cdf", "sf")
Y = np.array([-1e6, -300, -9.5, -2, -0.1, 0.25, 3.7, 7, 15.5, 40, 2e3, 1e9])[:, None]
Q = np.array([0, 2.0**-40, 2.0**-12, 0.02, 0.25, 0.5, 0.9, 1 - 2.0**-12, 1 - 2.0**-40, 1, 1.5])


def random_raw(count):
    """Zeros, empty bins, tails of shape 0 and of the heaviest, and what comes by chance."""
    raw = np.random.default_rng(count).normal(scale=1.5, size=(10, count))
    raw[0] = 0
    raw[1, ::2] = -90
    raw[2, -4:] = -800
    raw[3, -4:] = 40
    return raw.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", CASES)
def test_all_methods_equal_those_of_jax(name):
    family = FAMILIES[name]
    raw = random_raw(family.num_outputs)

    @jax.jit
    def answer(raw):
        params = family.constrain(raw)
        return [getattr(family, method)(params, Y) for method in METHODS]

    with jax.enable_x64(True):
        expected = answer(raw)
    served = read_family(describe_family(family))
    assert served.num_outputs == family.num_outputs
    parameters = served.constrain(raw)
    with np.errstate(all="raise", under="ignore"):  # no warning in a server's log
        found = [getattr(served, method)(parameters, Y) for method in METHODS]
    for method, one, other in zip(METHODS, found, expected, strict=True):
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-300, err_msg=method)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_no_number_has_no_probability(name):
    served = read_family(describe_family(FAMILIES[name]))
    parameters = served.constrain(random_raw(served.num_outputs))
    for method in METHODS:
        assert np.isnan(getattr(served, method)(parameters, np.array(np.nan))).all(), method


@pytest.mark.parametrize("name", FAMILIES)
def test_quantiles_are_the_inverse_far_into_both_tails(name):
    served = read_family(describe_family(FAMILIES[name]))
    parameters = served.constrain(random_raw(served.num_outputs))
    with np.errstate(all="raise", under="ignore"):
        points = served.quantile(parameters, Q[:, None])
        below, above = (getattr(served, side)(parameters, points[:-1]) for side in ("cdf", "sf"))
        density = np.exp(served.log_prob(parameters, points[:-1]))
    assert np.isnan(points[-1]).all()
    q = np.broadcast_to(Q[:-1, None], below.shape)
    # A point's rounding is much probability next to an edge, and beyond a bin that is empty.
    rows = np.r_[0, 4:10]
    lower = q < 0.5
    np.testing.assert_allclose(np.where(lower, below, q)[:, rows], q[:, rows], rtol=1e-4)
    np.testing.assert_allclose(np.where(lower, 1 - q, above)[:, rows], 1 - q[:, rows], rtol=1e-4)
    # A search stops at 1e-13 of the point, which is more where a law is narrow beside its place.
    ends = ~np.isfinite(points[:-1])
    room = 1e-6 + np.where(ends, 0.0, 1e-13 * np.abs(np.where(ends, 0.0, points[:-1])) * density)
    assert (np.abs(below - q) <= room).all()


def test_student_t_equals_scipy_far_out():
    df = np.array([1.5, 3.0, 30.0, 400.0])[:, None]
    z = np.array([-1e8, -60.0, -3.0, -0.01, 0.0, 1.0, 12.0, 1e5])
    parameters = {"loc": np.zeros_like(df), "scale": np.ones_like(df), "df": df}
    family = NumpyStudentT(0.0, 1.0, (1.5, 400.0))
    exact = scipy.stats.t(df)
    np.testing.assert_allclose(family.cdf(parameters, z), exact.cdf(z), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(family.sf(parameters, z), exact.sf(z), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(family.log_prob(parameters, z), exact.logpdf(z), rtol=1e-10)
    levels = np.array([1e-15, 1e-4, 0.3, 0.5, 0.99])
    np.testing.assert_allclose(
        family.quantile(parameters, levels), exact.ppf(levels), rtol=1e-8, atol=1e-9
    )


class Gap:
    """Mass 0.3 on [0, 1], nothing up to 9, and a density of 1,000 beyond."""

    points, levels = np.array([0.0, 1.0, 9.0, 9.0 + 7e-4]), np.array([0.0, 0.3, 0.3, 1.0])

    def cdf(self, parameters, y):
        return np.interp(y, self.points, self.levels)

    def sf(self, parameters, y):
        return 1 - self.cdf(parameters, y)


def test_a_search_crosses_jumps_and_gaps_of_the_density():
    level = np.array([1e-9, 0.1, 0.3, 0.300001, 0.6, 1 - 1e-9])
    found = invert(Gap(), {}, 1, level, np.zeros(6), np.ones(6))
    np.testing.assert_allclose(Gap().cdf({}, found), level, atol=1e-9)
    assert 1 - 1e-9 <= found[2] <= 9 + 1e-9
