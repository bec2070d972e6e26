"""Verdicts against brute force over the probabilities of whole yards."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto
from sbp_jax.evaluation import (
    EvaluationError,
    Verdict,
    concatenate,
    family_verdict,
    pmf_verdict,
    point_verdict,
)

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

EDGES = tuple(np.arange(-10.5, 41))
FAMILIES: dict[str, Any] = {
    "spliced": SplicedBinnedPareto(EDGES, tail_mass=0.05, splice="edge"),
    "spliced-quantile": SplicedBinnedPareto(EDGES, tail_mass=0.05),
    "binned": Binned(EDGES),
    "gaussian": Gaussian(7.0, 10.0),
}
NUMBERS = np.arange(-101, 102)  # the ends stand for all that lies beyond 100
YARDS = np.array([0.0, -7, 3, 25, 38, 0])


@dataclass(frozen=True)
class Case:
    """The verdict of a family, and the probabilities of `NUMBERS` by row, in double precision."""

    found: Verdict
    pmf: np.ndarray
    crps: np.ndarray


def random_params(family):
    raw = np.random.default_rng(0).normal(size=(len(YARDS), family.num_outputs))
    return family.constrain(jnp.asarray(raw))


@pytest.fixture(params=FAMILIES, ids=str, scope="module")
def case(request):
    family = FAMILIES[request.param]
    lo = jnp.array([-jnp.inf, *(NUMBERS[1:] - 0.5)])
    hi = jnp.array([*(NUMBERS[:-1] + 0.5), jnp.inf])

    @jax.jit
    def parts(params, y):
        cells = jax.vmap(family.log_interval, (None, 0, 0), out_axes=1)(params, lo, hi)
        return family_verdict(family, params, y, 1.0), jnp.exp(cells), family.crps(params, y)

    with jax.enable_x64(True):
        return Case(*jax.tree.map(np.asarray, parts(random_params(family), jnp.asarray(YARDS))))


def test_whole_yard_crps_is_expected_distance_less_half_the_expected_spread(case):
    """E|X - y| - E|X - X'| / 2; what lies beyond 100 yards, here put at 101, is below 1e-3."""
    distance = (case.pmf * abs(NUMBERS - YARDS[:, None])).sum(axis=1)
    spread = np.einsum("bi,bj,ij->b", case.pmf, case.pmf, abs(NUMBERS[:, None] - NUMBERS))
    np.testing.assert_allclose(case.found.crps_cells, distance - spread / 2, rtol=1e-6)


def test_the_rest_of_the_verdict_follows_from_the_cells(case):
    rows, at = np.arange(len(YARDS)), np.searchsorted(NUMBERS, YARDS)
    below = np.cumsum(case.pmf, axis=1)
    np.testing.assert_allclose(case.found.log_score, -np.log(case.pmf[rows, at]), rtol=1e-9)
    np.testing.assert_allclose(case.found.pit_lower, below[rows, at - 1], atol=1e-12)
    np.testing.assert_allclose(case.found.pit_upper, below[rows, at], atol=1e-12)
    np.testing.assert_array_equal(case.found.median, NUMBERS[(below < 0.5).sum(axis=1)])
    np.testing.assert_allclose(case.found.crps, case.crps, rtol=1e-12)


def test_the_median_has_the_smallest_expected_absolute_error(case):
    expected = case.pmf @ abs(NUMBERS[:, None] - NUMBERS)
    found = expected[np.arange(len(YARDS)), np.searchsorted(NUMBERS, case.found.median)]
    np.testing.assert_allclose(found, expected.min(axis=1), rtol=1e-12)


def test_a_table_of_probabilities_and_the_same_bins_agree():
    logits = np.random.default_rng(1).normal(size=(6, 51))
    pmf = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pmf_verdict(pmf, -10, YARDS)
    family = FAMILIES["binned"]
    verdict = jax.jit(lambda logits, y: family_verdict(family, family.Params(logits), y, 1.0))
    binned = verdict(logits, YARDS)
    for name in set(table._fields) - {"crps"}:  # of a step function there, of a density here
        np.testing.assert_allclose(
            getattr(binned, name), getattr(table, name), rtol=1e-4, atol=1e-5, err_msg=name
        )


def test_traced_once_for_slices_of_one_size():
    family = FAMILIES["gaussian"]
    params, y = random_params(family), jnp.asarray(YARDS)
    traces = []

    @jax.jit
    def verdict(params, y):
        traces.append(1)
        return family_verdict(family, params, y, 1.0)

    loc, scale = params
    slices = [slice(i, i + 2) for i in (0, 2, 4)]
    whole = concatenate([verdict(family.Params(loc[s], scale[s]), y[s]) for s in slices])
    assert len(traces) == 1
    for found, expected in zip(whole, family_verdict(family, params, y, 1.0), strict=True):
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


