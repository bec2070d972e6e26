import numpy as np
import pytest
import scipy.stats

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.correlation import bootstrap_correlations, pearson, spearman

SCIPY = {"pearson": scipy.stats.pearsonr, "spearman": scipy.stats.spearmanr}
OURS = {"pearson": pearson, "spearman": spearman}


def related(rows, r, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return x, r * x + np.sqrt(1 - r**2) * rng.normal(size=rows)


def few_seasons():
    """Nine rows of four passers, with ties on both sides; no passer's rows are all equal."""
    x = np.array([1.0, 2.0, 4.0, 5.0, 5.0, 4.0, 4.0, 7.0, 0.0])
    y = np.array([0.2, 0.5, 0.4, 0.4, 0.9, 0.5, 0.1, 0.8, 0.5])
    return x, y, np.array(["b", "a", "a", "d", "c", "c", "b", "b", "d"])


@pytest.mark.parametrize("kind", SCIPY)
@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_correlation_is_that_of_scipy(kind, offset):
    x, y = related(200, 0.4)
    x = np.round(x, 1) + offset  # ties
    assert OURS[kind](x, y) == pytest.approx(SCIPY[kind](x, y).statistic, abs=1e-8)


def test_spearman_does_not_see_a_monotone_map():
    x, y = related(50, 0.4)
    assert spearman(np.exp(3 * x), y) == pytest.approx(spearman(x, y), abs=1e-12)
    assert spearman(x, -np.exp(x)) == pytest.approx(-1)


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.filterwarnings("error")
def test_a_constant_has_no_correlation(kind):
    x = np.arange(7.0)
    assert np.isnan(OURS[kind](x, np.full(7, 0.1)))
    found = bootstrap_correlations({"flat": np.full(7, 0.1), "x": x}, x, x, kind=kind, draws=50)
    assert np.isnan(found.ratings["flat"]).all()
    assert np.isnan(found.differences["x"]).all()
    assert found.ratings["x"] == pytest.approx((1, 0, 1, 1), abs=1e-9)


@pytest.mark.parametrize("r", [0.0, 0.6])
def test_standard_error_and_interval_are_those_of_fisher(r):
    """Normal rows: SE (1 - r^2) / sqrt(n - 1), interval by the inverse tangent; the draws' own
    error is 1.1 % (4000 draws), the sample's kurtosis adds some 5 %."""
    x, y = related(1500, r)
    found = bootstrap_correlations({"x": x}, y, np.arange(1500), draws=4000).ratings["x"]
    estimate = found.estimate
    assert found.standard_error == pytest.approx((1 - estimate**2) / np.sqrt(1499), rel=0.1)
    interval = np.tanh(np.arctanh(estimate) + np.array([-1.96, 1.96]) / np.sqrt(1497))
    np.testing.assert_allclose([found.low, found.high], interval, atol=0.006)


@pytest.mark.parametrize("kind", SCIPY)
def test_draws_are_those_of_rows_laid_out_one_by_one(kind):
    x, y, passers = few_seasons()
    other = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0])
    found = bootstrap_correlations({"x": x, "other": other}, y, passers, kind=kind, draws=230)
    times = np.random.default_rng(0).multinomial(4, np.full(4, 0.25), size=230)
    drawn = []
    for counts in times:
        rows = np.repeat(np.arange(9), [counts["abcd".index(name)] for name in passers])
        drawn.append([SCIPY[kind](each[rows], y[rows]).statistic for each in (x, other)])
    drawn = np.array(drawn)
    for i, name in enumerate(("x", "other")):
        entry = found.ratings[name]
        assert entry.standard_error == pytest.approx(drawn[:, i].std(ddof=1))
        assert (entry.low, entry.high) == pytest.approx(
            tuple(np.quantile(drawn[:, i], [0.025, 0.975]))
        )
    difference = drawn[:, 1] - drawn[:, 0]
    entry = found.differences["other"]
    assert entry.standard_error == pytest.approx(difference.std(ddof=1))
    assert entry.estimate == pytest.approx(
        SCIPY[kind](other, y).statistic - SCIPY[kind](x, y).statistic
    )
    assert (entry.low, entry.high) == pytest.approx(tuple(np.quantile(difference, [0.025, 0.975])))


