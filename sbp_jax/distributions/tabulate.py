r"""Bins or quantiles of anybody's model, completed to one normalised distribution.

A histogram says nothing beyond its outer edges, and quantiles nothing beyond the outermost; often
that is where a score becomes infinite, or a level is pinned. Here generalized Pareto tails take
the mass there, with log density finite everywhere (shapes are >= 0). All is done in a unit of each
row's own (`own_unit`), so the result is moved from there; points that are closer than 4e-6 of it
count as so far apart.

Bins. A closed histogram holds all mass within its edges. Its end bins are then given to the tails:
on each side as many as hold at most `tail_mass`, and one at least. Between them F is the
histogram's own, but that a bin holds 1e-9 at least. Of the mass that a tail takes, with excesses
x(1/2) and x(3/4) at its own median and upper quartile, the tail has the shape
`log2((x(3/4) - x(1/2)) / x(1/2))` [1], drawn into [0, 0.9], and the scale that keeps x(1/2); one
bin alone is uniform within, whose shape is drawn to 0. An open bin (an infinite edge) is a tail
already: it keeps its mass, with shape 0 and the density of the bin beside it, but a scale of no
more than all closed bins are wide, where those are almost empty. Of fewer than three bins those
that are closed are cut into three, which changes no histogram.

Quantiles. F is exact at every level. Beyond the outermost, the shape is that of the generalized
Pareto through the three outermost quantiles, drawn into [0, 0.9], and the density goes on without a
jump; with fewer than four levels, or ties there, the shape is 0. Quantiles that cross are sorted,
which no proper score can dislike [2].

References: [1] Pickands (1975), Annals of Statistics 3. [2] Chernozhukov, Fernandez-Val, Galichon
(2010), Econometrica 78.
"""

import math
from functools import partial
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Real

from sbp_jax.distributions.elementary import expm1_ratio
from sbp_jax.distributions.moved import Moved
from sbp_jax.distributions.own_unit import LARGEST, apart, own_unit
from sbp_jax.distributions.tabulated import Tabulated

Rows = Real[np.ndarray, "..."]

_LARGEST_SHAPE: Final = 0.9
_SUM_ERROR: Final = 1e-3
_EMPTY: Final = 1e-9  # least mass of a bin: no log density is infinite
_STEPS: Final = 40
_FEWEST: Final = 3  # bins: a tail on either side, and something between them


def tabulate_bins(
    edges: Rows, probabilities: Rows, *, tail_mass: float = 0.01
) -> tuple[Moved, Moved.Params]:
    """The distribution of a histogram; see the top of this module.

    Args:
        edges: (n + 1,) for all rows, or (..., n + 1); the outermost may be infinite.
        probabilities: (..., n) of the bins, each row summing to one.
        tail_mass: that a closed histogram gives up on either side.

    Raises:
        ValueError: edges do not increase or are beyond 1e37, probabilities are negative or do not
            sum to one, sizes disagree, or no bin of a row has two finite ends.

    >>> family, params = tabulate_bins(np.arange(5.0), np.array([0.25, 0.25, 0.25, 0.25]))
    >>> round(float(family.cdf(params, 2.0)), 6), bool(family.log_prob(params, 1e6) > -jnp.inf)
    (0.5, True)
    """
    edges, probabilities = np.asarray(edges, np.float64), np.asarray(probabilities, np.float64)
    _check_bins(edges, probabilities, tail_mass)
    edges = np.broadcast_to(edges, (*probabilities.shape[:-1], edges.shape[-1]))
    if probabilities.shape[-1] < _FEWEST:
        edges, probabilities = _cut(edges, probabilities)
    inner = _finite_ends(edges)
    upto = np.cumsum(probabilities, axis=-1)
    ends = (
        np.take_along_axis(inner, np.argmax(upto >= level, axis=-1, keepdims=True) + right, -1)
        for level, right in ((0.25, 0), (0.5, 0), (0.75, 1))
    )
    loc, scale = own_unit(inner, *ends)
    points = apart((edges - loc) / scale)
    params = _of_bins(points, jnp.asarray(probabilities, jnp.float32), tail_mass)
    return _moved(edges.shape[-1], loc, scale, params)


