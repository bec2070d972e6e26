"""Multinomial logistic regression: against scipy's optimum, and laws that the optimum obeys."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.points.logit import fit_logit

ROWS, COLUMNS, CLASSES = 3000, 3, 4
PRIOR = 30.0  # strong enough to be seen: without it probabilities move by up to 0.09

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


@pytest.fixture(scope="module")
def problem():
    """Features that depend on each other, with means off 0, and classes that follow them."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(ROWS, COLUMNS)) @ rng.normal(size=(COLUMNS, COLUMNS))
    features = (mixed + np.array([0.5, -2.0, 4.0])).astype(np.float32)
    logits = mixed @ rng.normal(0, 0.7, (COLUMNS, CLASSES)) + np.array([0.0, 1.0, -1.0, 0.3])
    classes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return features, classes


@pytest.fixture(scope="module")
def fitted(problem):
    return fit(*problem)


def fit(features, classes):
    return fit_logit(features, classes, CLASSES, prior=PRIOR, tolerance=1e-5)


def scipy_probabilities(features, classes):
    """The penalised optimum in float64; whitened by Cholesky, as any whitening has the same one."""
    x = features.astype(np.float64)
    centred = x - x.mean(axis=0)
    z = np.linalg.solve(np.linalg.cholesky(np.cov(x.T, bias=True)), centred.T).T
    seen = np.eye(CLASSES)[classes]

    def loss(flat):
        weights = flat.reshape(COLUMNS + 1, CLASSES)
        log_p = log_softmax(z @ weights[1:] + weights[0], axis=1)
        slope = (np.exp(log_p) - seen) / ROWS
        penalty = PRIOR / ROWS * weights[1:]
        gradient = np.vstack([slope.sum(axis=0), z.T @ slope + penalty])
        value = -(seen * log_p).sum() / ROWS + 0.5 * (penalty * weights[1:]).sum()
        return value, gradient.ravel()

    start = np.zeros((COLUMNS + 1) * CLASSES)
    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    weights = found.x.reshape(COLUMNS + 1, CLASSES)
    return np.exp(log_softmax(z @ weights[1:] + weights[0], axis=1))


def test_the_optimum_is_that_of_scipy(problem, fitted):
    expected = scipy_probabilities(*problem)
    np.testing.assert_allclose(fitted.probabilities(problem[0]), expected, atol=1e-3)
    assert expected.max() - expected.min() > 0.9  # so that 1e-3 is little


def test_coefficients_are_those_of_the_features_as_given(problem, fitted):
    """Log odds between rows are their distance times the coefficients."""
    features = problem[0].astype(np.float64)
    log_p = np.log(fitted.probabilities(problem[0]).astype(np.float64))
    odds = log_p[:, 1:] - log_p[:, :1]
    slopes = np.linalg.lstsq(features - features[0], odds - odds[0], rcond=None)[0]
    np.testing.assert_allclose(fitted.weights[:, 1:] - fitted.weights[:, :1], slopes, atol=1e-4)


def test_each_class_is_as_frequent_as_it_was(problem, fitted):
    """The intercepts are not penalised, so that their gradient is the difference."""
    frequency = np.bincount(problem[1], minlength=CLASSES) / ROWS
    np.testing.assert_allclose(fitted.probabilities(problem[0]).mean(axis=0), frequency, atol=2e-5)


def test_it_stopped_at_an_optimum(fitted):
    assert fitted.gradient <= 1e-5
    assert 0 < fitted.steps < 100


def test_too_few_steps_are_told_by_the_gradient(problem):
    found = fit_logit(*problem, CLASSES, max_steps=2)
    assert found.steps == 2
    assert found.gradient > 1e-3


@pytest.mark.parametrize(
    ("scale", "shift"),
    [([1, 1, 1], [100, -50, 0]), ([0.02, 5, 1], [0, 0, 0]), ([-3, 1, 20], [7, 300, -200])],
)
def test_scales_and_origins_of_the_features_do_not_matter(problem, fitted, scale, shift):
    features = problem[0] * np.float32(scale) + np.float32(shift)
    found = fit(features, problem[1]).probabilities(features)
    np.testing.assert_allclose(found, fitted.probabilities(problem[0]), atol=1e-3)


def test_a_turn_of_the_features_does_not_matter(problem, fitted):
    turned = problem[0] @ np.float32([[1, 2, 0], [0, 1, -1], [1, 0, 1]])
    found = fit(turned, problem[1]).probabilities(turned)
    np.testing.assert_allclose(found, fitted.probabilities(problem[0]), atol=1e-3)


@pytest.mark.parametrize(
    "extra",
    [
        lambda x: np.full(ROWS, 3.0),  # never varies
        lambda x: np.zeros(ROWS),
        lambda x: x[:, 0],  # the same again
        lambda x: 1 + x[:, 0] - 2 * x[:, 2],  # a sum of others
    ],
)
def test_a_feature_that_says_nothing_new_changes_nothing(problem, fitted, extra):
    features = np.column_stack([problem[0], extra(problem[0])]).astype(np.float32)
    found = fit(features, problem[1])
    assert np.isfinite(found.weights).all()
    np.testing.assert_allclose(
        found.probabilities(features), fitted.probabilities(problem[0]), atol=1e-3
    )


def test_without_a_feature_that_varies_every_row_has_the_frequencies(problem):
    features = np.full((ROWS, 1), 2.0, np.float32)
    found = fit(features, problem[1])
    frequency = np.bincount(problem[1], minlength=CLASSES) / ROWS
    expected = np.tile(frequency, (5, 1))
    np.testing.assert_allclose(found.probabilities(features[:5]), expected, atol=1e-4)


def test_a_class_that_was_never_seen_is_rare(problem):
    features, classes = problem
    found = fit_logit(features, np.minimum(classes, CLASSES - 2), CLASSES, prior=PRIOR)
    assert found.probabilities(features)[:, -1].mean() < 1e-3


def test_blocks_of_a_prediction_are_put_together(fitted, problem):
    many = np.tile(problem[0], (25, 1))  # more than one block of 2^16 rows
    assert len(many) > 1 << 16
    expected = np.tile(fitted.probabilities(problem[0]), (25, 1))
    np.testing.assert_allclose(fitted.probabilities(many), expected, atol=1e-6)
    assert fitted.probabilities(problem[0][:0]).shape == (0, CLASSES)


@pytest.mark.parametrize(
    ("features", "classes", "message"),
    [
        (np.zeros((0, 2)), [], "features: expected at least one row, got an empty set"),
        (np.zeros((3, 2)), [0, 1], "classes: expected 3, one a row, got 2"),
        ([[0.0, 1.0], [2.0, np.nan]], [0, 1], "finite numbers, got nan in row 1, column 1"),
        ([[np.inf, 1.0], [2.0, 0.0]], [0, 1], "finite numbers, got inf in row 0, column 0"),
        (np.zeros((2, 2)), [0, 3], "classes: expected 0 to 2, got 0 to 3"),
        (np.zeros((2, 2)), [-1, 2], "classes: expected 0 to 2, got -1 to 2"),
    ],
)
def test_what_cannot_be_fitted_is_refused(features, classes, message):
    with pytest.raises(PointsError, match=message):
        fit_logit(np.array(features, np.float32), np.array(classes, np.int64), 3)
