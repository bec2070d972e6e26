"""Gradient-boosted trees as a rival: a point prediction of the median by XGBoost.

It sees the static facts of a play and minimises the absolute error, so what it predicts is a
median; it says nothing about the rest of the distribution.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Real

from sbp_jax.errors import EvaluationError, MissingExtraError

PARAMETERS: Final[dict[str, object]] = {
    "objective": "reg:absoluteerror",
    "eval_metric": "mae",
    "tree_method": "hist",
    "max_depth": 6,
    "eta": 0.2,
    "min_child_weight": 100,
}
"""Of a dozen settings (depth 6 to 8, rate 0.1 to 0.3, leaves of 1 to 300 plays, rows and columns
sampled or not) the one with the lowest absolute error on the validation season 2017."""

ROUNDS: Final = 600
PATIENCE: Final = 30
"""Most trees, and trees without a gain on the validation set after which to stop."""


@dataclass(frozen=True)
class BoostedMedian:
    """Fitted trees that predict a median.

    Attributes:
        booster: the fitted `xgboost.Booster`.
        trees: how many of its trees are used: up to the best round on the validation set.
        validation_mae: mean absolute error there before rounding, in yards.
    """

    booster: Any
    trees: int
    validation_mae: float

    def predict(self, features: Float[np.ndarray, "B S"]) -> Float[np.ndarray, " B"]:
        """Predicted median of each row, a whole number of yards.

        Rounded, as the median of whole yards is whole: it lowers the absolute error a little.
        """
        matrix = _xgboost().DMatrix(features)
        return np.rint(
            self.booster.predict(matrix, iteration_range=(0, self.trees)), dtype=np.float64
        )


def fit_boosted_median(
    features: Float[np.ndarray, "B S"],
    y: Real[np.ndarray, " B"],
    validation_features: Float[np.ndarray, "V S"],
    validation_y: Real[np.ndarray, " V"],
    *,
    seed: int = 0,
    threads: int = 1,
) -> BoostedMedian:
    """Boost regression trees on the absolute error, stopping early on a validation set.

    The same input gives the same trees.

    Args:
        features: (B, S) facts of the training plays; NaN counts as missing.
        y: (B,) yards gained.
        validation_features: (V, S) facts of plays of another season.
        validation_y: (V,) yards gained.
        seed: of XGBoost; no part of the default parameters is random.
        threads: processor cores to use. Its threads wait for each other busily, so that two on
            a busy machine of two cores take longer than one.

    Raises:
        MissingExtraError: XGBoost is not installed.
        EvaluationError: no plays.

    References:
        Chen and Guestrin (2016), "XGBoost: A scalable tree boosting system", KDD.
    """
    if not y.size or not validation_y.size:
        raise EvaluationError(
            f"expected plays to train and to validate on, got {y.size} and {validation_y.size}"
        )
    xgboost = _xgboost()
    train = xgboost.QuantileDMatrix(features, y, nthread=threads)
    validation = xgboost.QuantileDMatrix(
        validation_features, validation_y, ref=train, nthread=threads
    )
    booster = xgboost.train(
        PARAMETERS | {"seed": seed, "nthread": threads},
        train,
        num_boost_round=ROUNDS,
        evals=[(validation, "validation")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    return BoostedMedian(booster, booster.best_iteration + 1, float(booster.best_score))


def _xgboost() -> Any:
    try:
        return import_module("xgboost")
    except ImportError as error:
        raise MissingExtraError(
            'boosted trees need XGBoost, which is not installed: pip install "sbp-jax[xgboost]"'
        ) from error
