"""The answer of a model served with NumPy alone: distributions in the unit of the target."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbp_jax.export.family import Family, Parameters, defined_by

Floats = NDArray[np.floating]


class NumpyLaw:
    """Distributions of one family, a batch of them, as `sbp_jax.Law` is; float64 throughout.

    Methods take y of any shape that broadcasts with `shape` by NumPy's rules; levels of
    `quantile` are an axis of their own, the last.

    Args:
        family: of the distributions.
        parameters: arrays of them, all with the batch's axes first.
        shape: of the batch.

    Attributes:
        shape: of the batch.

    >>> from sbp_jax.export.family import Gaussian
    >>> parameters = {"loc": np.array([0.0, 10.0]), "scale": np.ones(2)}
    >>> law = NumpyLaw(Gaussian(0.0, 1.0), parameters, (2,))
    >>> len(law), law.median.tolist(), law.quantile([0.05, 0.5, 0.95]).shape
    (2, [0.0, 10.0], (2, 3))
    """

    def __init__(self, family: Family, parameters: Parameters, shape: tuple[int, ...]) -> None:
        self._family = family
        self._parameters = parameters
        self.shape = shape

    def __len__(self) -> int:
        """How many there are along the first axis.

        Raises:
            TypeError: there is one, without an axis.
        """
        if not self.shape:
            raise TypeError("law: expected a batch of distributions, got one, which has no length")
        return self.shape[0]

    def __getitem__(self, rows: Any) -> "NumpyLaw":
        """Some of the distributions, by whatever indexes an array of the batch's shape."""
        numbers = np.arange(math.prod(self.shape)).reshape(self.shape)[rows]
        parameters = _taken(self._parameters, numbers, self.shape)
        return NumpyLaw(self._family, parameters, np.shape(numbers))

    def log_prob(self, y: ArrayLike) -> Floats:
        """Log density at y, in nats; -inf outside the support."""
        return self._defined(self._family.log_prob(self._parameters, np.asarray(y, np.float64)))

    def cdf(self, y: ArrayLike) -> Floats:
        """Probability of y or less, accurate where it is small."""
        return self._defined(self._family.cdf(self._parameters, np.asarray(y, np.float64)))

    def sf(self, y: ArrayLike) -> Floats:
        """Probability of more than y, accurate where it is small."""
        return self._defined(self._family.sf(self._parameters, np.asarray(y, np.float64)))

    def quantile(self, levels: Sequence[float] | ArrayLike) -> Floats:
        """Quantiles.

        Args:
            levels: one number, or an array (k,) or of more axes; NaN comes of what is not in
                [0, 1].

        Returns:
            Of the batch's shape for one number, else with the axes of the levels behind it.
        """
        asked = np.asarray(levels, np.float64)
        found = np.empty((*self.shape, asked.size))
        for i, level in enumerate(asked.flat):
            value = self._family.quantile(self._parameters, np.asarray(level))
            found[..., i] = self._defined(value)
        return found.reshape((*self.shape, *asked.shape))

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

    def _defined(self, values: Floats) -> Floats:
        """The values, NaN of a distribution of which a parameter is."""
        return defined_by(values, self._parameters, self.shape)


def _taken(parameters: Parameters, numbers: NDArray, shape: tuple[int, ...]) -> Parameters:
    """Parameters of the distributions of some numbers, counted through a batch of that shape."""
    return {
        name: _taken(value, numbers, shape)
        if isinstance(value, dict)
        else value.reshape(-1, *value.shape[len(shape) :])[numbers]
        for name, value in parameters.items()
    }
