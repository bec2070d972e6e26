"""Stretches of a series as a causal network takes them: a history, then targets.

One dense pass over a stretch forecasts all its targets at once. The output at a step is the
forecast of what comes `lead` steps later, made from that step and the past; so the inputs of
targets ``s .. s + L - 1`` end at ``s + L - 1 - lead``, and begin early enough that the first
target has a whole context too.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int


class Windows(NamedTuple):
    """Inputs and targets of B stretches.

    Attributes:
        inputs: (B, context - 1 + L) standardised; NaN where missing or outside the series.
        targets: (B, L) standardised; 0 where there is none.
        known: (B, L) True where there is a target.
    """

    inputs: Float[Array, "B T"]
    targets: Float[Array, "B L"]
    known: Bool[Array, "B L"]


def cut(
    values: Float[Array, "S N"],
    rows: Int[Array, " B"],
    starts: Int[Array, " B"],
    ends: Int[Array, " B"],
    *,
    length: int,
    context: int,
    lead: int,
) -> Windows:
    """Cut B stretches of one length.

    Args:
        values: (S, N) standardised series.
        rows: (B,) which series.
        starts: (B,) index of the first target.
        ends: (B,) index at which targets end; there are none from there on.
        length: L, targets of a stretch.
        context: points that a forecast is made from.
        lead: steps from the last of them to the target.

    >>> windows = cut(jnp.arange(9.0)[None], jnp.array([0]), jnp.array([4]), jnp.array([6]),
    ...               length=3, context=2, lead=1)
    >>> windows.inputs.tolist(), windows.targets.tolist(), windows.known.tolist()
    ([[2.0, 3.0, 4.0, 5.0]], [[4.0, 5.0, 0.0]], [[True, True, False]])
    """
    before = np.arange(1 - context - lead, length - lead)[None]
    after = np.arange(length)[None]
    inputs = _take(values, rows, starts[:, None] + before)
    at = starts[:, None] + after
    targets = _take(values, rows, at)
    known = ~jnp.isnan(targets) & (at < ends[:, None])
    return Windows(inputs, jnp.where(known, targets, 0.0), known)


def _take(values: Array, rows: Array, at: Array) -> Array:
    """NaN outside the series."""
    inside = (at >= 0) & (at < values.shape[1])
    found = jax.vmap(lambda row, i: values[row, i])(rows, jnp.clip(at, 0, values.shape[1] - 1))
    return jnp.where(inside, found, jnp.nan)
