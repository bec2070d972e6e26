import jax
import numpy as np
import pytest
import scipy.stats

from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.evaluation import (
    LEVELS,
    REGIONS,
    EvaluationError,
    central_coverage,
    family_verdict,
    perfect_forecaster,
    pit_histogram,
    pp_curve,
    pp_mae,
    randomised_pit,
)

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

N = 4000


@pytest.fixture(scope="module")
def truth():
    """PIT intervals of 4,000 whole yards drawn from forecasts that differ from play to play."""
    family = SplicedBinnedPareto(np.arange(-10.5, 41), tail_mass=0.05, splice="edge")

    @jax.jit
    def forecast_and_draw(raw, key):
        params = family.constrain(raw.at[:, 10].add(3.5))  # an atom at 0 of about 0.3
        y = jax.numpy.round(family.sample(key, params))
        found = family_verdict(family, params, y, 1.0)
        return found.pit_lower, found.pit_upper

    raw_key, draw_key = jax.random.split(jax.random.key(0))
    ends = forecast_and_draw(jax.random.normal(raw_key, (N, family.num_outputs)), draw_key)
    lower, upper = (np.asarray(end, float) for end in ends)
    return lower, upper


def test_levels_are_those_of_the_reference():
    assert len(LEVELS) == 129
    assert {name: int(region.sum()) for name, region in REGIONS.items()} == {
        "lower": 24,
        "base": 79,
        "upper": 24,
        "full": 129,
    }
    # Symmetric but for how halves of a thousandth are rounded.
    np.testing.assert_allclose(LEVELS, 1 - LEVELS[::-1], atol=1.001e-3)
    np.testing.assert_array_equal(LEVELS, np.round(LEVELS, 3))
    assert (LEVELS[0], LEVELS[-1]) == (0.001, 0.999)


def test_randomised_pits_of_a_perfect_forecaster_are_uniform(truth):
    """A Kolmogorov-Smirnov distance has 99th percentile 1.63 / sqrt(n)."""
    pit = randomised_pit(*truth, seed=1)[0]
    assert np.mean(truth[1] - truth[0]) > 0.05  # there are atoms to spread
    assert scipy.stats.kstest(pit, "uniform").statistic < 1.63 / np.sqrt(N)


def test_a_perfect_forecaster_scores_as_its_simulation_says(truth):
    found, floor = pp_mae(*truth), perfect_forecaster(N)
    for name in REGIONS:
        assert 0 < found[name] < floor[name].p95, name


@pytest.mark.parametrize(
    ("n", "means", "p95"),
    [
        (899, (0.0039, 0.0113, 0.0040, 0.0085), (0.0082, 0.0211, 0.0084, 0.0148)),
        (5_000, (0.0016, 0.0047, 0.0016, 0.0035), None),
        (15_000, (0.0010, 0.0027, 0.0010, 0.0020), None),
    ],
)
def test_the_floor_is_the_one_found_by_others(n, means, p95):
    """Values of 2,000 draws, 4 decimals: their SE is 1 % of the mean (measured), 2 % of p95."""
    floor = perfect_forecaster(n)
    for i, name in enumerate(REGIONS):
        assert floor[name].mean == pytest.approx(means[i], rel=0.035, abs=1e-4), name
        if p95 is not None:
            assert floor[name].p95 == pytest.approx(p95[i], rel=0.06), name


def test_the_simulated_floor_is_that_of_simulated_uniforms():
    """The same by drawing the PITs themselves; SE of a mean of 400 draws is 2.5 %."""
    rng = np.random.default_rng(3)
    drawn = [pp_mae(pit, pit, draws=1) for pit in rng.random((400, 500))]
    floor = perfect_forecaster(500)
    for name in REGIONS:
        values = [each[name] for each in drawn]
        error = np.std(values) / np.sqrt(len(values))
        assert np.mean(values) == pytest.approx(floor[name].mean, abs=3.5 * error), name


def test_averaging_over_randomisations_keeps_the_expected_value(truth):
    """Randomising a sample 40 times: the average of 20 is the mean of single ones."""
    single = [pp_mae(*truth, draws=1, seed=s)["full"] for s in range(40)]
    averaged = pp_mae(*truth, draws=20, seed=99)["full"]
    error = np.std(single) * np.sqrt(1 / 40 + 1 / 20)
    assert averaged == pytest.approx(np.mean(single), abs=3.5 * error)


def test_pp_mae_of_a_forecaster_who_is_always_too_low():
    """All PITs at 0.97: no share below any level up to there, all above it."""
    pit = np.full(10, 0.97)
    found = pp_mae(pit, pit)
    inside = [q for q in LEVELS.tolist() if q > 0.95]
    assert found["lower"] == pytest.approx(np.mean([q for q in LEVELS if q < 0.05]))
    assert found["base"] == pytest.approx(0.5, abs=1e-4)
    assert found["upper"] == pytest.approx(np.mean([1 - q if q > 0.97 else q for q in inside]))


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.9])
def test_coverage_of_a_perfect_forecaster(truth, probability):
    """A share of n trials has SE sqrt(p (1 - p) / n), its expectation over draws a smaller one."""
    lower, upper = truth
    found = central_coverage(lower, upper, probability)
    error = np.sqrt(probability * (1 - probability) / N)
    assert found.mean() == pytest.approx(probability, abs=3.5 * error)
    drawn = np.abs(randomised_pit(lower, upper, draws=50, seed=5) - 0.5) < probability / 2
    assert found.mean() == pytest.approx(drawn.mean(), abs=4 * error / np.sqrt(50))


def test_histogram_and_curve_are_what_many_randomisations_average_to(truth):
    draws = randomised_pit(*truth, draws=50, seed=6)
    counts = np.histogram(draws, bins=10, range=(0, 1))[0] / 50
    found = pit_histogram(*truth, bins=10)
    assert found.sum() == pytest.approx(N)
    # Each count is a sum of N Bernoulli trials of variance at most 1/4, averaged over 50.
    np.testing.assert_allclose(found, counts, atol=4 * np.sqrt(N / 4 / 50))
    curve = pp_curve(*truth)
    shares = [(draws < q).mean() for q in LEVELS]
    np.testing.assert_allclose(curve, shares, atol=4 * np.sqrt(0.25 / N / 50))


def test_pits_at_the_ends_count():
    ends = np.array([0.0, 1.0])
    np.testing.assert_array_equal(pit_histogram(ends, ends, bins=2), [1, 1])


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0.1], [0.1, 0.2], r"equal lengths, got \(1,\), \(2,\)"),
        ([], [], "empty set"),
        ([0.0, 0.5], [0.1, 0.4], "got 0.5 and 0.4 in row 1"),
        ([np.nan], [0.4], "got nan and 0.4 in row 0"),
        ([0.2], [1.2], "got 0.2 and 1.2 in row 0"),
    ],
)
@pytest.mark.usefixtures("unchecked_shapes")
def test_what_is_no_pit_is_refused(lower, upper, message):
    with pytest.raises(EvaluationError, match=message):
        pp_mae(np.array(lower, float), np.array(upper, float))


def test_a_perfect_forecaster_of_nothing_is_refused():
    with pytest.raises(EvaluationError, match="n: expected a whole number >= 1, got 0"):
        perfect_forecaster(0)
