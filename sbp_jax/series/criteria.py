"""What a network for series is trained by, and what its epochs are compared by."""

from collections.abc import Callable
from typing import Any, Final

import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.distributions import Binned, Family
from sbp_jax.training.objective import ObjectiveName, make_objective

FINE: Final = 1e-3
"""Width of the cell that a continuous value stands for, standardised: as good as a point."""

_FAR: Final = 1e6
_RESOLVED: Final = 2.0**-16
"""Least width of a cell beside its value: 256 steps of float32, so that its ends do not merge."""

Values = Float[Array, " B"]
Loss = Callable[[Any, Values, Values], Values]
"""(parameters, values, widths of their cells), all of (B,), to losses."""


def training_loss(name: ObjectiveName, family: Family, *, counts: bool) -> Loss:
    """An objective of `sbp_jax.training.objective`, for cells of any width.

    interval_nll is `cell_log_score`, with what holds there at the ends.

    Args:
        name: of the objective.
        family: of distributions.
        counts: whether values are counts; see `cell_bounds`.

    Raises:
        ValueError: the objective is unknown.
        TypeError: it does not exist for this family.
    """
    make_objective(name, family, FINE)
    if name == "interval_nll":
        return lambda params, y, cell: cell_log_score(family, params, y, cell, counts=counts)
    return lambda params, y, cell: make_objective(name, family, cell)(params, y)


def cell_bounds(y: Values, cell: Values, *, counts: bool) -> tuple[Values, Values]:
    """The cell ``y - cell / 2 .. y + cell / 2`` that a value stands for.

    The cell of the count 0 holds everything below as well, to a million means: what a law of any
    real number says there, it says of 0.

    >>> lower, upper = cell_bounds(jnp.array([0.5, 1.5]), jnp.ones(2), counts=True)
    >>> lower.tolist(), upper.tolist()
    ([-1000000.0, 1.0], [1.0, 2.0])
    """
    lower, upper = y - cell / 2, y + cell / 2
    return (jnp.where(lower < cell / 4, -_FAR, lower) if counts else lower), upper


def cell_log_score(family: Family, params: Any, y: Values, cell: Values, *, counts: bool) -> Values:
    """Minus the log probability of each value's cell, in nats; the smaller the better.

    Bins without tails hold what lies beyond them for impossible. Such a value is moved into the
    end bin, in their favour.

    Where a cell is too narrow for float32, a wider one stands for it, of the same mean density.
    """
    if isinstance(family, Binned):
        y = jnp.clip(y, family.edges[0], family.edges[-1])
    wide = jnp.maximum(cell, _RESOLVED * jnp.abs(y))
    lower, upper = cell_bounds(y, wide, counts=counts)
    if isinstance(family, Binned):
        upper = jnp.clip(upper, family.edges[0] + wide, None)
        lower = jnp.clip(lower, None, family.edges[-1] - wide)
    return jnp.log(wide / cell) - family.log_interval(params, lower, upper)
