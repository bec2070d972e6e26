"""Mixtures in NumPy: of any family, as an ensemble's law is one, and of normal distributions."""

import math

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.bins import log_sum_exp, softmax
from sbp_jax.export.family import Family, Gaussian, Parameters, clipped, normal_quantile, positive
from sbp_jax.export.moved import Moved
from sbp_jax.export.search import invert

Floats = NDArray[np.floating]
_NARROWEST = 1e-2  # scale of a normal component, as a fraction of that at raw zeros


class Mixture:
    """Mixture of distributions of one family; components are the last batch axis of the base.

    >>> family = Mixture(Gaussian(0.0, 1.0), components=2)
    >>> base = {"loc": np.array([-1.0, 3.0]), "scale": np.ones(2)}
    >>> float(family.quantile({"logits": np.zeros(2), "base": base}, np.array(0.5)).round(6))
    1.0
    """

    def __init__(self, base: Family, components: int) -> None:
        self._base = base
        self._components = components
        self.num_outputs = components * (1 + base.num_outputs)

    def constrain(self, raw: Floats) -> Parameters:
        """Logits of the weights, then the outputs of each component."""
        raw = clipped(raw)
        logits, own = raw[..., : self._components], raw[..., self._components :]
        shape = (*raw.shape[:-1], self._components, self._base.num_outputs)
        return {"logits": logits, "base": self._base.constrain(own.reshape(shape))}

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """`log sum_i w_i f_i(y)`."""
        logits = parameters["logits"]
        found = self._base.log_prob(parameters["base"], _expanded(y))
        terms = logits - log_sum_exp(logits)[..., None] + found
        none = (terms == -np.inf).all(axis=-1)
        total = log_sum_exp(np.where(none[..., None], 0.0, terms))
        return np.where(none, -np.inf, total)

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """`sum_i w_i F_i(y)`."""
        return _mean(parameters["logits"], self._base.cdf(parameters["base"], _expanded(y)))

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """`sum_i w_i (1 - F_i(y))`."""
        return _mean(parameters["logits"], self._base.sf(parameters["base"], _expanded(y)))

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F by a search between the components' quantiles."""
        points = self._base.quantile(parameters["base"], _expanded(q))
        low, high = points.min(axis=-1), points.max(axis=-1)
        q = np.broadcast_to(q, low.shape)
        inside = (q > 0) & (q < 1)
        ends = np.where(q == 0, low, np.where(q == 1, high, np.nan))
        found = invert(
            self,
            parameters,
            parameters["logits"].ndim - 1,
            np.where(inside, q, 0.5),
            np.where(inside, low, -1.0),
            np.where(inside, high, 1.0),
        )
        return np.where(inside, found, ends)


class Tops(Mixture):
    """Mixture of one shape at several places; the components' parameters repeat the shape's."""

    def __init__(self, base: Moved, components: int) -> None:
        super().__init__(base, components)
        self._shape = base.num_outputs - base.num_own
        self.num_outputs = self._shape + components * (1 + base.num_own)

    def constrain(self, raw: Floats) -> Parameters:
        """Logits of the weights, the outputs of the shape, then those of each place."""
        logits, shape, own = np.split(raw, [self._components, self._components + self._shape], -1)
        own = own.reshape(*raw.shape[:-1], self._components, -1)
        shape = np.broadcast_to(shape[..., None, :], (*own.shape[:-1], self._shape))
        each = np.concatenate([shape, own], axis=-1).reshape(*raw.shape[:-1], -1)
        return super().constrain(np.concatenate([logits, each], axis=-1))


class GaussianMixture(Mixture):
    """Mixture of normal distributions, spread over the data's own range at raw zeros."""

    def __init__(self, components: int, center: float, spread: float) -> None:
        super().__init__(Gaussian(center, spread), components)
        self._center, self._spread = center, spread

    def constrain(self, raw: Floats) -> Parameters:
        """Logits, then shifts of the locations in units of the spread, then scales."""
        logits, shifts, widths = np.split(clipped(raw), 3, axis=-1)
        count = self._components
        starts = normal_quantile((np.arange(count) + 0.5) / count)
        rest = math.sqrt(1 - float(np.sum(starts**2)) / count)
        locs = self._center + self._spread * (shifts + starts.astype(raw.dtype))
        scales = positive(widths, self._spread * rest, _NARROWEST)
        return {"logits": logits, "base": {"loc": locs, "scale": scales}}


def _mean(logits: Floats, probabilities: Floats) -> Floats:
    """Of the components' probabilities, no more than 1 by rounding."""
    return np.minimum(np.sum(softmax(logits) * probabilities, axis=-1), 1.0)


def _expanded(values: Floats) -> Floats:
    return np.asarray(values)[..., None]
