r"""A density that is constant on each of n bins, given by logits: the base of binned families.

Symbols: edges e_0 < ... < e_n, widths w_i = e_i - e_(i-1), probabilities p = softmax(logits),
F distribution function, `level` a probability counted from one side.

Sums run over the side that is asked for (F from below, 1 - F from above), so both tails keep
their relative accuracy. Bins are closed on the left; the last one also on the right. Points and
levels are found by `bin_search`; what needs every bin is one masked sum, which XLA fuses.

Arguments come aligned (`elementary.align_with`): logits (..., n), the others (...), equal ranks.
"""

import math
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from sbp_jax.distributions.arguments import Numbers, row
from sbp_jax.distributions.bin_grid import bin_of, ends, grid, once
from sbp_jax.distributions.bin_search import (
    Place,
    mass_at,
    pick,
    place_at,
    point_at,
    point_of,
    rank_at,
    weigh,
)
from sbp_jax.distributions.elementary import defined_by, float_dtype, log1mexp, log_dot
from sbp_jax.errors import InputError

Edges = Numbers
Logits = Float[Array, "*#batch bins"]
Value = Float[Array, "*#batch"]
Result = Float[Array, "*batch"]
_LOG_HALF = -0.6931471805599453


def check_edges(edges: Edges) -> tuple[float, ...]:
    """Return the edges as a tuple of floats; InputError unless >= 3, finite and increasing."""
    array = row("edges", edges)
    if array.ndim != 1 or array.size < 3:
        raise InputError(f"edges: expected at least 3 numbers in one row, got shape {array.shape}")
    if not np.all(np.isfinite(array)):
        raise InputError(f"edges: expected finite numbers, got {array.tolist()}")
    if not np.all(np.diff(array) > 0):
        at = int(np.argmin(np.diff(array) > 0))
        raise InputError(
            "edges: expected strictly increasing numbers, "
            f"got {array[at]} followed by {array[at + 1]} at index {at}"
        )
    return tuple(array.tolist())


def check_raw(raw: Array, num_outputs: int) -> Array:
    """Return raw network outputs as floats, kept so far from overflow that no sum of two can."""
    if raw.ndim == 0 or raw.shape[-1] != num_outputs:
        raise ValueError(f"raw: expected last dimension {num_outputs}, got shape {raw.shape}")
    return jnp.clip(raw.astype(float_dtype(raw)), -1e30, 1e30)


def random_levels(
    key: PRNGKeyArray, shape: tuple[int, ...], dtype: jnp.dtype
) -> tuple[Array, Array]:
    """Draw U uniform on (0, 1); return U and 1 - U, each with full relative precision near 0.

    A float32 uniform is a multiple of 2^-23, so that an inverse distribution function fed with
    it never reaches the tail beyond. Here the smaller of U and 1 - U takes its low digits from a
    second draw.
    """
    side_key, high_key, low_key = jax.random.split(key, 3)
    step = jnp.finfo(dtype).eps
    high = jax.random.uniform(high_key, shape, dtype)
    low = jax.random.uniform(low_key, shape, dtype, minval=step)
    level = 0.5 * (high + low * step)
    below = jax.random.bernoulli(side_key, shape=shape)
    return jnp.where(below, level, 1 - level), jnp.where(below, 1 - level, level)


