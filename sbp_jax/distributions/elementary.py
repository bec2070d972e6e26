"""Elementary functions that stay accurate, and keep finite gradients, where the plain ones do not.

A branch that `jnp.where` discards still contributes `0 * inf = NaN` to the gradient when its
derivative overflows. So wherever a branch is not taken its *input* is replaced by a harmless
number first ("double where").
"""

from collections.abc import Callable
from math import factorial

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Real

_FAR = 1e18
_LOG_2 = 0.6931471805599453
_LOG1P_SERIES = tuple(1 / (2 * k + 1) for k in range(9))
_EXPM1_SERIES = tuple(1 / factorial(k + 1) for k in range(13))


def float_dtype(*values: Real[ArrayLike, "..."]) -> jnp.dtype:
    """The dtype of a result of these: float32, or wider where one of them is."""
    # Conversion is what is asked for here, also where a user forbids JAX to do it unasked.
    with jax.numpy_dtype_promotion("standard"):
        return jnp.promote_types(jnp.result_type(*values, 1.0), jnp.float32)


def _expand(value: Real[ArrayLike, "..."], rank: int, dtype: jnp.dtype) -> Array:
    ones = (1,) * (rank - jnp.ndim(value))
    return jnp.asarray(value, dtype).reshape(ones + jnp.shape(value))


def align(*values: Real[ArrayLike, "..."]) -> tuple[Array, ...]:
    """Give every value one float dtype (at least float32) and one rank, by leading ones."""
    dtype = float_dtype(*values)
    rank = max(jnp.ndim(value) for value in values)
    return tuple(_expand(value, rank, dtype) for value in values)


def align_with(
    vector: Real[ArrayLike, "..."], *values: Real[ArrayLike, "..."]
) -> tuple[Array, ...]:
    """Align `values` with the leading dimensions of `vector`, whose last axis is kept apart."""
    dtype = float_dtype(vector, *values)
    rank = max([jnp.ndim(vector) - 1, *(jnp.ndim(value) for value in values)])
    return _expand(vector, rank + 1, dtype), *(_expand(value, rank, dtype) for value in values)


