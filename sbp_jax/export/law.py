"""The answer of a model served with NumPy alone: distributions in the unit of the target."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbp_jax.export.family import Family, Parameters

Floats = NDArray[np.floating]


class NumpyLaw:
    """Distributions of one family, a batch of them, as `sbp_jax.Law` is; float64 throughout.

    Methods take y of any shape that broadcasts with `shape` by NumPy's rules; levels of
    `quantile` are an axis of their own, the last.

    Args:
        family: of the distributions.
        parameters: arrays (B, ...) of them, the same B throughout.

    >>> from sbp_jax.export.family import Gaussian
    >>> law = NumpyLaw(Gaussian(0.0, 1.0), {"loc": np.array([0.0, 10.0]), "scale": np.ones(2)})
    >>> len(law), law.median.tolist(), law.quantile([0.05, 0.5, 0.95]).shape
    (2, [0.0, 10.0], (2, 3))
    """

    def __init__(self, family: Family, parameters: Parameters) -> None:
        self._family = family
        self._parameters = parameters

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch's, (B,)."""
        return np.shape(self._family.log_prob(self._parameters, np.zeros(())))

    def __len__(self) -> int:
        """How many there are."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> "NumpyLaw":
        """Some of the distributions, by whatever indexes the first axis of an array."""
        return NumpyLaw(self._family, _taken(self._parameters, rows))

    def log_prob(self, y: ArrayLike) -> Floats:
        """Log density at y, in nats; -inf outside the support."""
        return self._family.log_prob(self._parameters, np.asarray(y, np.float64))

    def cdf(self, y: ArrayLike) -> Floats:
        """Probability of y or less, accurate where it is small."""
        return self._family.cdf(self._parameters, np.asarray(y, np.float64))

    def sf(self, y: ArrayLike) -> Floats:
        """Probability of more than y, accurate where it is small."""
        return self._family.sf(self._parameters, np.asarray(y, np.float64))

    def quantile(self, levels: Sequence[float] | ArrayLike) -> Floats:
        """Quantiles.

        Args:
            levels: one number, or an array (k,) or of more axes; NaN comes of what is not in
                [0, 1].

        Returns:
            Of the batch's shape for one number, else with the axes of the levels behind it.
        """
        asked = np.asarray(levels, np.float64)
        levels = map(np.asarray, asked.reshape(-1))
        found = [self._family.quantile(self._parameters, level) for level in levels]
        return np.stack(found, axis=-1).reshape(*self.shape, *asked.shape)

    def interval(self, probability: float = 0.9) -> Floats:
        """Ends of the central interval of a probability, lower and upper on the last axis.

        Raises:
            ValueError: the probability is not in (0, 1).
        """
        if not 0 < probability < 1:
            raise ValueError(f"probability: expected a number in (0, 1), got {probability!r}")
        return self.quantile([(1 - probability) / 2, (1 + probability) / 2])

    @property
    def median(self) -> Floats:
        """Quantile at 1/2."""
        return self.quantile(0.5)


def _taken(parameters: Parameters, rows: Any) -> Parameters:
    return {
        name: _taken(value, rows) if isinstance(value, dict) else value[rows]
        for name, value in parameters.items()
    }