def tabulate_quantiles(levels: Rows, values: Rows) -> tuple[Moved, Moved.Params]:
    """The distribution of quantiles; see the top of this module.

    Args:
        levels: (k,) increasing, in (0, 1).
        values: (..., k) quantiles; those that cross are sorted.

    Raises:
        ValueError: levels out of order or range, sizes disagree, or a value is not finite or beyond
            1e37.

    >>> family, params = tabulate_quantiles(np.array([0.1, 0.5, 0.9]), np.array([0.0, 1.0, 4.0]))
    >>> round(float(family.quantile(params, 0.9)), 4), round(float(family.cdf(params, 1.0)), 4)
    (4.0, 0.5)
    """
    levels, values = np.asarray(levels, np.float64), np.asarray(values, np.float64)
    if levels.ndim != 1 or levels.size < 2 or not _inside(levels):
        raise ValueError(
            f"levels: expected at least 2 increasing numbers in (0, 1), got {levels.tolist()}"
        )
    if values.ndim < 1 or values.shape[-1] != levels.size:
        raise ValueError(
            f"values: expected last axis {levels.size}, as many as levels, got {values.shape}"
        )
    if not (np.abs(values) <= LARGEST).all():
        row = np.argwhere(~(np.abs(values) <= LARGEST))[0].tolist()
        raise ValueError(
            f"values: expected finite numbers of at most {LARGEST:g} in size, got "
            f"{values[tuple(row)]} at {row}"
        )
    masses = np.concatenate([levels[:1], np.diff(levels), 1 - levels[-1:]])
    values = np.sort(values, axis=-1)
    near = (values[..., [np.argmin(np.abs(levels - level))]] for level in (0.25, 0.5, 0.75))
    loc, scale = own_unit(values, *near)
    points = apart((values - loc) / scale)
    return _moved(levels.size, loc, scale, _of_quantiles(points, tuple(masses.tolist())))


def crossings(values: Rows) -> Int[np.ndarray, "..."]:
    """How many neighbours among the quantiles of each row are out of order.

    >>> crossings(np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 0.5]])).tolist()
    [0, 2]
    """
    return np.asarray(np.sum(np.diff(np.asarray(values), axis=-1) < 0, axis=-1))


def _inside(levels: np.ndarray) -> bool:
    return bool(levels[0] > 0 and levels[-1] < 1 and np.all(np.diff(levels) > 0))


def _moved(
    points: int, loc: Any, scale: Any, params: Tabulated.Params
) -> tuple[Moved, Moved.Params]:
    loc, scale = (jnp.asarray(x[..., 0], jnp.float32) for x in (loc, scale))
    return Moved(Tabulated(points)), Moved.Params(loc, scale, params)


def _finite_ends(edges: np.ndarray) -> np.ndarray:
    """Edges with infinite ends drawn in to the next edge."""
    inner = edges.copy()
    for end, beside in ((0, 1), (-1, -2)):
        inner[..., end] = np.where(np.isinf(edges[..., end]), edges[..., beside], edges[..., end])
    return inner