def _polynomial(x: Float[Array, "..."], coefficients: tuple[float, ...]) -> Float[Array, "..."]:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def log1p_ratio(u: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Return `log(1 + u) / u` for u > -1, smooth through its value 1 at u = 0.

    With `s = u / (2 + u)`, `log(1 + u) = 2 (s + s^3 / 3 + s^5 / 5 + ...)`; near 0 that series
    keeps the derivative too, where the quotient's would cancel (to `u / 2` out of 1).
    """
    near = jnp.abs(u) < 0.2
    small = jnp.where(near, u, 0.0)
    s = small / (2 + small)
    large = jnp.where(near, 1.0, u)
    return jnp.where(near, (1 - s) * _polynomial(s * s, _LOG1P_SERIES), jnp.log1p(large) / large)


def expm1_ratio(v: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return `(exp(v) - 1) / v`, smooth through its value 1 at v = 0."""
    near = jnp.abs(v) < 0.25
    small = jnp.where(near, v, 0.0)
    large = jnp.where(near, 1.0, v)
    return jnp.where(near, _polynomial(small, _EXPM1_SERIES), jnp.expm1(large) / large)


def log1p_ratio_slope(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the derivative of `log1p_ratio`, from -1/2 at u = 0, itself smooth there."""
    return jax.jvp(log1p_ratio, (u,), (jnp.ones_like(u),))[1]


def expm1_ratio_slope(v: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the derivative of `expm1_ratio`, 1/2 at v = 0, itself smooth there."""
    return jax.jvp(expm1_ratio, (v,), (jnp.ones_like(v),))[1]


def _leading_half(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return x with the lower half of its significand cleared."""
    bits, dropped = (jnp.uint64, 27) if x.dtype == jnp.float64 else (jnp.uint32, 12)
    integer = jax.lax.bitcast_convert_type(x, bits)
    return jax.lax.bitcast_convert_type((integer >> dropped) << dropped, x.dtype)


@jax.custom_jvp
def multiply_add(
    a: Float[Array, "..."], b: Float[Array, "..."], c: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return `a * b + c`, keeping its digits also where the product nearly cancels c.

    Both factors are split into halves, whose products are exact (Dekker 1971), so that it does
    not matter whether the compiler fuses a product with a sum. Infinite factors give NaN.
    """
    a_high, b_high = _leading_half(a), _leading_half(b)
    a_low, b_low = a - a_high, b - b_high
    return (((c + a_high * b_high) + a_high * b_low) + a_low * b_high) + a_low * b_low


@multiply_add.defjvp
def _multiply_add_jvp(
    primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]
) -> tuple[Array, Array]:
    a, b, c = primals
    da, db, dc = tangents
    return multiply_add(a, b, c), b * da + a * db + dc


def safe_log(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return `log(x)`; -inf, with gradient 0, for x <= 0."""
    empty = x <= 0
    return jnp.where(empty, -jnp.inf, jnp.log(jnp.where(empty, 1.0, x)))


def defined_by(value: Float[Array, "*#batch"], *inputs: Float[Array, "*#batch"]) -> Array:
    """Return the value, NaN where any of its inputs is, also of those that it does not need."""
    for x in inputs:
        value = jnp.where(jnp.isnan(x), jnp.nan, value)
    return value


def divide_end(
    x: Float[Array, "*#batch"], scale: Float[Array, "*#batch"]
) -> Float[Array, "*batch"]:
    """Return `x / scale`, with gradient 0 where that is infinite, as at an end of an interval."""
    quotient = jax.lax.stop_gradient(x / scale)
    finite = jnp.abs(quotient) < jnp.inf
    ratio = jnp.where(finite, x, 1.0) / jnp.where(finite, scale, 1.0)
    return jnp.where(finite, ratio, quotient)


def far_off(
    distance: Float[Array, "*#batch"], scale: Float[Array, "*#batch"]
) -> Bool[Array, "*batch"]:
    """Whether a distance is beyond 1e18 scales, where the square of their ratio may overflow.

    There a score is the distance, and a tail that falls as a power has no other form.
    """
    size = jnp.abs(distance)
    return (size > _FAR * scale) & (size < jnp.inf)


def wider(distance: Float[Array, "*#batch"], scale: Float[Array, "*#batch"]) -> Array:
    """The scale, or one of which the distance is 1e18, where it is `far_off`.

    A tail of index a, `S(z) ~ z^-a`, has with the wider scale `log(wider / scale) a` more log
    probability.
    """
    return jnp.where(far_off(distance, scale), jnp.abs(distance) / _FAR, scale)


def at_ends(
    function: Callable[[Array], Array],
    y: Float[Array, "*#batch"],
    below: float,
    above: float,
) -> Float[Array, "*batch"]:
    """Return `function(y)`; `below` at -inf and `above` at inf, with gradient 0 there.

    NaN where y is, or a parameter that the function closes over.
    """
    finite = jnp.abs(y) < jnp.inf
    value = function(jnp.where(finite, y, 0.0))
    end = jnp.where(y < 0, below, jnp.where(y > 0, above, jnp.nan)).astype(value.dtype)
    undefined = jnp.isnan(jax.lax.stop_gradient(value))
    return jnp.where(finite | undefined, value, end)


def log1mexp(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return `log(1 - exp(-x))`; -inf, with gradient 0, for x <= 0.

    Each branch is the accurate one on its side of log 2 (Mächler 2012, "Accurately computing
    log(1 - exp(-|a|))").
    """
    empty = x <= 0
    near = x < _LOG_2
    small = jnp.where(near & ~empty, x, 0.5)
    large = jnp.where(near, 1.0, x)
    value = jnp.where(near, jnp.log(-jnp.expm1(-small)), jnp.log1p(-jnp.exp(-large)))
    return jnp.where(empty, -jnp.inf, value)


def log_dot(
    logits: Float[Array, "*#batch n"], weights: Float[Array, "*#batch n"]
) -> Float[Array, "*batch"]:
    """Return `log(sum(weights * exp(logits)))` over the last axis; weights are not negative.

    The maximum is taken over the bins that count, so that a cell far below the mode keeps its
    relative accuracy. Where no weight is positive: -inf, with gradient 0.
    """
    counts = ~(weights <= 0)  # so that NaN counts, and shows
    peak = jnp.max(jnp.where(counts, logits, -jnp.inf), axis=-1, keepdims=True)
    peak = jax.lax.stop_gradient(jnp.where(jnp.isfinite(peak), peak, 0.0))
    exponent = jnp.where(counts, logits - peak, 0.0)
    total = jnp.sum(jnp.where(counts, weights * jnp.exp(exponent), 0.0), axis=-1)
    empty = total <= 0
    value = jnp.log(jnp.where(empty, 1.0, total)) + jnp.squeeze(peak, -1)
    return jnp.where(empty, -jnp.inf, value)


def log_sum(*logs: Float[Array, "*#batch"]) -> Float[Array, "*batch"]:
    """Return `log(sum(exp(x)))` over the arguments, -inf with gradient 0 where all are -inf."""
    return log_total(jnp.stack(jnp.broadcast_arrays(*logs), axis=-1))


def log_total(terms: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    """Log of the sum of exp(terms) over the last axis; -inf, with gradient 0, where all are."""
    counts = terms != -jnp.inf
    return log_dot(jnp.where(counts, terms, 0.0), counts.astype(terms.dtype))


def weighted_sum(
    weights: Float[Array, "*#batch n"], values: Float[Array, "*#batch n"]
) -> Float[Array, "*batch"]:
    """Sum of weights times values over the last axis; no weight counts no infinite value, but NaN.

    Written as a plain sum of products, XLA's CPU compiler makes a matrix product of it, and where
    anything elementwise follows in the same program computes 0 from some 50,000 results on.
    """
    void = (weights == 0) & jnp.isinf(values)
    products = jnp.where(void, 0.0, weights * jnp.where(void, 0.0, values))
    return jnp.sum(products, axis=-1)


def positive(
    raw: Float[Array, "..."], at_zero: float | Float[Array, ""], floor: float
) -> Float[Array, "..."]:
    """Softplus scaled to `at_zero` at raw = 0, never below `floor * at_zero`."""
    return at_zero * (floor + (1 - floor) * jax.nn.softplus(raw) / _LOG_2)
