"""What is compared on public tables: laws of several heads on one network, and of boosted trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

import sbp_jax
from sbp_jax.arrays.choose_family import FamilyLike, moving_bins
from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    Law,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.runs.ranges import refuse_out_of_range
from sbp_jax.training.objective import ObjectiveName

SBP: Final = "SBP"
LEVELS: Final = (0.005, 0.01, 0.025, *(k / 20 for k in range(1, 20)), 0.975, 0.99, 0.995)
_BINS: Final = 60
_VALIDATION: Final = 8  # one row in so many stops the boosting
_TREES: Final[dict[str, object]] = {
    "objective": "reg:quantileerror",
    "quantile_alpha": np.array(LEVELS),
    "tree_method": "hist",
    "max_depth": 5,
    "eta": 0.05,
    "min_child_weight": 1,
    "subsample": 0.8,
}
_ROUNDS: Final = 1_000
_PATIENCE: Final = 30


class Split(NamedTuple):
    """A table, and the rows to train on and to test on."""

    x: Float[NDArray, "B S"]
    y: Float[NDArray, " B"]
    train: Int[NDArray, " n"]
    test: Int[NDArray, " b"]


Laws = Mapping[int, Law]
"""Of the test rows of a split, by the number of networks."""


@dataclass(frozen=True)
class Networks:
    """A head on the network of `sbp_jax.fit`; None leaves a choice to it.

    Attributes:
        family: of distributions.
        objective: what it is trained by.
    """

    family: FamilyLike | None = None
    objective: ObjectiveName | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing can be trained by."""
        refuse_out_of_range(self)

    def laws(self, splits: Sequence[Split], members: Sequence[int], seed: int) -> list[Laws]:
        """Those of each split of one table; all networks that can be are trained together.

        Fewer networks are the first of the most.
        """
        models = sbp_jax.fit_each(
            splits[0].x,
            splits[0].y,
            [split.train for split in splits],
            family=self.family,
            objective=self.objective,
            members=max(members),
            seed=seed,
            progress=False,
        )
        return [
            {count: model.first(count)(split.x[split.test]) for count in members}
            for model, split in zip(models, splits, strict=True)
        ]


class BoostedQuantiles:
    """Quantiles of boosted trees, made a law with tails by `Law.from_quantiles`.

    Reference: Chen and Guestrin (2016), "XGBoost: A scalable tree boosting system", KDD.
    """

    def laws(self, splits: Sequence[Split], members: Sequence[int], seed: int) -> list[Laws]:
        """Those of each split; the number of networks means nothing here, and is 1."""
        del members
        return [{1: self._law(split, seed)} for split in splits]

    def _law(self, split: Split, seed: int) -> Law:
        xgboost = import_module("xgboost")
        order = np.random.default_rng(seed).permutation(split.train)
        kept_out = len(order) // _VALIDATION
        train, valid = (
            xgboost.DMatrix(split.x[rows], split.y[rows])
            for rows in (order[kept_out:], order[:kept_out])
        )
        booster = xgboost.train(
            _TREES | {"seed": seed},
            train,
            num_boost_round=_ROUNDS,
            evals=[(valid, "valid")],
            early_stopping_rounds=_PATIENCE,
            verbose_eval=False,
        )
        trees = (0, booster.best_iteration + 1)
        test = xgboost.DMatrix(split.x[split.test])
        return Law.from_quantiles(LEVELS, booster.predict(test, iteration_range=trees))


def binned(y: Float[NDArray, " B"]) -> Binned:
    """A histogram of as many rows a bin, two spreads wider than the target on either side."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, _BINS + 1)))
    return Binned(np.concatenate([[edges[0] - 2], edges, [edges[-1] + 2]]))


def fixed_bins(y: Float[NDArray, " B"]) -> SplicedBinnedPareto:
    """A spliced law on bins of as many rows each, which stay where they are."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, _BINS + 1)))
    return SplicedBinnedPareto(edges, 0.01, splice="edge")


METHODS: Final[Mapping[str, Networks | BoostedQuantiles]] = {
    SBP: Networks(),
    "Binned": Networks(binned, "density_nll"),
    "Gaussian": Networks(Gaussian(), "density_nll"),
    "Student t": Networks(StudentT(), "density_nll"),
    "Gaussian mixture": Networks(GaussianMixture(5), "density_nll"),
    "quantiles": Networks(QuantileHead(LEVELS), "pinball"),
    "boosted quantiles": BoostedQuantiles(),
    "one top": Networks(moving_bins(tops=1)),
    "fast shape": Networks(moving_bins(pace=1.0)),
    "on density": Networks(moving_bins(), "density_nll"),
    "fixed bins": Networks(fixed_bins),
}
"""The default law, others on its network, trees, and the default law without each of its parts."""
COMPARED: Final = tuple(METHODS)[:7]
