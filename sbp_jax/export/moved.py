"""A family moved by a location and a scale: `y = m + s z`, as in `sbp_jax.distributions.moved`."""

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.family import Family, Parameters, at_values_of, clipped

Floats = NDArray[np.floating]
_WIDEST = 12.0  # largest |log(scale / spread)|


class Moved:
    """A family of z = (y - m) / s; without `location` m is the centre.

    >>> from sbp_jax.export.family import Gaussian
    >>> family = Moved(Gaussian(0.0, 1.0), center=7.0, spread=10.0, location=True)
    >>> parameters = family.constrain(np.zeros(family.num_outputs))
    >>> float(family.quantile(parameters, np.array(0.5)))
    7.0
    """

    def __init__(self, base: Family, center: float, spread: float, location: bool) -> None:
        self._base = base
        self._center, self._spread, self._location = center, spread, location
        self.num_own = 1 + location  # scale, and location
        self.num_outputs = base.num_outputs + self.num_own

    def constrain(self, raw: Floats) -> Parameters:
        """Those of the base, then the scale, then the location if it is emitted."""
        raw = clipped(raw)
        count = self._base.num_outputs
        scale = self._spread * np.exp(_WIDEST * np.tanh(raw[..., count] / _WIDEST))
        shift = raw[..., count + 1] if self._location else np.zeros_like(scale)
        base = self._base.constrain(raw[..., :count])
        return {"loc": self._center + self._spread * shift, "scale": scale, "base": base}

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """`log g(z) - log s`."""
        found = self._base.log_prob(parameters["base"], _standard(parameters, y))
        return found - np.log(parameters["scale"])

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function of the base at z."""
        return self._base.cdf(parameters["base"], _standard(parameters, y))

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Survival function of the base at z."""
        return self._base.sf(parameters["base"], _standard(parameters, y))

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """`m + s z` of the base's quantile z."""
        z = self._base.quantile(parameters["base"], q)
        return parameters["loc"] + parameters["scale"] * z


def _standard(parameters: Parameters, y: Floats) -> Floats:
    loc = parameters["loc"]
    return (at_values_of(loc, y) - loc) / parameters["scale"]