@dataclass(frozen=True)
class Bins:
    """The grid of a piecewise constant density; static, so that it hashes."""

    edges: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1

    def bounds(self, like: Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Left edges, right edges and widths in the dtype and rank of the logits `like`."""
        edges = grid(self.edges, like)
        edges = edges.reshape((1,) * (like.ndim - 1) + (-1,))
        lefts, rights = edges[..., :-1], edges[..., 1:]
        return lefts, rights, rights - lefts

    def log_prob(self, logits: Logits, y: Value) -> Result:
        """Log density `log p_i - log w_i` of the bin i that holds y, -inf outside all bins."""
        index = once(bin_of(self.edges, y), y)
        left, right = ends(self.edges, index, y)
        value = pick(logits, index) - jnp.log(right - left)
        inside = (y >= self.edges[0]) & (y <= self.edges[-1])
        outside = jnp.where(jnp.isnan(y), jnp.nan, -jnp.inf)
        total = logsumexp(logits)
        return defined_by(jnp.where(inside, value - total, outside), total)

    def cdf(self, logits: Logits, y: Value) -> Result:
        """Distribution function, summed from below; 0 below the first edge, 1 above the last."""
        return mass_at(self.edges, logits, y, _side(y, upper=False))

    def sf(self, logits: Logits, y: Value) -> Result:
        """Survival function, summed from above; 1 below the first edge, 0 above the last."""
        return mass_at(self.edges, logits, y, _side(y, upper=True))

    def log_interval(self, logits: Logits, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi], a sum of what the interval covers of each bin."""
        lefts, rights, widths = self.bounds(logits)
        overlap = jnp.minimum(hi[..., None], rights) - jnp.maximum(lo[..., None], lefts)
        covered = jnp.maximum(overlap, 0.0) / widths
        held, total = log_dot(logits, covered), logsumexp(logits)
        # What is certain does not move with the logits.
        return defined_by(jnp.where(held == -jnp.inf, held, held - total), total)

    def log_cdf(self, logits: Logits, y: Value) -> Result:
        """Log distribution function, near F = 1 computed from 1 - F."""
        below = self.log_interval(logits, jnp.full_like(y, -jnp.inf), y)
        above = self.log_interval(logits, y, jnp.full_like(y, jnp.inf))
        return log_of_either(below, above)

    def log_sf(self, logits: Logits, y: Value) -> Result:
        """Log survival function, near 1 - F = 1 computed from F."""
        below = self.log_interval(logits, jnp.full_like(y, -jnp.inf), y)
        above = self.log_interval(logits, y, jnp.full_like(y, jnp.inf))
        return log_of_either(above, below)

    def quantile(self, logits: Logits, level: Value, complement: Value) -> Result:
        """Quantile at `level` (`complement` is 1 - level), from the nearer side.

        The first edge at 0 and the last at 1, also next to empty bins.
        """
        upper = level > 0.5
        nearer = jnp.clip(jnp.where(upper, complement, level), 0.0, 0.5)
        value = point_at(self.edges, logits, nearer, upper)
        end = jnp.where(level == 0, self.edges[0], value)
        return defined_by(jnp.where(complement == 0, self.edges[-1], end), value)

    def place(self, logits: Logits, level: Value, *, upper: bool) -> Place:
        """Place of the point with mass `level` below it, or above it if `upper`."""
        return place_at(self.edges, logits, level, _side(level, upper=upper))

    def point_of(self, logits: Logits, place: Place) -> Result:
        """The point of a place, which knows how it moves with the logits."""
        return point_of(self.edges, logits, place)

    def point(self, logits: Logits, level: Value, *, upper: bool) -> Result:
        """Point with mass `level` below it, or above it if `upper`."""
        return self.point_of(logits, self.place(logits, level, upper=upper))

    def edge(self, logits: Logits, level: Value, *, upper: bool) -> tuple[Result, Result]:
        """Farthest inner edge with mass <= `level` beyond it, and the log of that mass.

        The outermost inner edge where even that has more. The mass is summed over the bins
        beyond in log space, so a tiny one keeps its relative accuracy.
        """
        side = _side(level, upper=upper)
        rank = jnp.maximum(rank_at(logits, level, side), 1)
        index = self.count - rank if upper else rank
        bins = jnp.arange(self.count).reshape((1,) * level.ndim + (-1,))
        beyond = bins >= index[..., None] if upper else bins < index[..., None]
        log_mass = log_dot(logits, beyond.astype(logits.dtype)) - logsumexp(logits)
        return jnp.asarray(grid(self.edges, logits))[index], log_mass

    def moments(
        self, logits: Logits, lower: Value, upper: Value, center: Value
    ) -> tuple[Result, Result]:
        """First and second moment about `center` of the mass between `lower` and `upper`."""
        lefts, rights, widths = self.bounds(logits)
        lower, upper, center = lower[..., None], upper[..., None], center[..., None]
        lo, hi = jnp.clip(lefts, lower, upper), jnp.clip(rights, lower, upper)
        mass = jax.nn.softmax(logits) * ((hi - lo) / widths)
        lo, hi = lo - center, hi - center
        first = jnp.sum(mass * (lo + hi), axis=-1) / 2
        second = jnp.sum(mass * (lo * lo + lo * hi + hi * hi), axis=-1) / 3
        return first, second

    def entropy(self, logits: Logits, lower: Value, upper: Value) -> Result:
        """Integral of `-f log f` from `lower` to `upper`; empty bins add 0."""
        lefts, rights, widths = self.bounds(logits)
        inside = jnp.clip(rights, lower[..., None], upper[..., None])
        inside -= jnp.clip(lefts, lower[..., None], upper[..., None])
        log_density = logits - logsumexp(logits)[..., None] - np.log(widths)
        some = logits != -jnp.inf
        log_density = jnp.where(some, log_density, 0.0)
        held = jnp.where(some, jnp.exp(log_density) * inside * log_density, 0.0)
        return -jnp.sum(held, axis=-1)

    def crps(
        self, logits: Logits, y: Value, lower: Value, upper: Value, below: Value, above: Value
    ) -> Result:
        r"""Integral of `(F(t) - 1{t >= y})^2` from `lower` to `upper`, F linear on each bin.

        `below` is F(lower) and `above` is 1 - F(upper). With A, M, R the values of F at a bin's
        left end l, at y clipped into the bin (m) and at its right end r:
        `(m - l) (A^2 + A M + M^2) / 3 + (r - m) ((1-M)^2 + (1-M)(1-R) + (1-R)^2) / 3`.
        """
        return _crps_between(self.edges, logits, y, lower, upper, below, above)

    def crps_of_bins(self, logits: Logits, y: Value, lower: Value, upper: Value) -> Result:
        """The sum over the bins that `crps` is."""
        lefts, rights, widths = self.bounds(logits)
        y, lower, upper = y[..., None], lower[..., None], upper[..., None]
        lo, hi = jnp.clip(lefts, lower, upper), jnp.clip(rights, lower, upper)
        mid = jnp.clip(y, lo, hi)
        probs = jax.nn.softmax(logits)
        start, density = prefix_sums(probs) - probs, probs / widths
        A, M, R = (start + density * (x - lefts) for x in (lo, mid, hi))
        left = (mid - lo) * (A * A + A * M + M * M)
        right = (hi - mid) * ((1 - M) ** 2 + (1 - M) * (1 - R) + (1 - R) ** 2)
        return jnp.sum(left + right, axis=-1) / 3


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _crps_between(
    edges: tuple[float, ...],
    logits: Logits,
    y: Value,
    lower: Value,
    upper: Value,
    _below: Value,
    _above: Value,
) -> Result:
    """`Bins.crps`; F at the ends is for the derivatives only."""
    return Bins(edges).crps_of_bins(logits, y, lower, upper)


@_crps_between.defjvp
def _crps_between_jvp(edges, primals, tangents):  # type: ignore[no-untyped-def]
    logits, y, lower, upper, below, above = primals
    dlogits, dy, dlower, dupper, *_ = tangents
    value, slope = jax.jvp(
        lambda w, x: Bins(edges).crps_of_bins(w, x, lower, upper), (logits, y), (dlogits, dy)
    )
    # An end moves the integral by the integrand there; so said, it need not be collected from
    # all bins. The ends are not held constant, so second derivatives see them move.
    at_lower = (below - (lower >= y).astype(below.dtype)) ** 2
    at_upper = (1 - above - (upper >= y).astype(above.dtype)) ** 2
    return value, slope + at_upper * dupper - at_lower * dlower


def logsumexp(logits: Logits) -> Result:
    """Log of the sum of the weights, from the same pass that a search needs."""
    peak = jax.lax.stop_gradient(jnp.max(logits, axis=-1))
    return peak + jnp.log(weigh(logits).total)


def _side(like: Value, *, upper: bool) -> Bool[Array, "..."]:
    return jnp.full((1,) * like.ndim, upper)


def prefix_sums(probs: Logits) -> Float[Array, "*batch bins"]:
    """Inclusive sums over the last axis, as products with a triangle of ones.

    A scan is many small operations on an accelerator, and slow to compile and to transpose.
    Beyond 128 bins, sums within blocks of about sqrt(n) plus sums of the blocks before:
    n^1.5 products in place of n^2.
    """
    n = probs.shape[-1]
    size = n if n <= 128 else math.isqrt(n - 1) + 1
    count = -(-n // size)
    padding = [(0, 0)] * (probs.ndim - 1) + [(0, count * size - n)]
    blocks = jnp.pad(probs, padding).reshape(*probs.shape[:-1], count, size)
    within = np.triu(np.ones((size, size), probs.dtype))
    before = np.triu(np.ones((count, count), probs.dtype), 1)
    sums = jnp.matmul(blocks, within, precision="highest")
    if count > 1:
        totals = jnp.sum(blocks, axis=-1)
        sums += jnp.matmul(totals, before, precision="highest")[..., None]
    return sums.reshape(*probs.shape[:-1], count * size)[..., :n]


def log_of_either(log_mass: Value, log_rest: Value) -> Result:
    """The log of a probability known itself and by its complement: the accurate one of the two."""
    smaller = log_mass < _LOG_HALF
    return jnp.where(smaller, log_mass, log1mexp(-jnp.where(smaller, -1.0, log_rest)))
