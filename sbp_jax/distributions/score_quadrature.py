r"""The continuous ranked probability score by quadrature, where it has no closed form.

Symbols: F distribution function, S = 1 - F, y observation, [a, b] the range that counts:

    \int_a^b (F(t) - 1{t >= y})^2 dt = \int_a^y F(t)^2 dt + \int_y^b S(t)^2 dt,  a <= y <= b

Each of the two integrals is cut into pieces at the features of the distribution. With r the
distance from the left end of a piece of length D, the trapezoidal rule is applied in p,

    r = l e^p / (1 + l e^p / D),    for D = inf: r = l e^p,

which is smooth and resolves both ends of a piece on every scale down to D e^-15, and a Pareto
tail as far as l e^16, where l is of the order of the scale. What lies beyond the end nodes
counts as much as they do.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions.elementary import align_with

Value = Real[ArrayLike, "*#batch"]
Features = Real[ArrayLike, "*#batch features"]
Result = Float[Array, "..."]
Probability = Callable[[Array], Array]

_LOWEST, _HIGHEST, _COUNT = -14.0, 16.0, 91
_STEP = (_HIGHEST - _LOWEST) / (_COUNT - 1)
_NODES = np.linspace(_LOWEST, _HIGHEST, _COUNT)
# An end node stands for half a step, the slope there (Euler and Maclaurin), and all beyond it.
_END_WEIGHT = _STEP / 2 + _STEP**2 / 12 + 1
_WEIGHTS = np.array([_END_WEIGHT, *[_STEP] * (_COUNT - 2), _END_WEIGHT])


def score_integral(
    cdf: Probability,
    sf: Probability,
    y: Value,
    location: Features,
    scale: Features,
    *,
    start: Value = -math.inf,
    stop: Value = math.inf,
) -> Result:
    r"""Return `\int (F(t) - 1{t >= y})^2 dt` from `start` to `stop`: the CRPS, or a part of it.

    A part weighs the score by an interval, `w(t) = 1{start <= t <= stop}` (Gneiting and Ranjan
    2011, Journal of Business & Economic Statistics 29), and is finite also at y = +-inf if the
    end on that side is. The whole is inf there. 0 where stop <= start.

    The relative error is below 1e-6. Measured on mixtures of two or four hybrid Pareto
    components with random weights, shapes up to 0.95 and y up to 1e6 scales out: at most 6e-8
    where scales and distances of the components are within a factor of 100 of each other; where
    they are up to 1e6 apart, 2e-7 in 95% of the cases and 2e-5 in the worst. It grows with
    shapes beyond, as the tail of S^2 is cut off at 1e7 scales. Derivatives, of every order, are
    those of the integral: the ends y, start and stop contribute the integrand there, and nodes
    are not held to be a part of it, but where a derivative of the integrand, which may jump at a
    feature, is differentiated again. NaN where an end is.

    Args:
        cdf: F, elementwise; called with arrays (nodes, pieces, *batch), so that
            `partial(family.cdf, params)` will do.
        sf: S, likewise.
        y: observation.
        location: (..., features) where the distribution changes fast, such as its centre, or
            that of each component; best where a derivative jumps.
        scale: (..., features) over what distance it does, > 0; its order of magnitude matters.
        start: lower end.
        stop: upper end.

    >>> from jax.scipy.special import ndtr
    >>> one = jnp.ones(1)
    >>> round(float(score_integral(ndtr, lambda t: ndtr(-t), 0.0, 0 * one, one)), 4)
    0.2337
    """
    location, y, start, stop = align_with(location, y, start, stop)
    scale = align_with(scale, y)[0]
    undefined = jnp.isnan(y) | jnp.isnan(start) | jnp.isnan(stop)
    middle = jnp.clip(y, start, stop)
    some, endless = stop > start, jnp.isinf(middle)
    here = some & ~endless
    start, middle, stop = (jnp.where(here, x, 0.0) for x in (start, middle, stop))
    # Features along the first axis, so that nodes broadcast against parameters.
    features = jnp.moveaxis(location, -1, 0), jnp.max(scale, -1)

    def integral(location: Array, scale: Array, middle: Array, start: Array, stop: Array) -> Array:
        below = _square_integral(lambda t: cdf(-t), -middle, -location, scale, -start)
        return below + _square_integral(sf, middle, location, scale, stop)

    def slopes(middle: Array, start: Array, stop: Array) -> tuple[Array, ...]:
        at_start = jnp.where(jnp.isinf(start), 0.0, -(cdf(_finite(start)) ** 2))
        at_stop = jnp.where(jnp.isinf(stop), 0.0, sf(_finite(stop)) ** 2)
        return cdf(middle) ** 2 - sf(middle) ** 2, at_start, at_stop

    value = _with_slopes(integral, slopes, features, middle, start, stop)
    known = jax.lax.stop_gradient(value)
    value = jnp.where(some & endless & ~jnp.isnan(known), jnp.inf, value)
    return jnp.where(undefined, jnp.nan, value)


def _finite(end: Array) -> Array:
    return jnp.where(jnp.isinf(end), 0.0, end)


def _with_slopes(
    integral: Callable[..., Array],
    slopes: Callable[..., tuple[Array, ...]],
    features: tuple[Array, ...],
    *ends: Array,
) -> Array:
    """An integral of features and ends, whose derivatives in the ends are given.

    So nodes, which move with features and ends, are no part of the first derivative; of the second
    they are, where the derivative of the integrand is integrated, which may jump at a feature.
    """
    whole, closed = _without_closure(integral, *features, *ends)
    at_ends, closed_at_ends = _without_closure(slopes, *ends)

    @jax.custom_jvp
    def value(
        closed: list[Array], _: list[Array], features: tuple[Array, ...], *ends: Array
    ) -> Array:
        result: Array = whole(*features, *ends, *closed)
        return result

    @value.defjvp
    def value_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
        closed, closed_at_ends, features, *ends = primals
        result, change = jax.jvp(lambda *c: whole(*features, *ends, *c), closed, tangents[0])
        moved = zip(at_ends(*ends, *closed_at_ends), tangents[3:], strict=True)
        return result, change + sum(slope * move for slope, move in moved)

    result: Array = value(closed, closed_at_ends, features, *ends)
    return result


def _without_closure(
    function: Callable[..., Any], *arguments: Array
) -> tuple[Callable, list[Array]]:
    """`jax.closure_convert`, whose functions JAX (0.10) can call where a mesh is set, too.

    Outside of a program it evaluates one operation after the other, and under `vmap` puts constants
    on other axes than those that `layout` has made automatic; in a program of its own it does not.
    """
    converted, closed = jax.closure_convert(function, *arguments)
    alone = jax.sharding.get_abstract_mesh().empty
    return converted if alone else jax.jit(converted, inline=True), closed


def _square_integral(
    tail: Probability, start: Array, features: Array, scale: Array, stop: Array
) -> Array:
    """Integral of a decreasing `tail` squared from `start` (finite) to `stop`.

    Features are (features, *batch), the others (*batch).
    """
    start, stop, scale = start[None], stop[None], scale[None]
    knots = jnp.sort(jnp.clip(features, start, stop), axis=0)
    start, stop, scale = (jnp.broadcast_to(x, knots[:1].shape) for x in (start, stop, scale))
    lefts = jnp.concatenate([start, knots])
    length = jnp.concatenate([knots, stop]) - lefts
    # One e-fold less than the length, so that nodes lie symmetrically in a piece between features.
    reach = length / math.e
    reach = jnp.concatenate([reach[:-1], jnp.minimum(reach[-1:], scale)])
    some = length > 0
    distance, weight = _rule(jnp.where(some, length, 1.0), jnp.where(some, reach, 1.0))
    weight = jnp.where(some[None], weight, 0.0)
    return jnp.sum(weight * tail(lefts[None] + distance) ** 2, axis=(0, 1))


def _rule(length: Array, reach: Array) -> tuple[Array, Array]:
    """Nodes, as distances from the left end of pieces, and weights; each (nodes, *pieces)."""
    column = (_COUNT,) + (1,) * length.ndim
    length, reach = length[None], reach[None]
    growth = reach * np.exp(_NODES).astype(length.dtype).reshape(column)
    share = 1 + growth / length
    distance = growth / share
    weight = _WEIGHTS.astype(length.dtype).reshape(column) * distance / share
    # Where a tail runs up against the largest float there is nothing more to add.
    limit = float(jnp.finfo(length.dtype).max) ** 0.75
    return jnp.minimum(distance, limit), jnp.where(distance < limit, weight, 0.0)
