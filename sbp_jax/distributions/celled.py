"""What a family offers once its parameters are cells and tails; formulas stand in `cells`."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions import cells
from sbp_jax.distributions.bins import random_levels
from sbp_jax.distributions.elementary import defined_by
from sbp_jax.distributions.family import Derived, P, batch_shape, compiled, compiled_sample

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]


class Celled(Derived[P]):
    """Methods of a family whose F is linear between points, with Pareto tails beyond."""

    def _prepare(
        self, params: P, *values: Value
    ) -> tuple[cells.Cells, cells.Tails, tuple[Array, ...]]:
        """Cells and tails of the parameters, aligned with the values."""
        raise NotImplementedError

    def _defined(
        self, params: P, *values: Value
    ) -> tuple[cells.Cells, cells.Tails, tuple[Array, ...]]:
        """The same; where a parameter is NaN, values and scales are made so."""
        grid, tails, found = self._prepare(params, *values)
        known = sum(tails, start=jnp.sum(grid.left + grid.right + grid.mass, axis=-1))
        lower_scale, upper_scale = (
            defined_by(x, known) for x in (tails.lower_scale, tails.upper_scale)
        )
        tails = tails._replace(lower_scale=lower_scale, upper_scale=upper_scale)
        return grid, tails, tuple(defined_by(x, known) for x in found)

    @compiled
    def log_prob(self, params: P, y: Value) -> Result:
        """Log density; a cell owns its left end."""
        grid, tails, (y,) = self._defined(params, y)
        return cells.log_prob(grid, tails, y)

    @compiled
    def cdf(self, params: P, y: Value) -> Result:
        """Distribution function."""
        return jnp.exp(self.log_cdf(params, y))

    @compiled
    def log_cdf(self, params: P, y: Value) -> Result:
        """Log distribution function, accurate near F = 0 and near F = 1."""
        grid, tails, (y,) = self._defined(params, y)
        return cells.log_cdf(grid, tails, y)

    @compiled
    def sf(self, params: P, y: Value) -> Result:
        """Survival function 1 - F, accurate where it is small."""
        return jnp.exp(self.log_sf(params, y))

    @compiled
    def log_sf(self, params: P, y: Value) -> Result:
        """Log survival function, accurate near F = 0 and near F = 1."""
        grid, tails, (y,) = self._defined(params, y)
        return cells.log_sf(grid, tails, y)

    @compiled
    def log_interval(self, params: P, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi]: the sum of what it covers of both tails and of each cell.

        All parts are positive, so nothing cancels. Either end may be infinite; -inf where
        hi <= lo.
        """
        grid, tails, (lo, hi) = self._defined(params, lo, hi)
        return cells.log_interval(grid, tails, lo, hi)

    @compiled
    def quantile(self, params: P, q: Value) -> Result:
        """Inverse of F, in closed form; ends of the support at 0 and 1, NaN outside [0, 1]."""
        grid, tails, (q,) = self._defined(params, q)
        return jnp.where((q >= 0) & (q <= 1), cells.quantile(grid, tails, q, 1 - q), jnp.nan)

    @compiled
    def mean(self, params: P) -> Result:
        """Expected value; infinite where a tail has none."""
        grid, tails, _ = self._defined(params)
        return cells.mean(grid, tails)

    @compiled
    def variance(self, params: P) -> Result:
        """Variance, summed about the mean, so that nothing cancels; inf where a tail has none."""
        grid, tails, _ = self._defined(params)
        return cells.square_about(grid, tails, cells.mean(grid, tails))

    @compiled
    def entropy(self, params: P) -> Result:
        """Differential entropy `-E log f(Y)`, in nats; what is empty adds 0."""
        grid, tails, _ = self._prepare(params)
        return cells.entropy(grid, tails)

    @compiled_sample
    def sample(self: Any, key: PRNGKeyArray, params: P, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion; gradients are those of the quantile at fixed levels."""
        grid, *_ = self._defined(params)
        levels = random_levels(key, (*shape, *batch_shape(self, params)), grid.left.dtype)
        grid, tails, (level, complement) = self._defined(params, *levels)
        return cells.quantile(grid, tails, level, complement)

    @compiled
    def crps(self, params: P, y: Value) -> Result:
        """Continuous ranked probability score, in closed form; see `cells.crps`."""
        grid, tails, (y,) = self._defined(params, y)
        return cells.crps(grid, tails, y)

    @compiled
    def twcrps(
        self, params: P, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        """Threshold-weighted CRPS from `lower` to `upper`, in closed form; see `cells.twcrps`."""
        grid, tails, ends = self._defined(params, y, lower, upper)
        return cells.twcrps(grid, tails, *ends)