@pytest.mark.parametrize("kind", OURS)
def test_copies_within_a_cluster_add_nothing(kind):
    x, y = related(80, 0.5)
    passers = np.arange(80)
    once = bootstrap_correlations({"x": x}, y, passers, kind=kind, draws=300)
    copied = [np.repeat(each, 4) for each in (x, y, passers)]
    often = bootstrap_correlations({"x": copied[0]}, copied[1], copied[2], kind=kind, draws=300)
    np.testing.assert_allclose(often.ratings["x"], once.ratings["x"], rtol=1e-9)
    assert (often.rows, often.clusters) == (320, 80)
    rows = bootstrap_correlations({"x": copied[0]}, copied[1], np.arange(320), kind=kind, draws=300)
    assert rows.ratings["x"].standard_error < 0.65 * once.ratings["x"].standard_error


def test_a_difference_has_what_both_share_cancelled():
    x, y = related(300, 0.6)
    near = x + np.random.default_rng(1).normal(0, 0.05, 300)
    found = bootstrap_correlations({"x": x, "near": near}, y, np.arange(300), draws=400)
    assert found.reference == "x"
    assert set(found.differences) == {"near"}
    assert found.differences["near"].standard_error < 0.2 * found.ratings["x"].standard_error
    turned = bootstrap_correlations(
        {"x": x, "near": near}, y, np.arange(300), draws=400, reference="near"
    )
    assert turned.differences["x"].estimate == -found.differences["near"].estimate
    assert turned.differences["x"].low == pytest.approx(-found.differences["near"].high)


def test_the_order_of_rows_does_not_matter():
    x, y, passers = few_seasons()
    turned = slice(None, None, -1)
    first = bootstrap_correlations({"x": x}, y, passers, draws=100)
    second = bootstrap_correlations({"x": x[turned]}, y[turned], passers[turned], draws=100)
    np.testing.assert_allclose(first.ratings["x"], second.ratings["x"], rtol=1e-9)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ratings": {}}, "reference: expected one of the ratings given, none, got 'none'"),
        ({"reference": "z"}, "reference: expected one of the ratings given, x, got 'z'"),
        ({"kind": "kendall"}, "kind: expected 'pearson' or 'spearman', got 'kendall'"),
        ({"draws": 1}, "draws: expected a whole number >= 2, got 1"),
        (
            {"ratings": {"x": np.array([np.nan, 1.0, np.inf])}},
            "rating x: expected finite numbers, got 2 of 3 rows without",
        ),
        ({"ratings": {"x": np.ones(2)}}, r"rating x: expected 3 rows, got shape \(2,\)"),
        ({"outcome": np.full(3, np.nan)}, "outcome: expected finite numbers, got 3 of 3"),
        (
            {"clusters": np.array(["a", None, "b"], object)},
            "clusters: expected no null, got 1 of 3",
        ),
    ],
)
def test_what_cannot_be_correlated_is_said(unchecked_shapes, changed, message):
    given = {"ratings": {"x": np.arange(3.0)}, "outcome": np.arange(3.0), "clusters": np.arange(3)}
    with pytest.raises(EvaluationError, match=message):
        bootstrap_correlations(**(given | changed))


def test_no_numbers_have_no_correlation(unchecked_shapes):
    with pytest.raises(EvaluationError, match="x: expected at least one row, got none"):
        pearson(np.array([]), np.array([]))
    with pytest.raises(EvaluationError, match=r"y: expected 3 rows, got shape \(2,\)"):
        spearman(np.ones(3), np.ones(2))
