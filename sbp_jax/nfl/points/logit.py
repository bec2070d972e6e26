r"""Multinomial logistic regression: probabilities of a few classes from a matrix of features.

    log p_k = z W_k + b_k - log sum_j exp(z W_j + b_j)

with z the features turned and scaled to mean 0 and covariance one (those directions left out in
which they do not vary), fitted by maximum likelihood with a normal prior on W, of which many rows
feel little and few rows much. The problem is convex: there is one answer, no seed, and nothing to
stop early. In z the curvature is nearly the same in all directions [1], so that optax's L-BFGS
needs tens of steps where it would need hundreds in the features themselves.

References:
    [1] Böhning (1992), "Multinomial logistic regression algorithm", Annals of the Institute of
    Statistical Mathematics 44: the Hessian is bounded by a multiple of the features' covariance.
"""

from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from sbp_jax.nfl.errors import PointsError

_FEW: Final = 1 << 10  # rows; fewer are padded to as many
_ROWS: Final = 1 << 16  # handled at once, which bounds the memory
_FLAT: Final = 1e-6  # directions with less variance, relative to the largest, are left out


@dataclass(frozen=True)
class Logit:
    """A fitted regression.

    Attributes:
        weights: (F, K) coefficients of the features as given.
        bias: (K,) intercepts.
        steps: iterations that the optimiser took.
        gradient: largest entry of the gradient before its last step; near 0 at the optimum.
    """

    weights: Float[np.ndarray, "F K"]
    bias: Float[np.ndarray, " K"]
    steps: int
    gradient: float

    def probabilities(self, features: Float[np.ndarray, "B F"]) -> Float[np.ndarray, "B K"]:
        """Probability of each class for each row of features."""
        blocks = [
            _softmax(features[at : at + _ROWS] @ self.weights + self.bias)
            for at in range(0, len(features), _ROWS)
        ]
        return np.concatenate(blocks) if blocks else np.zeros((0, len(self.bias)), np.float32)


def fit_logit(
    features: Float[np.ndarray, "B F"],
    classes: Int[np.ndarray, " B"],
    num_classes: int,
    *,
    prior: float = 30.0,
    max_steps: int = 100,
    tolerance: float = 2e-4,
) -> Logit:
    """Fit by maximum likelihood under a prior.

    Minimises the mean of -log p of the class seen plus ``prior / (2 B)`` times the sum of squared
    W: every W has a normal prior of variance ``1 / prior``.

    Args:
        features: (B, F) finite numbers.
        classes: (B,) class of each row, from 0.
        num_classes: K.
        prior: precision of the prior; above 0, as adding a number to all classes changes nothing.
        max_steps: most iterations.
        tolerance: stop where no entry of the gradient is larger.

    Raises:
        PointsError: no rows, lengths that differ, a feature that is not finite, or a class out
            of range.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 1)).astype(np.float32)
    >>> seen = (rng.random(4000) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(int)
    >>> fitted = fit_logit(x, seen, 2)
    >>> bool(abs(fitted.weights[0, 1] - fitted.weights[0, 0] - 2) < 0.2)
    True
    """
    _check(features, classes, num_classes)
    mean = features.mean(axis=0, dtype=np.float64)
    turn = _whitening(features, mean)
    # Fits of nearly as many rows, as those of folds are, share one compiled program.
    count, padded = len(features), _padded(len(features))
    z = np.zeros((padded, features.shape[1]), np.float32)
    np.matmul(features - mean.astype(features.dtype), turn, out=z[:count], casting="same_kind")
    found = _minimise(
        jnp.asarray(z),
        jnp.asarray(np.pad(classes, (0, padded - count)), jnp.int32),
        count,
        num_classes,
        prior / count,
        max_steps,
        tolerance,
    )
    (weights, bias), steps, gradient = jax.device_get(found)
    weights = turn @ weights
    bias = bias - (mean @ weights).astype(bias.dtype)
    return Logit(weights, bias, int(steps), float(gradient))


