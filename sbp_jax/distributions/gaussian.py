r"""The normal distribution as a predictive family: the comparator without heavy tails.

Symbols: mu location, sigma scale, z = (y - mu) / sigma, Phi and phi distribution function and
density of the standard normal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.arguments import Number
from sbp_jax.distributions.bins import check_raw
from sbp_jax.distributions.elementary import align, at_ends, defined_by, divide_end, positive
from sbp_jax.distributions.family import Derived, compiled, compiled_sample
from sbp_jax.distributions.raw_zeros import keep_location_scale
from sbp_jax.distributions.standard_normal import (
    HALF_LOG_2PI,
    log_between,
    log_upper,
    mean_distance,
)

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the spread


@dataclass(frozen=True)
class Gaussian(Derived):
    """Normal distribution with raw zeros at the data's own location and spread.

    Args:
        center: location at raw zeros, in the unit of the target.
        spread: standard deviation at raw zeros, > 0.

    >>> family = Gaussian(center=7.0, spread=10.0)
    >>> family.constrain(jnp.zeros(2))
    Params(loc=Array(7., dtype=float32), scale=Array(10., dtype=float32))
    """

    center: Number = 0.0
    spread: Number = 1.0

    class Params(NamedTuple):
        """Mean and standard deviation, in the unit of the target."""

        loc: Float[Array, "*batch"]
        scale: Float[Array, "*batch"]

    def __post_init__(self) -> None:
        keep_location_scale(self)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(self.spread)

    @property
    def num_outputs(self) -> int:
        """Location and scale."""
        return 2

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """`loc = center + spread raw_0`, `scale = spread softplus(raw_1) / log 2` above a floor."""
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        loc = self.center + self.spread * raw[..., 0]
        return self.Params(loc, positive(raw[..., 1], self.spread, _SCALE_FLOOR))

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `-z^2 / 2 - log sigma - log(2 pi) / 2`."""
        loc, scale, y = align(*params, y)
        return at_ends(
            lambda y: -0.5 * divide_end(y - loc, scale) ** 2 - jnp.log(scale) - HALF_LOG_2PI,
            y, -jnp.inf, -jnp.inf,
        )  # fmt: skip

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function Phi(z)."""
        loc, scale, y = align(*params, y)
        return at_ends(lambda y: jax.scipy.special.ndtr(divide_end(y - loc, scale)), y, 0.0, 1.0)

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log Phi(z), also far below where Phi itself underflows."""
        loc, scale, y = align(*params, y)
        return at_ends(lambda y: log_upper(divide_end(loc - y, scale)), y, -jnp.inf, 0.0)

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function Phi(-z)."""
        loc, scale, y = align(*params, y)
        return at_ends(lambda y: jax.scipy.special.ndtr(divide_end(loc - y, scale)), y, 1.0, 0.0)

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """Log Phi(-z), also far above where the survival function underflows."""
        loc, scale, y = align(*params, y)
        return at_ends(lambda y: log_upper(divide_end(y - loc, scale)), y, 0.0, -jnp.inf)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """log(Phi(z_hi) - Phi(z_lo)), without cancellation; -inf where hi <= lo.

        Either end may be infinite.
        """
        loc, scale, lo, hi = align(*params, lo, hi)
        low, high, width = (divide_end(x, scale) for x in (lo - loc, hi - loc, hi - lo))
        return log_between(low, high, width)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """`mu + sigma Phi^-1(q)`; infinite at 0 and 1, NaN outside [0, 1]."""
        loc, scale, q = align(*params, q)
        inside = (q > 0) & (q < 1)
        value = loc + scale * jax.scipy.special.ndtri(jnp.where(inside, q, 0.5))
        end = jnp.where(q == 0, -jnp.inf, jnp.where(q == 1, jnp.inf, jnp.nan))
        return defined_by(jnp.where(inside, value, end), value)

    def median(self, params: Params) -> Result:
        """The location."""
        return self.mean(params)

    @compiled
    def mean(self, params: Params) -> Result:
        """The location."""
        loc, scale = align(*params)
        return defined_by(loc, loc + scale)

    @compiled
    def variance(self, params: Params) -> Result:
        """The squared scale."""
        loc, scale = align(*params)
        return defined_by(scale**2, loc + scale)

    @compiled
    def entropy(self, params: Params) -> Result:
        """Differential entropy `log sigma + log(2 pi e) / 2`, in nats."""
        loc, scale = align(*params)
        return defined_by(jnp.log(scale) + HALF_LOG_2PI + 0.5, loc)

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws `mu + sigma epsilon`, differentiable in both."""
        loc, scale = jnp.broadcast_arrays(*align(*params))
        epsilon = jax.random.normal(key, (*shape, *loc.shape), loc.dtype)
        loc, scale, epsilon = align(loc, scale, epsilon)
        return loc + scale * epsilon

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score `sigma (z (2 Phi(z) - 1) + 2 phi(z) - pi^-1/2)`.

        Reference: Gneiting and Raftery (2007), Journal of the American Statistical Association.
        """
        loc, scale, y = align(*params, y)

        return at_ends(
            lambda y: mean_distance(y - loc, scale, 1 / math.sqrt(math.pi)), y, jnp.inf, jnp.inf
        )
