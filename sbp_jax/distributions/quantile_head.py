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
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.bins import Edges, check_raw, log_of_either, prefix_sums, random_levels
from sbp_jax.distributions.elementary import align_with, log_dot, log_sum, positive, safe_log
from sbp_jax.distributions.family import Derived, compiled, compiled_sample
from sbp_jax.distributions.raw_zeros import check_location_scale

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_STEP_FLOOR = 1e-3  # lowest step between quantiles, as a fraction of the one at raw zeros
_NARROWEST = 1e-12  # in spreads: narrower cells count as this wide, so that slopes stay finite


class _Grid(NamedTuple):
    """What stands fixed by the levels, each of shape (1, ..., K - 1), and the cells."""

    below: Array  # F at the left end of a cell
    above: Array  # 1 - F at its right end
    mass: Array
    left: Array
    right: Array
    width: Array


class _Tails(NamedTuple):
    """Outermost quantiles, scales of the tails, and their masses."""

    first: Array
    last: Array
    lower_scale: Array
    upper_scale: Array
    lower_mass: float
    upper_mass: float


@dataclass(frozen=True, init=False)
class QuantileHead(Derived):
    """Distribution given by its quantiles: uniform between them, exponential tails beyond.

    Formulas stand at the top of this module. Quantiles must increase; where two coincide, the
    mass between them counts as an atom 1e-12 spreads wide, and nothing is NaN.

    Args:
        levels: at least 2 strictly increasing numbers in (0, 1), stored as a tuple.
        center: median at raw zeros, in the unit of the target.
        spread: standard deviation at raw zeros, > 0: the quantiles are the normal's.

    >>> family = QuantileHead([0.1, 0.5, 0.9], center=7.0, spread=10.0)
    >>> family.constrain(jnp.zeros(3)).quantiles.round(2).tolist()
    [-5.81..., 7.0, 19.81...]
    """

    levels: tuple[float, ...]
    center: float | int
    spread: float | int

    class Params(NamedTuple):
        """Quantiles at the levels, increasing, in the unit of the target."""

        quantiles: Float[Array, "*batch levels"]

    def __init__(self, levels: Edges, center: float | int = 0.0, spread: float | int = 1.0) -> None:
        check_location_scale(center, spread)
        object.__setattr__(self, "levels", _check_levels(levels))
        object.__setattr__(self, "center", center)
        object.__setattr__(self, "spread", spread)

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

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density; a cell owns its left end."""
        grid, tails, (y,) = self._prepare(params, y)
        here = (grid.left <= y[..., None]) & (y[..., None] < grid.right)
        density = jnp.log(grid.mass) - jnp.log(grid.width)
        body = jnp.sum(jnp.where(here, density, 0.0), axis=-1)
        below, above = _excesses(tails, y)
        lower = math.log(tails.lower_mass) + genpareto.logpdf(below, 0.0, tails.lower_scale)
        upper = math.log(tails.upper_mass) + genpareto.logpdf(above, 0.0, tails.upper_scale)
        return jnp.where(y < tails.first, lower, jnp.where(y < tails.last, body, upper))

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function; exactly a level's at its quantile."""
        return jnp.exp(self.log_cdf(params, y))

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log distribution function, accurate near F = 0 and near F = 1."""
        return log_of_either(*self._log_sides(params, y))

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function 1 - F, accurate where it is small."""
        return jnp.exp(self.log_sf(params, y))

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """Log survival function, accurate near F = 0 and near F = 1."""
        below, above = self._log_sides(params, y)
        return log_of_either(above, below)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi]: the sum of what it covers of both tails and of each cell.

        All parts are positive, so nothing cancels. Either end may be infinite; -inf where
        hi <= lo.
        """
        grid, tails, (lo, hi) = self._prepare(params, lo, hi)
        return _log_interval(grid, tails, lo, hi)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F, in closed form; infinite at 0 and 1, NaN outside [0, 1]."""
        grid, tails, (q,) = self._prepare(params, q)
        return jnp.where((q >= 0) & (q <= 1), _quantile(grid, tails, q, 1 - q), jnp.nan)

    @compiled
    def mean(self, params: Params) -> Result:
        """Mean `sum m_k (q_k + q_(k+1)) / 2 + tau_1 (q_1 - lambda_L) + ...`."""
        grid, tails, _ = self._prepare(params)
        lower = tails.lower_mass * (tails.first - tails.lower_scale)
        upper = tails.upper_mass * (tails.last + tails.upper_scale)
        return lower + jnp.sum(grid.mass * (0.5 * grid.left + 0.5 * grid.right), axis=-1) + upper

    @compiled
    def variance(self, params: Params) -> Result:
        """Variance, summed about the mean, so that nothing cancels."""
        grid, tails, _ = self._prepare(params)
        mean = self.mean(params)
        left, right = grid.left - mean[..., None], grid.right - mean[..., None]
        body = jnp.sum(grid.mass * (left * left + left * right + right * right), axis=-1) / 3
        lower = _tail_square(mean - tails.first, tails.lower_scale)
        upper = _tail_square(tails.last - mean, tails.upper_scale)
        return tails.lower_mass * lower + body + tails.upper_mass * upper

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion; gradients are those of the quantile at fixed levels."""
        (quantiles,) = align_with(params.quantiles)
        levels = random_levels(key, (*shape, *quantiles.shape[:-1]), quantiles.dtype)
        grid, tails, (level, complement) = self._prepare(params, *levels)
        return _quantile(grid, tails, level, complement)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        r"""Continuous ranked probability score `\int (F(t) - 1{t >= y})^2 dt`, in closed form.

        With A, M, R the values of F at a cell's left end l, at y clipped into it (m) and at its
        right end r: `(m - l) (A^2 + A M + M^2) / 3 + (r - m) ((1-M)^2 + (1-M)(1-R) + (1-R)^2) / 3`;
        the tails are those of `genpareto.crps`.
        """
        grid, tails, (y,) = self._prepare(params, y)
        middle = jnp.clip(y[..., None], grid.left, grid.right)
        before, after = middle - grid.left, grid.right - middle
        A, M = grid.below, grid.below + grid.mass * before / grid.width
        N, R = grid.above + grid.mass * after / grid.width, grid.above
        cells = before * (A * A + A * M + M * M) + after * (N * N + N * R + R * R)
        below, above = _excesses(tails, y)
        lower = genpareto.crps(below, 0.0, tails.lower_scale, tails.lower_mass)
        upper = genpareto.crps(above, 0.0, tails.upper_scale, tails.upper_mass)
        return lower + jnp.sum(cells, axis=-1) / 3 + upper

    def _static(self, values: np.ndarray, like: Array) -> Array:
        """A row of numbers in the dtype and rank of `like`."""
        return jnp.asarray(values, like.dtype).reshape((1,) * (like.ndim - 1) + (-1,))

    def _prepare(self, params: Params, *values: Value) -> tuple[_Grid, _Tails, tuple[Array, ...]]:
        quantiles, *rest = align_with(params.quantiles, *values)
        levels = np.array(self.levels)
        masses = np.diff(levels)
        left, right = quantiles[..., :-1], quantiles[..., 1:]
        width = jnp.maximum(right - left, _NARROWEST * self.spread)
        below, above, mass = (
            self._static(x, quantiles) for x in (levels[:-1], 1 - levels[1:], masses)
        )
        tails = _Tails(
            first=quantiles[..., 0],
            last=quantiles[..., -1],
            lower_scale=width[..., 0] * (levels[0] / masses[0]).item(),
            upper_scale=width[..., -1] * ((1 - levels[-1]) / masses[-1]).item(),
            lower_mass=levels[0].item(),
            upper_mass=1 - levels[-1].item(),
        )
        return _Grid(below, above, mass, left, right, width), tails, tuple(rest)

    def _log_sides(self, params: Params, y: Value) -> tuple[Array, Array]:
        """Log F(y) and log(1 - F(y)), each a sum over its own side."""
        grid, tails, (y,) = self._prepare(params, y)
        below = _log_interval(grid, tails, jnp.full_like(y, -jnp.inf), y)
        return below, _log_interval(grid, tails, y, jnp.full_like(y, jnp.inf))


def _check_levels(levels: Edges) -> tuple[float, ...]:
    """Return the levels as a tuple; ValueError unless at least 2, increasing, inside (0, 1)."""
    array = np.asarray(levels, np.float64)
    if array.ndim != 1 or array.size < 2:
        raise ValueError(f"levels: expected at least 2 numbers in one row, got {levels!r}")
    if not (np.all(array > 0) and np.all(array < 1) and np.all(np.diff(array) > 0)):
        raise ValueError(
            f"levels: expected strictly increasing numbers in (0, 1), got {array.tolist()}"
        )
    return tuple(array.tolist())


def _excesses(tails: _Tails, y: Array) -> tuple[Array, Array]:
    """How far y lies below the first quantile, and above the last; 0 where it does not."""
    return jnp.maximum(tails.first - y, 0.0), jnp.maximum(y - tails.last, 0.0)


def _log_interval(grid: _Grid, tails: _Tails, lo: Array, hi: Array) -> Array:
    nearer, farther = jnp.minimum(hi, tails.first), jnp.minimum(lo, tails.first)
    width = _distance(farther, nearer)
    lower = genpareto.loginterval(tails.first - nearer, width, 0.0, tails.lower_scale)
    nearer, farther = jnp.maximum(lo, tails.last), jnp.maximum(hi, tails.last)
    width = _distance(nearer, farther)
    upper = genpareto.loginterval(nearer - tails.last, width, 0.0, tails.upper_scale)
    overlap = jnp.minimum(hi[..., None], grid.right) - jnp.maximum(lo[..., None], grid.left)
    covered = jnp.maximum(overlap, 0.0) / grid.width
    body = log_dot(jnp.log(grid.mass), covered)
    return log_sum(math.log(tails.lower_mass) + lower, body, math.log(tails.upper_mass) + upper)


def _distance(lo: Array, hi: Array) -> Array:
    """Return hi - lo, 0 also where both are infinite."""
    return jnp.where(lo == hi, 0.0, hi - lo)


def _quantile(grid: _Grid, tails: _Tails, level: Array, complement: Array) -> Array:
    """Quantile at `level`, from the nearer side; `complement` is 1 - level."""
    q, rest = level[..., None], complement[..., None]
    upper = q > 0.5
    passed = jnp.where(upper, rest <= grid.above[..., :-1], q >= grid.below[..., 1:])
    end = jnp.ones_like(upper)
    here = jnp.concatenate([end, passed], axis=-1) & ~jnp.concatenate([passed, ~end], axis=-1)
    from_right = grid.right - grid.width * ((rest - grid.above) / grid.mass)
    from_left = grid.left + grid.width * ((q - grid.below) / grid.mass)
    body = jnp.sum(jnp.where(here, jnp.where(upper, from_right, from_left), 0.0), axis=-1)
    below = jnp.minimum(safe_log(level) - math.log(tails.lower_mass), 0.0)
    above = jnp.minimum(safe_log(complement) - math.log(tails.upper_mass), 0.0)
    lower = tails.first - genpareto.inverse_logsf(below, 0.0, tails.lower_scale)
    beyond = tails.last + genpareto.inverse_logsf(above, 0.0, tails.upper_scale)
    return jnp.where(below < 0, lower, jnp.where(above < 0, beyond, body))


def _tail_square(distance: Array, scale: Array) -> Array:
    """Mean square distance of an exponential tail from a centre `distance` inside its start."""
    return distance**2 + 2 * distance * scale + 2 * scale**2
