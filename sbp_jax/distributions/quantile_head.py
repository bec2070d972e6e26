r"""Predicted quantiles at fixed levels, completed to a distribution.

Symbols: levels 0 < tau_1 < ... < tau_K < 1, quantiles q_1 < ... < q_K, widths
w_k = q_(k+1) - q_k, masses m_k = tau_(k+1) - tau_k, exponential scales lambda:

    F(y) = tau_1 exp(-(q_1 - y) / lambda_L)                y < q_1,   lambda_L = tau_1 w_1 / m_1
         = tau_k + m_k (y - q_k) / w_k                     q_k <= y < q_(k+1)
         = 1 - (1 - tau_K) exp(-(y - q_K) / lambda_U)      y >= q_K,  lambda_U likewise

F is continuous, and so is the density at q_1 and at q_K: lambda is the mass of the tail over the
density beside it. It jumps at the other quantiles.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions import cells
from sbp_jax.distributions.arguments import Number, Numbers, row
from sbp_jax.distributions.bins import check_raw, prefix_sums
from sbp_jax.distributions.celled import Celled
from sbp_jax.distributions.elementary import align_with, positive
from sbp_jax.distributions.family import compiled
from sbp_jax.distributions.raw_zeros import keep_location_scale
from sbp_jax.errors import InputError

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_STEP_FLOOR = 1e-3  # lowest step between quantiles, as a fraction of the one at raw zeros
_NARROWEST = 1e-12  # in spreads: narrower cells count as this wide, so that slopes stay finite


@dataclass(frozen=True, init=False)
class QuantileHead(Celled):
    """Distribution given by its quantiles: uniform between them, exponential tails beyond.

    Formulas stand at the top of this module; F is exactly a level at its quantile. Quantiles
    must increase; where two coincide, the mass between them counts as an atom 1e-12 spreads wide,
    and nothing is NaN.

    Args:
        levels: at least 2 strictly increasing numbers in (0, 1), stored as a tuple.
        center: median at raw zeros, in the unit of the target.
        spread: standard deviation at raw zeros, > 0: the quantiles are the normal's.

    >>> family = QuantileHead([0.1, 0.5, 0.9], center=7.0, spread=10.0)
    >>> family.constrain(jnp.zeros(3)).quantiles.round(2).tolist()
    [-5.81..., 7.0, 19.81...]
    """

    levels: tuple[float, ...]
    center: Number
    spread: Number

    class Params(NamedTuple):
        """Quantiles at the levels, increasing, in the unit of the target."""

        quantiles: Float[Array, "*batch levels"]

    def __init__(self, levels: Numbers, center: Number = 0.0, spread: Number = 1.0) -> None:
        object.__setattr__(self, "levels", _check_levels(levels))
        object.__setattr__(self, "center", center)
        object.__setattr__(self, "spread", spread)
        keep_location_scale(self)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(self.spread)

    @property
    def num_outputs(self) -> int:
        """One for each level."""
        return len(self.levels)

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """Increasing quantiles from raw numbers; zeros give those of the normal law.

        With z_k the standard normal quantiles at the levels: the first is
        `center + spread (z_1 + raw_1)`, unconstrained; each other one is
        `spread (z_k - z_(k-1)) softplus(raw_k) / log 2` above the one before, and at least a
        thousandth of that at 0. Where that is lost in rounding next to the largest quantile, the
        step is a few roundings, so that quantiles still increase.
        """
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        normal = np.array([NormalDist().inv_cdf(level) for level in self.levels])
        at_zero = self._static(self.spread * np.diff(normal), raw)
        steps = at_zero * positive(raw[..., 1:], 1.0, _STEP_FLOOR)
        first = self.center + self.spread * (normal[0].item() + raw[..., :1])
        largest = jnp.abs(first) + jnp.sum(steps, axis=-1, keepdims=True)
        least = 4 * self.num_outputs * jnp.finfo(raw.dtype).eps * jax.lax.stop_gradient(largest)
        steps = jnp.maximum(steps, least)
        return self.Params(prefix_sums(jnp.concatenate([first, steps], axis=-1)))

    @compiled
    def pinball(self, params: Params, y: Value) -> Result:
        """Mean over the levels of the pinball loss `max(tau (y - q), (tau - 1) (y - q))`.

        In the unit of y. Its minimiser is the quantiles at the levels, whatever lies between
        them. For many levels evenly spread over (0, 1) it is half the CRPS. At y = q, where the
        loss has a kink, the slope is the mean of both sides'.

        Reference: Koenker and Bassett (1978), Econometrica 46.

        >>> family = QuantileHead([0.25, 0.75])
        >>> float(family.pinball(family.Params(jnp.array([0.0, 4.0])), 2.0))
        0.5
        """
        quantiles, y = align_with(params.quantiles, y)
        tau = self._static(np.array(self.levels), quantiles)
        error = y[..., None] - quantiles
        return jnp.mean(jnp.maximum(tau * error, (tau - 1) * error), axis=-1)

    def knots(self, params: Params) -> Float[Array, "*batch knots"]:
        """The quantiles, where the density jumps."""
        return align_with(params.quantiles)[0]

    def _static(self, values: np.ndarray, like: Array) -> Array:
        """A row of numbers in the dtype and rank of `like`."""
        return jnp.asarray(values, like.dtype).reshape((1,) * (like.ndim - 1) + (-1,))

    def _prepare(
        self, params: Params, *values: Value
    ) -> tuple[cells.Cells, cells.Tails, tuple[Array, ...]]:
        quantiles, *rest = align_with(params.quantiles, *values)
        levels = np.array(self.levels)
        masses = np.diff(levels)
        left, right = quantiles[..., :-1], quantiles[..., 1:]
        width = jnp.maximum(right - left, _NARROWEST * self.spread)
        below, above, mass = (
            self._static(x, quantiles) for x in (levels[:-1], 1 - levels[1:], masses)
        )
        first, last = quantiles[..., 0], quantiles[..., -1]
        shape = jnp.zeros_like(first)
        tails = cells.Tails(
            first=first,
            last=last,
            lower_shape=shape,
            lower_scale=width[..., 0] * (levels[0] / masses[0]).item(),
            upper_shape=shape,
            upper_scale=width[..., -1] * ((1 - levels[-1]) / masses[-1]).item(),
            log_lower=jnp.full_like(first, math.log(levels[0])),
            log_upper=jnp.full_like(first, math.log1p(-levels[-1])),
        )
        return cells.Cells(below, above, mass, left, right, width), tails, tuple(rest)


def _check_levels(levels: Numbers) -> tuple[float, ...]:
    """Return the levels as a tuple; InputError unless at least 2, increasing, inside (0, 1)."""
    array = row("levels", levels)
    if array.ndim != 1 or array.size < 2:
        raise InputError(f"levels: expected at least 2 numbers in one row, got {levels!r}")
    if not (np.all(array > 0) and np.all(array < 1) and np.all(np.diff(array) > 0)):
        raise InputError(
            f"levels: expected strictly increasing numbers in (0, 1), got {array.tolist()}"
        )
    return tuple(array.tolist())
