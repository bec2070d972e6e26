"""`sbp_jax.fit` as an estimator of scikit-learn, of the extra ``sklearn``.

    from sbp_jax.sklearn import SBPRegressor

    search = GridSearchCV(SBPRegressor(), {"learning_rate": [1e-3, 3e-3]}).fit(X, y)
    search.best_estimator_.predict_quantiles(X_new, [0.05, 0.5, 0.95])

It asks for scikit-learn when it is imported; `import sbp_jax` does not.
"""

from typing import Any, Final, Self

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

import sbp_jax
from sbp_jax.runs.extras import need_extras

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data
except ImportError:
    need_extras("sklearn")  # names what to install
    raise

_FEWEST: Final = 16  # rows that `sbp_jax.fit` takes validation rows from
_SEEDS: Final = 2**30  # leaves room for the members, who count on from theirs


class SBPRegressor(RegressorMixin, BaseEstimator):
    """A distribution of y given a table X, by a network.

    `predict` is the median, and `score` its R²; the distribution is `predict_law`. Of fewer than
    16 rows none are kept out of training, which leaves the epoch to be chosen by their own score.
    Sequences and weights of rows are not supported; `valid=` is that of `sbp_jax.fit` alone.

    Args:
        family: as of `sbp_jax.fit`, and so all that follow.
        cell: width of the cell that a value of y stands for; None for a continuous one.
        objective: what is minimised.
        network: sizes.
        optimizer: another than the usual one, of optax.
        epochs: passes over the rows.
        batch_size: rows of a step.
        learning_rate: peak of the schedule.
        weight_decay: decoupled, on kernels alone.
        members: networks, trained together.
        random_state: the seed of `sbp_jax.fit`; None or a `RandomState` draws one.
        devices: use the first so many.
        precision: of the network's arithmetic.
        missing: "refuse" or "fill" missing numbers.

    Attributes:
        model_: the fitted `sbp_jax.Model`, which can be saved and called on data frames.
        n_features_in_: columns of X.
        feature_names_in_: their names, if all of them are text.

    Raises:
        InputError: on `fit`: a setting is out of range.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(64, 2))
    >>> model = SBPRegressor(epochs=2).fit(X, X[:, 0])
    >>> model.predict(X[:3]).shape, model.predict_quantiles(X[:3], [0.1, 0.9]).shape
    ((3,), (3, 2))
    """

    def __init__(
        self,
        *,
        family: Any = None,
        cell: float | None = None,
        objective: str | None = None,
        network: Any = None,
        optimizer: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float = 1e-3,
        members: int = 1,
        random_state: Any = 0,
        devices: int = 1,
        precision: str = "float32",
        missing: str = "refuse",
    ) -> None:
        self.family = family
        self.cell = cell
        self.objective = objective
        self.network = network
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.members = members
        self.random_state = random_state
        self.devices = devices
        self.precision = precision
        self.missing = missing

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the distribution of y given X.

        Args:
            X: (B, S) table of numbers.
            y: (B,) the target.

        Raises:
            ValueError: arrays that do not fit, as scikit-learn or `sbp_jax.fit` (InputError) say.
        """
        values, target = validate_data(
            self, X, y, ensure_min_samples=2, y_numeric=True, **self._numbers
        )
        settings = self.get_params(deep=False)
        state = settings.pop("random_state")
        if state is None or hasattr(state, "randint"):
            state = int(check_random_state(state).randint(_SEEDS))
        if len(target) < _FEWEST:
            settings["valid"] = self._named(values), target
        self.model_ = sbp_jax.fit(
            self._named(values), target, seed=state, progress=False, **settings
        )
        return self

    def predict(self, X: Any) -> Float[NDArray, " B"]:
        """Medians (B,)."""
        return np.asarray(self.predict_law(X).median, np.float64)

    def predict_law(self, X: Any) -> "sbp_jax.Law":
        """The law of y for each row of X."""
        check_is_fitted(self)
        return self.model_(self._named(validate_data(self, X, reset=False, **self._numbers)))

    def predict_quantiles(self, X: Any, levels: ArrayLike) -> Float[NDArray, "B L"]:
        """Quantiles (B, L) at levels (L,) in (0, 1); (B,) at one level that is a number."""
        return np.asarray(self.predict_law(X).quantile(np.asarray(levels)), np.float64)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told of missing numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "fill"
        return tags

    @property
    def _numbers(self) -> dict[str, Any]:
        """How inputs are read."""
        finite = "allow-nan" if self.missing == "fill" else True
        return {"dtype": np.float64, "ensure_all_finite": finite}

    def _named(self, values: NDArray) -> Any:
        """The table with the names that X had, if any, so that the model knows them."""
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return values
        from polars import DataFrame

        return DataFrame(values, schema=list(names))
