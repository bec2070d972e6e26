"""The principal branch of Lambert's function, the inverse of `w exp(w)`, for arguments >= 0."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions.elementary import align

_STEPS = 3  # Halley's steps cube the error, which starts below 1%: 1e-2, 1e-6, below 1e-16


def lambert_w(x: Real[ArrayLike, "*batch"]) -> Float[Array, "*batch"]:
    """Return W with `W exp(W) = x`.

    Relative error below four roundings. The derivative is `exp(-W) / (1 + W)`, 1 at x = 0.

    Args:
        x: argument; 0 gives 0, inf gives inf. Negative numbers give NaN, also where the branch
            goes on (down to -1/e).

    Reference: Corless, Gonnet, Hare, Jeffrey, Knuth (1996), Advances in Computational
    Mathematics 5.

    >>> round(float(lambert_w(1.0)), 6)
    0.567143
    """
    return _lambert_w(*align(x))


@jax.custom_jvp
def _lambert_w(x: Array) -> Array:
    inside = (x >= 0) & (x < jnp.inf)
    argument = jnp.where(inside, x, 1.0)
    # A start with the right limits: W ~ x near 0, log x - log log x far out.
    log = jnp.log1p(argument)
    w = log * (1 - jnp.log1p(log) / (2 + log))
    for _ in range(_STEPS):
        # Halley's step for w - x exp(-w), whose exponential cannot overflow.
        excess = w - argument * jnp.exp(-w)
        w = w - excess / (1 + w - 0.5 * (2 + w) * excess / (1 + w))
    return jnp.where(inside, w, jnp.where(x == jnp.inf, jnp.inf, jnp.nan))


@_lambert_w.defjvp
def _lambert_w_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    w = _lambert_w(x)
    return w, dx * jnp.exp(-w) / (1 + w)