def _cut(edges: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every bin that is closed in all rows in three equal parts."""
    widths = np.diff(edges, axis=-1)
    parts = np.where(np.isfinite(widths.reshape(-1, widths.shape[-1])).all(axis=0), 3, 1)
    share = np.concatenate([np.arange(count) / count for count in parts])
    widths = np.repeat(np.where(parts > 1, widths, 0.0), parts, axis=-1)
    starts = np.repeat(edges[..., :-1], parts, axis=-1) + share * widths
    edges = np.concatenate([starts, edges[..., -1:]], axis=-1)
    return edges, np.repeat(probabilities / parts, parts, axis=-1)


def _check_bins(edges: np.ndarray, probabilities: np.ndarray, tail_mass: float) -> None:
    count = probabilities.shape[-1] if probabilities.ndim else 0
    if count < 1 or edges.shape[-1:] != (count + 1,):
        raise ValueError(
            f"edges: expected one more than the probabilities, got {edges.shape} and "
            f"{probabilities.shape}"
        )
    sizes = np.abs(edges)
    fits = np.all(sizes[..., 1:-1] <= LARGEST) and np.all((sizes <= LARGEST) | np.isinf(edges))
    if not (fits and np.all(np.diff(edges, axis=-1) > 0)):
        raise ValueError(
            f"edges: expected increasing numbers of at most {LARGEST:g} in size, only the "
            "outermost infinite"
        )
    if not np.isfinite(np.diff(edges, axis=-1)).any(axis=-1).all():
        raise ValueError(
            "edges: expected a bin with two finite ends in every row, got a row of none"
        )
    if not np.all(probabilities >= 0):
        row = np.argwhere(~(probabilities >= 0))[0].tolist()
        raise ValueError(f"probabilities: expected numbers >= 0, got others at {row}")
    total = probabilities.sum(axis=-1)
    if not np.all(np.abs(total - 1) <= _SUM_ERROR):
        row = np.argwhere(np.abs(total - 1) > _SUM_ERROR)[0].tolist()
        raise ValueError(
            f"probabilities: expected a sum of 1, got {total[tuple(row)]:.6g} in row {row}"
        )
    if not 0 < tail_mass < 0.5:
        raise ValueError(f"tail_mass: expected a number in (0, 0.5), got {tail_mass!r}")


@partial(jax.jit, static_argnums=2)
def _of_bins(edges: Array, probabilities: Array, tail_mass: float) -> Tabulated.Params:
    count = probabilities.shape[-1]
    masses = jnp.maximum(probabilities, _EMPTY)
    masses /= jnp.sum(masses, axis=-1, keepdims=True)
    lower = _tail_of_bins(-edges[..., ::-1], masses[..., ::-1], tail_mass)
    upper = _tail_of_bins(edges, masses, tail_mass)
    bins = _numbers(masses)
    low, high = (count - 1 - lower.first)[..., None], upper.first[..., None]  # innermost tail bins
    body = (bins > low) & (bins < high)
    # Points of bins that are the tail's are drawn to its beginning, and hold nothing.
    start = jnp.take_along_axis(edges, low + 1, axis=-1)
    stop = jnp.take_along_axis(edges, high, axis=-1)
    points = jnp.clip(edges, start, stop)
    inner = jnp.where(body, masses, 0.0)
    all_masses = jnp.concatenate([lower.mass[..., None], inner, upper.mass[..., None]], axis=-1)
    return Tabulated.Params(
        points, jnp.log(all_masses), lower.shape, lower.scale, upper.shape, upper.scale
    )


class _Tail(NamedTuple):
    """An upper tail: its first bin, (...), its mass, shape and scale."""

    first: Array
    mass: Array
    shape: Array
    scale: Array


def _tail_of_bins(edges: Array, masses: Array, tail_mass: float) -> _Tail:
    """The upper tail of a histogram; of the lower one that of its mirror image."""
    count = masses.shape[-1]
    open_ended = jnp.isinf(edges[..., -1])
    closed = jnp.where(open_ended, edges[..., -2], edges[..., -1])[..., None]
    widths = jnp.diff(jnp.concatenate([edges[..., :-1], closed], axis=-1), axis=-1)
    beyond = jnp.cumsum(masses[..., ::-1], axis=-1)[..., ::-1]  # of each bin and all above it
    fewer = jnp.sum(beyond > tail_mass * (1 + 1e-6), axis=-1)
    first = jnp.where(open_ended, count - 1, jnp.minimum(fewer, count - 1))
    mass = jnp.take_along_axis(beyond, first[..., None], axis=-1)[..., 0]
    bins = _numbers(masses) >= first[..., None]

    def excess(share: float) -> Array:
        """Distance from the tail's beginning that this share of its mass lies within."""
        wanted = ((1 - share) * mass)[..., None]
        covered = jnp.clip((beyond - wanted) / masses, 0.0, 1.0)
        return jnp.sum(jnp.where(bins, covered * widths, 0.0), axis=-1)

    half, quarter = excess(0.5), excess(0.75)
    beside = jnp.maximum(first - 1, 0)[..., None]
    density = (
        jnp.take_along_axis(masses, beside, axis=-1) / jnp.take_along_axis(widths, beside, axis=-1)
    )[..., 0]
    # An open bin has no width; its median is that of the exponential that goes on without a jump.
    reach = jnp.sum(jnp.where(jnp.isfinite(widths), widths, 0.0), axis=-1)
    half = jnp.where(open_ended, math.log(2) * jnp.minimum(mass / density, reach), half)
    quarter = jnp.where(open_ended, 2 * half, quarter)
    shape = jnp.clip(jnp.log2(jnp.maximum(quarter / half - 1, 1e-6)), 0.0, _LARGEST_SHAPE)
    return _Tail(first, mass, shape, half / _growth(shape, math.log(2)))


def _numbers(masses: Array) -> Array:
    """Numbers of the bins, in the rank of their masses."""
    return jnp.arange(masses.shape[-1]).reshape((1,) * (masses.ndim - 1) + (-1,))


def _growth(shape: Array, log_odds: float | Array) -> Array:
    """`(exp(shape w) - 1) / shape`: the excess over the scale at log survival -w."""
    return log_odds * expm1_ratio(shape * log_odds)


@partial(jax.jit, static_argnums=1)
def _of_quantiles(values: Array, masses: tuple[float, ...]) -> Tabulated.Params:
    lower_shape, lower_scale = _tail_of_quantiles(-values[..., ::-1], masses[::-1])
    upper_shape, upper_scale = _tail_of_quantiles(values, masses)
    log_masses = jnp.broadcast_to(jnp.log(jnp.array(masses)), (*values.shape[:-1], len(masses)))
    return Tabulated.Params(values, log_masses, lower_shape, lower_scale, upper_shape, upper_scale)


def _tail_of_quantiles(values: Array, masses: tuple[float, ...]) -> tuple[Array, Array]:
    """Shape and scale of the upper tail."""
    width = values[..., -1] - values[..., -2]
    tiny = 1e-6 * (values[..., -1] - values[..., 0]) + 1e-30
    scale = jnp.maximum(width, tiny) * (masses[-1] / masses[-2])
    if len(masses) < 5:  # fewer than four levels
        return jnp.zeros_like(scale), scale
    survival = [masses[-1], masses[-1] + masses[-2], sum(masses[-3:])]
    near, far = (math.log(survival[2] / survival[i]) for i in (1, 0))
    first, second = values[..., -2] - values[..., -3], values[..., -1] - values[..., -3]
    shape = _shape_through(first, second, near, far)
    return jnp.where((first > tiny) & (width > tiny), shape, 0.0), scale


def _shape_through(first: Array, second: Array, near: float, far: float) -> Array:
    """Shape with excesses `first`, `second` at log survivals -near and -far, in [0, 0.9]."""
    wanted = second / jnp.maximum(first, 1e-30)

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        below = _growth(middle, far) < wanted * _growth(middle, near)  # the ratio grows with shape
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    ends = (jnp.zeros_like(first), jnp.full_like(first, _LARGEST_SHAPE))
    low, high = jax.lax.fori_loop(0, _STEPS, halve, ends)
    return jnp.where(high < 1e-6, 0.0, 0.5 * (low + high))
