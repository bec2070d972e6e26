"""Anybody's bins and quantiles as laws: exact where they say something, tails where they do not."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.distributions import Law
from sbp_jax.distributions.tabulate import crossings

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

EDGES = np.linspace(-4, 4, 41)
STUDENT = scipy.stats.t(3)
FAR = np.array([-1e8, -30.0, 30.0, 1e8])


def histogram(law, edges):
    masses = np.diff(law.cdf(edges))
    return masses / masses.sum()


class TestBins:
    def test_between_the_tails_it_is_the_histogram(self):
        masses = histogram(STUDENT, EDGES)
        law = Law.from_bins(EDGES, masses)
        below = np.cumsum(masses)
        inner = (below > 0.02) & (below < 0.98)
        np.testing.assert_allclose(law.cdf(EDGES[1:][inner]), below[inner], atol=2e-7)
        assert np.isfinite(law.log_prob(FAR)).all()
        assert law.cdf(-4.0) > 0
        assert law.sf(4.0) > 0

    def test_levels_and_points_are_inverse(self):
        law = Law.from_bins(EDGES, histogram(STUDENT, EDGES))
        levels = np.array([1e-5, 1e-3, 0.02, 0.3, 0.5, 0.9, 0.999])
        np.testing.assert_allclose(law.cdf(law.quantile(levels)), levels, rtol=2e-5)

    def test_the_tail_follows_what_the_end_bins_hold(self):
        edges = np.concatenate([-np.geomspace(200, 2, 40), np.linspace(-1.9, 1.9, 30),
                                np.geomspace(2, 200, 40)])  # fmt: skip
        law = Law.from_bins(edges, histogram(STUDENT, edges), tail_mass=0.02)
        assert float(law.params.base.upper_shape) == pytest.approx(1 / 3, abs=0.1)
        level = 0.999
        assert float(law.quantile(level)) == pytest.approx(STUDENT.ppf(level), rel=0.15)

    def test_open_bins_are_the_tails(self):
        edges = np.array([-np.inf, -1.0, 0.0, 1.0, np.inf])
        masses = np.array([0.1, 0.4, 0.3, 0.2])
        law = Law.from_bins(edges, masses)
        np.testing.assert_allclose(law.cdf(edges[1:-1]), np.cumsum(masses)[:-1], rtol=1e-6)
        inside, outside = law.log_prob(jnp.array([0.999, 1.001]))
        assert float(outside - inside) == pytest.approx(0, abs=0.01)

    def test_what_holds_nothing_holds_a_little(self):
        masses = np.zeros((2, 40))
        masses[0, 20], masses[1, [3, 30]] = 1, 0.5
        law = Law.from_bins(EDGES, masses)
        y = jnp.linspace(-10.0, 10.0, 81)[:, None]
        assert np.isfinite(law.log_prob(y)).all()
        np.testing.assert_allclose(np.exp(law.log_interval(-np.inf, np.inf)), 1, rtol=1e-5)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.lists(st.floats(0, 1), min_size=40, max_size=40).filter(lambda x: sum(x) > 0.1))
    def test_any_histogram_is_a_law(self, weights):
        law = Law.from_bins(EDGES, np.array(weights) / np.sum(weights))
        levels = np.array([1e-4, 0.01, 0.2, 0.5, 0.8, 0.99, 0.9999])
        found = np.asarray(law.quantile(levels))
        assert np.all(np.diff(found) >= 0)
        np.testing.assert_allclose(law.cdf(found), levels, rtol=2e-3, atol=1e-6)
        assert np.isfinite(law.log_prob(FAR)).all()

    @pytest.mark.parametrize(
        ("edges", "masses", "message"),
        [
            (EDGES[:-1], np.full(40, 1 / 40), "edges: expected one more than the probabilities"),
            ([-np.inf, 0, np.inf], [0.5, 0.5], "expected a bin with two finite ends in every row"),
            ([0, 1, 1e38], [0.5, 0.5], "edges: expected increasing numbers of at most 1e\\+37"),
            ([0, 1, 1, 2], [0.5, 0.25, 0.25], "edges: expected increasing numbers"),
            ([0, 1, np.inf, np.inf], [0.5, 0.25, 0.25], "edges: expected increasing numbers"),
            ([0, 1, 2, 3], [0.5, 0.75, -0.25], r"expected numbers >= 0, got others at \[2\]"),
            ([0, 1, 2, 3], [0.5, 0.5, np.nan], r"expected numbers >= 0, got others at \[2\]"),
            ([0, 1, 2, 3], [0.5, 0.25, 0.2], r"a sum of 1, got 0\.95 in row \[\]"),
        ],
    )
    def test_what_is_no_histogram_is_refused(self, edges, masses, message):
        with pytest.raises(ValueError, match=message):
            Law.from_bins(edges, np.array(masses))


class TestQuantiles:
    LEVELS = np.array([0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99])

    def test_every_level_is_met(self):
        law = Law.from_quantiles(self.LEVELS, STUDENT.ppf(self.LEVELS))
        np.testing.assert_allclose(law.quantile(self.LEVELS), STUDENT.ppf(self.LEVELS), rtol=2e-5)
        np.testing.assert_allclose(law.cdf(STUDENT.ppf(self.LEVELS)), self.LEVELS, rtol=2e-5)

    @pytest.mark.parametrize("shape", [0.0, 0.3, 0.6])
    def test_a_pareto_tail_is_found_again(self, shape):
        truth = scipy.stats.genpareto(shape)
        levels = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
        law = Law.from_quantiles(levels, truth.ppf(levels))
        assert float(law.params.base.upper_shape) == pytest.approx(shape, abs=2e-3)
        assert float(law.quantile(0.99999)) > truth.ppf(0.99)

    def test_crossing_quantiles_are_sorted_and_counted(self):
        values = np.array([[0.0, 1.0, 3.0, 2.0, 5.0], [0.0, 1.0, 2.0, 3.0, 5.0]])
        levels = [0.1, 0.3, 0.5, 0.7, 0.9]
        assert crossings(values).tolist() == [1, 0]
        law = Law.from_quantiles(levels, values)
        np.testing.assert_array_equal(law.quantile(levels)[0], law.quantile(levels)[1])

    def test_equal_quantiles_are_an_atom(self):
        law = Law.from_quantiles([0.1, 0.5, 0.9], np.array([0.0, 0.0, 1.0]))
        assert float(law.cdf(-1e-3)) < 0.1
        assert float(law.cdf(1e-3)) > 0.5
        assert np.isfinite(law.log_prob(FAR)).all()
        assert np.isfinite(law.crps(0.5))

    @pytest.mark.parametrize(
        ("levels", "values", "message"),
        [
            ([0.5, 0.1], [0.0, 1.0], "levels: expected at least 2 increasing numbers"),
            ([0.0, 0.5], [0.0, 1.0], "levels: expected at least 2 increasing numbers"),
            ([0.1, 0.5], [0.0, 1.0, 2.0], r"values: expected last axis 2, as many as levels"),
            ([0.1, 0.5], [0.0, np.inf], r"values: expected finite numbers .* got inf at \[1\]"),
            ([0.1, 0.5], [0.0, 1e38], r"numbers of at most 1e\+37 in size, got 1e\+38 at \[1\]"),
        ],
    )
    def test_what_are_no_quantiles_is_refused(self, levels, values, message):
        with pytest.raises(ValueError, match=message):
            Law.from_quantiles(levels, np.array(values))
