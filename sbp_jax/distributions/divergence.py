r"""The Kullback-Leibler divergence `\int f_p log(f_p / f_q)`, where it has a closed form."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from sbp_jax.distributions.binned import Binned
from sbp_jax.distributions.elementary import align
from sbp_jax.distributions.family import Family
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.moved import Moved


def divergence(
    family: Family, params: Any, other: Family, other_params: Any
) -> Float[Array, "..."]:
    """Divergence of a distribution from another, in nats: of two normal or two binned ones.

    A normal law in another unit (`Moved`) is normal.

    Args:
        family: of the distribution p that is taken for the truth.
        params: its parameters.
        other: of q.
        other_params: its parameters; batch dimensions broadcast.

    Raises:
        NotImplementedError: there is no closed form.

    >>> p, q = (Gaussian.Params(jnp.array(m), jnp.array(1.0)) for m in (0.0, 2.0))
    >>> float(divergence(Gaussian(), p, Gaussian(), q))
    2.0
    """
    family, params = _unmoved(family, params)
    other, other_params = _unmoved(other, other_params)
    if isinstance(family, Gaussian) and isinstance(other, Gaussian):
        loc, scale, other_loc, other_scale = align(*params, *other_params)
        ratio, apart = scale / other_scale, (loc - other_loc) / other_scale
        return 0.5 * (ratio**2 + apart**2 - 1) - jnp.log(ratio)
    if isinstance(family, Binned) and isinstance(other, Binned):
        # On the pieces between all edges both densities are constant.
        points = np.union1d(family.edges, other.edges)
        low, high = points[:-1], points[1:]
        log_p = jax.vmap(lambda *piece: family.log_interval(params, *piece))(low, high)
        log_q = jax.vmap(lambda *piece: other.log_interval(other_params, *piece))(low, high)
        return jnp.sum(_weighed(*align(log_p, log_q)), axis=0)
    raise NotImplementedError(
        f"kl_divergence: expected two normal or two binned families, got {family!r} and {other!r}"
    )


def _unmoved(family: Family, params: Any) -> tuple[Family, Any]:
    """A moved normal law as what it is; another as it was."""
    if not (isinstance(family, Moved) and isinstance(family.base, Gaussian)):
        return family, params
    loc, scale, own_loc, own_scale = align(params.loc, params.scale, *params.base)
    return family.base, Gaussian.Params(loc + scale * own_loc, scale * own_scale)


def _weighed(log_p: Array, log_q: Array) -> Array:
    """`p (log p - log q)`: nothing where p is 0, infinity where q alone is."""
    some = log_p != -jnp.inf
    log_p = jnp.where(some, log_p, 0.0)
    return jnp.where(some, jnp.exp(log_p) * (log_p - log_q), 0.0)
