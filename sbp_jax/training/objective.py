"""What training minimises. Each objective estimates something else; none is a flag of a family.

==================  ========================================================================
density_nll         the density at y: right for continuous targets, misleading for atoms (a
                    narrow enough piece of density on an atom makes it as small as one likes)
interval_nll        the probability of y's cell: right for whole numbers such as yards
base_plus_tail      the bins as a classifier on every observation, plus the excess over the
                    thresholds held fixed: the surrogate of the SBP paper. Not the likelihood
                    of the spliced distribution; robust, since no far observation can pull at
                    the bins
==================  ========================================================================
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.distributions import Family, SplicedBinnedPareto, genpareto

ObjectiveName = Literal["density_nll", "interval_nll", "base_plus_tail"]
Objective = Callable[[Any, Float[Array, " b"]], Float[Array, " b"]]


def make_objective(name: ObjectiveName, family: Family, cell_width: float = 1.0) -> Objective:
    """Return ``(params, y) -> losses`` for a family.

    Args:
        name: one of the table at the top of this module.
        family: what the parameters belong to.
        cell_width: width of the cell around y, in the unit of y (1 for whole yards).

    Raises:
        ValueError: the objective is unknown.
        TypeError: the objective does not exist for this family.
    """
    if name == "density_nll":
        return partial(density_nll, family)
    if name == "interval_nll":
        return partial(interval_nll, family, cell_width=cell_width)
    if name == "base_plus_tail":
        if not isinstance(family, SplicedBinnedPareto):
            raise TypeError(f"base_plus_tail: expected a SplicedBinnedPareto, got {family!r}")
        return partial(base_plus_tail, family, cell_width=cell_width)
    raise ValueError(
        f"objective: expected density_nll, interval_nll or base_plus_tail, got {name!r}"
    )


def density_nll(family: Family, params: Any, y: Float[Array, " b"]) -> Float[Array, " b"]:
    """Negative log density at y, in nats."""
    return -family.log_prob(params, y)


def interval_nll(
    family: Family, params: Any, y: Float[Array, " b"], *, cell_width: float = 1.0
) -> Float[Array, " b"]:
    """Negative log probability of ``[y - w/2, y + w/2]``, in nats."""
    half = cell_width / 2
    return -family.log_interval(params, y - half, y + half)


def base_plus_tail(
    family: SplicedBinnedPareto,
    params: SplicedBinnedPareto.Params,
    y: Float[Array, " b"],
    *,
    cell_width: float = 1.0,
) -> Float[Array, " b"]:
    """Classification by the bins on every y, plus the tails on what exceeds the thresholds.

    ``-log f_bins(y) - 1{y > t_U} log P(cell of y | beyond t_U) - 1{y < t_L} (the mirror image)``.
    Thresholds carry no gradient, so the logits learn from the first term alone and the tails
    from the others alone. A y outside all bins counts for the nearest one. Excesses are scored
    on the part of their cell beyond the threshold: of whole yards, an excess is known no better.

    Reference: Ehrlich, Callot, Aubet (2021), arXiv 2106.10952, with the density of the excess
    replaced by its probability.
    """
    half = cell_width / 2
    lower, upper = jax.lax.stop_gradient(family.thresholds(params))
    inside = jnp.clip(y, family.edges[0], family.edges[-1])
    classified = family.bins.log_prob(params.logits, inside)

    def tail(excess: Array, shape: Array, scale: Array) -> Array:
        near = jnp.maximum(excess - half, 0.0)
        width = jnp.maximum(excess + half - near, half)
        fit = genpareto.loginterval(near, width, shape, scale)
        return jnp.where(excess > 0, fit, 0.0)

    below = tail(lower - y, params.lower_shape, params.lower_scale)
    above = tail(y - upper, params.upper_shape, params.upper_scale)
    return -(classified + below + above)