def _whitening(
    features: Float[np.ndarray, "B F"], mean: Float[np.ndarray, " F"]
) -> Float[np.ndarray, "F F"]:
    """Matrix that takes centred features to uncorrelated ones of variance one, or 0 if flat.

    Of the correlations, so that the units of features do not decide which directions are flat.
    """
    products = np.zeros((len(mean), len(mean)))
    for at in range(0, len(features), _ROWS):
        centred = features[at : at + _ROWS] - mean  # float64, whatever the features
        products += centred.T @ centred
    deviations = np.sqrt(np.diag(products) / len(features))
    # What varies by less than its own rounding does not vary.
    varies = deviations > np.finfo(np.float32).eps * np.abs(mean)
    scale = np.where(varies, 1 / np.where(varies, deviations, 1.0), 0.0)
    variances, directions = np.linalg.eigh(products / len(features) * np.outer(scale, scale))
    kept = variances > _FLAT * max(variances[-1], np.finfo(np.float64).tiny)
    length = np.where(kept, 1 / np.sqrt(np.where(kept, variances, 1.0)), 0.0)
    return (scale[:, None] * directions * length).astype(features.dtype)


def _padded(rows: int) -> int:
    """A number of rows at least as large, of which there are few: an eighth more at most."""
    step = max(1 << (rows.bit_length() - 4), 1) if rows > _FEW else _FEW
    return -(-rows // step) * step


@jax.jit(static_argnames="num_classes")
def _minimise(
    z: Float[Array, "B F"],
    seen: Int[Array, " B"],
    count: int,
    num_classes: int,
    ridge: float,
    max_steps: int,
    tolerance: float,
) -> Any:
    def loss(params: tuple[Array, Array]) -> Array:
        weights, bias = params
        log_p = jax.nn.log_softmax(z @ weights + bias[None, :])
        of_seen = jnp.take_along_axis(log_p, seen[:, None], axis=1)[:, 0]
        fit = -jnp.sum(jnp.where(jnp.arange(len(seen)) < count, of_seen, 0.0)) / count
        return fit + 0.5 * ridge * jnp.sum(weights**2)

    optimiser = optax.lbfgs()
    value_and_grad = optax.value_and_grad_from_state(loss)

    def step(carry: Any) -> Any:
        params, state, count, _ = carry
        value, grad = value_and_grad(params, state=state)
        updates, state = optimiser.update(
            grad, state, params, value=value, grad=grad, value_fn=loss
        )
        # There are no weights where no feature varies.
        largest = jnp.maximum(jnp.max(jnp.abs(grad[0]), initial=0.0), jnp.max(jnp.abs(grad[1])))
        return optax.apply_updates(params, updates), state, count + 1, largest

    start = (jnp.zeros((z.shape[1], num_classes)), jnp.zeros(num_classes))
    params, _, steps, gradient = jax.lax.while_loop(
        lambda carry: (carry[2] < max_steps) & (carry[3] > tolerance),
        step,
        (start, optimiser.init(start), 0, jnp.inf),
    )
    return params, steps, gradient


def _softmax(logits: Float[np.ndarray, "b K"]) -> Float[np.ndarray, "b K"]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _check(features: np.ndarray, classes: np.ndarray, num_classes: int) -> None:
    if not len(features):
        raise PointsError("features: expected at least one row, got an empty set")
    if len(features) != len(classes):
        raise PointsError(f"classes: expected {len(features)}, one a row, got {len(classes)}")
    if not np.isfinite(features).all():
        row, column = np.argwhere(~np.isfinite(features))[0]
        raise PointsError(
            f"features: expected finite numbers, got {features[row, column]} in row {row}, "
            f"column {column}"
        )
    if classes.min() < 0 or classes.max() >= num_classes:
        raise PointsError(
            f"classes: expected 0 to {num_classes - 1}, got {classes.min()} to {classes.max()}"
        )
