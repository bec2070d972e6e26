"""Whatever bins and quantiles somebody has: one law, normalised, finite, its own inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sbp_jax.distributions import Law

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

FAR = np.array([-3e38, -1e30, -1e4, -1.0, 0.0, 1.0, 1e4, 1e30, 3e38], np.float32)
LEVELS = np.array([1e-5, 1e-3, 0.05, 0.25, 0.5, 0.7, 0.95, 0.999, 0.99999], np.float32)
GROWTH = np.append(0.0, np.exp(np.linspace(-12, 70, 8000)))  # excesses, in scales
EPS = 2.0**-23


@jax.jit
def answers(law):
    """All that is asked of a law, in one program."""
    q = law.quantile(LEVELS)
    step = EPS * (abs(q) + abs(q - law.params.loc))  # roundings of y, and of its distance
    base = Law(law.family.base, law.params.base)
    p = base.params
    points = p.points
    ends = points[0] - p.lower_scale * GROWTH, points[-1] + p.upper_scale * GROWTH
    ends = [jnp.clip(each, FAR[0], FAR[-1]) for each in ends]
    return {
        "quantile": q,
        "beside": (law.cdf(q - step), law.cdf(q + step)),
        "log_prob": law.log_prob(FAR),
        "total": law.log_interval(-np.inf, np.inf),
        "body": base.log_prob(points[:-1] + (points[1:] - points[:-1]) / 2),
        "tails": [(each, base.log_prob(each)) for each in ends],
        "coarse": EPS * abs(points[np.array([0, -1])]) / jnp.array([p.lower_scale, p.upper_scale]),
        "points": points,
        "numbers": (law.mean, law.variance, law.crps(0.3)),
    }


def check(law):
    """The law itself; the integral is a sum of densities, without its distribution function."""
    found = jax.tree.map(lambda x: np.array(x, np.float64), answers(law))
    assert np.isfinite(found["log_prob"]).all()
    assert np.all(np.diff(found["quantile"]) >= 0)
    below, above = found["beside"]
    slack = 1e-4 * np.minimum(LEVELS, 1 - LEVELS)
    assert np.all((below <= LEVELS + slack) & (LEVELS - slack <= above))
    assert found["total"] == pytest.approx(0, abs=1e-5)
    body = np.sum(np.exp(found["body"]) * np.diff(found["points"]))
    # A tail that is thin beside its distance from 0 is known at a few floats alone.
    for _, density in found["tails"]:
        density[0] = density[1]  # where a tail begins the density may jump
    tails = [abs(np.trapezoid(np.exp(density), y)) for y, density in found["tails"]]
    error = 1e-3 + np.max(found["coarse"]) ** 2
    assert body + sum(tails) == pytest.approx(1, abs=error)
    assert not np.isnan(found["numbers"]).any()


@st.composite
def histograms(draw, sizes):
    """Edges, perhaps infinite at an end, and probabilities, many of them 0."""
    bins = draw(st.sampled_from(sizes))
    widths = [draw(st.sampled_from([1e-30, 1e-6, 0.1, 1.0, 1e4])) for _ in range(bins)]
    weights = [draw(st.sampled_from([0.0, 1e-12, 0.1, 1.0])) for _ in range(bins)]
    weights[draw(st.integers(0, bins - 1))] = 1.0
    edges = [draw(st.sampled_from([0.0, -3.0, 1e6]))]
    for width in widths:  # a bin too narrow for float64 is none
        edges.append(max(edges[-1] + width, np.nextafter(edges[-1], np.inf)))
    edges = np.array(edges) * draw(st.sampled_from([1.0, 2.0**80]))
    opened = draw(st.sampled_from(["", "l", "u", "lu"][: 1 if bins < 3 else 4]))
    edges[0] = -np.inf if "l" in opened else edges[0]
    edges[-1] = np.inf if "u" in opened else edges[-1]
    return edges, np.array(weights) / np.sum(weights)


@st.composite
def quantiles(draw, sizes):
    """Levels, and values that cross, coincide, and lie far from each other."""
    count = draw(st.sampled_from(sizes))
    inner = st.sampled_from([1e-7, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99, 1 - 1e-6])
    levels = draw(st.lists(inner, min_size=count, max_size=count, unique=True))
    value = st.sampled_from([-1e6, -2.0, -1.0, 0.0, 1e-20, 1e-4, 1.0, 1.0, 5.0, 1e8])
    values = [draw(value) for _ in range(count)]
    unit = draw(st.sampled_from([2.0**-30, 1.0, 2.0**60]))
    return np.sort(levels), np.array(values) * unit


@settings(max_examples=60, deadline=None, derandomize=True)
@given(histograms([1, 3]))
def test_any_few_bins_are_a_law(drawn):
    check(Law.from_bins(*drawn))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(quantiles([4]))
@example((np.array([0.1, 0.3, 0.5, 0.9]), np.zeros(4)))
def test_any_four_quantiles_are_a_law(drawn):
    law = Law.from_quantiles(*drawn)
    check(law)
    levels, values = drawn
    size = np.abs(values).max() or 1.0
    found = np.asarray(law.quantile(levels), np.float64)
    np.testing.assert_allclose(found, np.sort(values), rtol=1e-5, atol=3e-5 * size)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True)
@given(histograms([1, 2, 3, 6, 40]))
def test_any_bins_are_a_law(drawn):
    check(Law.from_bins(*drawn))


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True)
@given(quantiles([2, 3, 7]))
def test_any_quantiles_are_a_law(drawn):
    check(Law.from_quantiles(*drawn))


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_a_thousand_quantiles_with_ties_are_a_law(decimals):
    levels = np.arange(1, 1000) / 1000
    values = np.round(np.tan(np.pi * (levels - 0.5)), decimals)
    check(Law.from_quantiles(levels, values))


def test_points_that_float32_cannot_tell_apart_in_the_target_s_unit():
    law = Law.from_bins(1e6 + np.array([-0.1, 0.0, 0.05, 0.1]), np.array([0.3, 0.4, 0.3]))
    check(law)
    near = Law.from_bins(np.array([-0.1, 0.0, 0.05, 0.1]), np.array([0.3, 0.4, 0.3]))
    assert float(law.variance) == pytest.approx(float(near.variance), rel=1e-5)


def test_two_levels_have_a_line_between_them():
    law = Law.from_quantiles([0.1, 0.9], np.array([0.0, 4.0]))
    np.testing.assert_allclose(law.quantile([0.1, 0.3, 0.5, 0.7, 0.9]), [0, 1, 2, 3, 4], atol=1e-6)