def test_the_impossible_scores_infinity_and_the_undefined_nan():
    family = FAMILIES["binned"]
    logits = np.zeros((3, len(EDGES) - 1), np.float32)
    logits[2] = np.nan
    found = jax.jit(lambda logits, y: family_verdict(family, family.Params(logits), y, 1.0))(
        logits, np.array([60.0, np.nan, 0.0], np.float32)
    )
    np.testing.assert_array_equal(found.log_score, [np.inf, np.nan, np.nan])
    for name in ("crps_cells", "pit_lower", "pit_upper"):
        assert np.isfinite(getattr(found, name)[0]), name
        assert np.isnan(getattr(found, name)[1:]).all(), name


def test_an_observation_outside_the_range_of_the_whole_yard_score_has_none():
    family = Gaussian()
    params = Gaussian.Params(jnp.zeros(2), jnp.ones(2))
    found = family_verdict(family, params, jnp.array([5.0, 6.0]), cell=1.0, cells=(-5, 5))
    assert np.isnan(found.crps_cells[1])
    assert np.isfinite(found.crps_cells[0])
    assert np.isfinite(found.log_score).all()


def test_a_point_forecast_has_a_median_only():
    found = point_verdict(np.array([4.0, 5.0]))
    np.testing.assert_array_equal(found.median, [4, 5])
    assert all(np.isnan(x).all() for x in found._replace(median=np.array([np.nan])))


@pytest.mark.parametrize("y", [-3.0, 2.0, 0.5])
def test_yards_that_are_no_cell_are_refused(y):
    with pytest.raises(EvaluationError, match=rf"whole yards from -2 to 1, got {y} in row 0"):
        pmf_verdict(np.full((1, 4), 0.25), -2, np.array([y]))


def test_no_slices_are_refused():
    with pytest.raises(EvaluationError, match="at least one slice"):
        concatenate([])


def test_crps_of_cells_of_many_plays_compiled():
    """Some hundred plays at once: vmapped over yards, XLA compiles this to a wrong result."""
    family = Binned(np.arange(-30.5, 100))
    rng = np.random.default_rng(0)
    params = family.constrain(jnp.asarray(rng.normal(size=(512, family.num_outputs)), jnp.float32))
    y = rng.integers(-5, 40, 512)
    probability = np.asarray(jax.nn.softmax(params.logits), np.float64)
    below = np.cumsum(probability, axis=1)  # bin i is the cell of i - 30 yards
    steps = y[:, None] <= np.arange(-30, 100)[None]
    expected = ((below - steps) ** 2).sum(axis=1)
    verdict = jax.jit(lambda p, y: family_verdict(family, p, y, 1.0))
    found = verdict(params, jnp.asarray(y, jnp.float32)).crps_cells
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_cell_is_the_unit_of_the_verdict():
    """In tenths of the unit the cells are the same, and what has the unit is a tenth."""
    family = Gaussian()
    y, loc, scale = YARDS[:4], np.array([0.3, -5, 2, 20.0]), np.array([3.0, 4, 1, 9])
    with jax.enable_x64(True):
        whole = family_verdict(family, family.Params(loc, scale), y, cell=1.0, cells=(-10, 30))
        small = family.Params(loc / 10, scale / 10)
        tenths = family_verdict(family, small, y / 10, cell=0.1, cells=(-10, 30))
    for name in Verdict._fields:
        unit = 1 if name in ("log_score", "pit_lower", "pit_upper") else 10
        found, expected = unit * np.asarray(getattr(tenths, name)), getattr(whole, name)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_without_a_cell_the_verdict_is_that_of_the_density():
    family = Gaussian()
    params = family.Params(jnp.array([1.0, 2]), jnp.array([3.0, 0.5]))
    y = jnp.array([0.25, 2.5])
    found = family_verdict(family, params, y)
    np.testing.assert_allclose(found.log_score, -family.log_prob(params, y), rtol=1e-6)
    np.testing.assert_allclose(found.median, [1, 2], rtol=1e-6)
    np.testing.assert_array_equal(found.pit_lower, found.pit_upper)
    assert np.isnan(found.crps_cells).all()


def test_what_means_nothing_is_refused():
    family = Gaussian()
    params = family.Params(jnp.zeros(2), jnp.ones(2))
    for cell in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="cell: expected None or a finite number > 0, got"):
            family_verdict(family, params, jnp.zeros(2), cell)
    with pytest.raises(ValueError, match=r"fields: expected names among .*, got \['zzz'\]"):
        family_verdict(family, params, jnp.zeros(2), fields=("mean", "zzz"))


def test_what_is_not_asked_for_is_unknown():
    family = Gaussian()
    params = family.Params(jnp.zeros(2), jnp.ones(2))
    whole = family_verdict(family, params, jnp.array([0.0, 1]), 1.0)
    some = family_verdict(family, params, jnp.array([0.0, 1]), 1.0, fields=("mean", "pit_upper"))
    for name in Verdict._fields:
        expected = getattr(whole, name) if name in ("mean", "pit_upper") else [np.nan] * 2
        np.testing.assert_array_equal(getattr(some, name), expected, err_msg=name)
