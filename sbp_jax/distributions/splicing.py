"""Where the tails of a spliced binned-Pareto begin, and how much probability they hold.

Symbols: F_B distribution function of the bins, e_0 < ... < e_n their edges, a and b tail masses.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.arguments import Numbers, number
from sbp_jax.distributions.bin_search import Place, fixed
from sbp_jax.distributions.bins import Bins
from sbp_jax.distributions.elementary import defined_by
from sbp_jax.errors import InputError

Mode = Literal["quantile", "edge"]
Mass = float | Float[Array, ""]
TailMass = tuple[Mass | None, Mass | None]
"""Probability of the lower and of the upper tail; None for a side that has none."""


class Splice(NamedTuple):
    """Thresholds, log probability of what lies below the one and above the other, their places."""

    lower: Float[Array, "*batch"]
    upper: Float[Array, "*batch"]
    log_below: Float[Array, "*batch"]
    log_above: Float[Array, "*batch"]
    places: tuple[Place, Place]


def splice(
    bins: Bins, logits: Float[Array, "*batch bins"], tail_mass: TailMass, mode: Mode
) -> Splice:
    """Cut the bins at both ends.

    "quantile": t_L = F_B^-1(a) and t_U = F_B^-1(1 - b); the tails hold exactly a and b.

    "edge": t_L is the last edge with F_B <= a and t_U the first with 1 - F_B <= b, but at least
    e_1 and at most e_(n-1); the tails hold what the bins have beyond. That is at most a and b,
    unless an outermost bin alone has more. Bins in between keep their whole probability. Which
    edge it is jumps when the logits cross a boundary, and has no gradient; the masses have one.
    """
    sides = []
    for mass, upper in zip(tail_mass, (False, True), strict=True):
        level = jnp.full((1,) * (logits.ndim - 1), 0.0 if mass is None else mass, logits.dtype)
        if mass is None:
            end = jnp.full(logits.shape[:-1], bins.edges[-1 if upper else 0], logits.dtype)
            place = fixed(end, upper=upper)
            log_mass = jnp.full_like(level, -jnp.inf)
        elif mode == "quantile":
            place = bins.place(logits, level, upper=upper)
            log_mass = jnp.broadcast_to(jnp.log(level), place.point.shape)
        else:
            edge, log_mass = bins.edge(logits, level, upper=upper)
            place = fixed(defined_by(edge, log_mass), upper=upper)
        sides.append((place, log_mass))
    places, (log_below, log_above) = zip(*sides, strict=True)
    t_lower, t_upper = (bins.point_of(logits, place) for place in places)
    return Splice(t_lower, t_upper, log_below, log_above, places)


class Tail(NamedTuple):
    """The tail that a point lies in; where it lies in none, the upper one at excess 0."""

    below: Bool[Array, "*batch"]
    above: Bool[Array, "*batch"]
    excess: Float[Array, "*batch"]
    shape: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]
    log_mass: Float[Array, "*batch"]

    def log_prob(self) -> Float[Array, "*batch"]:
        """Log density."""
        return self.log_mass + genpareto.logpdf(self.excess, self.shape, self.scale)

    def log_beyond(self) -> Float[Array, "*batch"]:
        """Log probability of what lies farther out."""
        return self.log_mass + genpareto.logsf(self.excess, self.shape, self.scale)


def tail_of(
    y: Float[Array, "*batch"],
    cut: Splice,
    threshold: Callable[[Place], Array],
    lower: tuple[Array, Array] | None,
    upper: tuple[Array, Array] | None,
    mode: Mode,
) -> Tail:
    """The tail of y, found before anything of a tail is computed: then all of it is so only once.

    Args:
        y: a point.
        cut: of the same law.
        threshold: the point of a place.
        lower: shape and scale; None for a side without a tail.
        upper: shape and scale.
        mode: a threshold belongs to the body, but with "edge" the upper one to its tail.
    """
    inside = jnp.zeros(jnp.broadcast_shapes(y.shape, cut.lower.shape), bool)
    below = inside if lower is None else y < cut.lower
    above = inside
    if upper is not None:
        above = (y >= cut.upper if mode == "edge" else y > cut.upper) & ~below
    here = partial(jax.tree.map, partial(jnp.where, below))
    at = threshold(here(*cut.places))
    excess = jnp.where(below, at - y, jnp.where(above, y - at, 0.0))
    shape, scale = here(lower or upper, upper or lower)
    return Tail(below, above, excess, shape, scale, here(cut.log_below, cut.log_above))


def check_mode(mode: str) -> None:
    """InputError unless the mode is known."""
    if mode not in get_args(Mode):
        raise InputError(f"splice: expected one of {get_args(Mode)}, got {mode!r}")


def check_tail_mass(tail_mass: Mass | Numbers) -> TailMass:
    """Return the masses as a pair; InputError unless in (0, 0.5), or None for one of the sides.

    A traced mass has no value yet: whoever traces it has to know that it is in the range.
    """
    row = isinstance(tail_mass, Sequence) and not isinstance(tail_mass, str)
    given: Any = tail_mass if row or np.ndim(tail_mass) == 1 else (tail_mass, tail_mass)
    pair = [_mass(one) for one in given]
    masses = [mass for mass in pair if mass is not None]
    known = [mass for mass in masses if not isinstance(mass, jax.core.Tracer)]
    if len(pair) != 2 or not masses or not all(0 < mass < 0.5 for mass in known):
        raise InputError(
            "tail_mass: expected a number in (0, 0.5) or a pair (lower, upper) of such, one of "
            f"which may be None for no tail on that side, got {tail_mass!r}"
        )
    lower, upper = pair
    return lower, upper


def mass_times(log_mass: Array, value: Array) -> Array:
    """What a tail of that mass adds to a mean; 0 if it is not there.

    In log space: a mass that underflows times an infinite mean is infinite.
    """
    there = log_mass != -jnp.inf
    product = jnp.exp(jnp.where(there, log_mass, 0.0) + jnp.log(value))
    return jnp.where(there | jnp.isnan(product), product, 0.0)


def _mass(mass: Any) -> Mass | None:
    if mass is None or (isinstance(mass, jax.core.Tracer) and not mass.ndim):
        return mass
    return float(number("tail_mass", mass))


def mass_entropy(log_mass: Array, entropy: Array) -> Array:
    """What a tail of that mass and entropy adds to that of the whole; 0 if it is not there."""
    there = log_mass != -jnp.inf
    log_mass = jnp.where(there, log_mass, 0.0)
    return jnp.where(there, jnp.exp(log_mass) * (entropy - log_mass), 0.0)
