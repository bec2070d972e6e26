"""A distribution given by points and the masses between and beyond: anybody's bins or quantiles.

Formulas stand in `cells`: F is linear between the points, with generalized Pareto tails beyond.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions import cells
from sbp_jax.distributions.arguments import Number, Whole, whole
from sbp_jax.distributions.bins import check_raw, prefix_sums
from sbp_jax.distributions.celled import Celled
from sbp_jax.distributions.elementary import align_with, positive
from sbp_jax.distributions.family import compiled
from sbp_jax.distributions.raw_zeros import keep_location_scale, squash_shape

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_STEP_FLOOR = 1e-3  # lowest step between points, as a fraction of the one at raw zeros
_NARROWEST = 16  # roundings of its ends' size: no cell counts as narrower
_SHAPES = (0.0, 0.95)


@dataclass(frozen=True)
class Tabulated(Celled):
    """Distribution of k points, k + 1 masses and two tails.

    Where two points coincide, the mass between them counts as an atom a few roundings wide, and
    nothing is NaN.

    Args:
        points: how many, k >= 2.
        center: median at raw zeros, in the unit of the target.
        spread: distance of the outermost points from it there, > 0.

    >>> params = Tabulated(3).Params(
    ...     points=jnp.array([0.0, 1.0, 3.0]),
    ...     log_masses=jnp.log(jnp.array([0.1, 0.4, 0.4, 0.1])),
    ...     lower_shape=jnp.zeros(()), lower_scale=jnp.ones(()),
    ...     upper_shape=jnp.zeros(()), upper_scale=jnp.ones(()),
    ... )
    >>> [round(float(Tabulated(3).quantile(params, q)), 3) for q in (0.1, 0.3, 0.7)]
    [0.0, 0.5, 2.0]
    """

    points: Whole
    center: Number = 0.0
    spread: Number = 1.0

    class Params(NamedTuple):
        """Points, increasing; logs of the masses below, between and above; shapes and scales."""

        points: Float[Array, "*batch points"]
        log_masses: Float[Array, "*batch points+1"]
        lower_shape: Float[Array, "*batch"]
        lower_scale: Float[Array, "*batch"]
        upper_shape: Float[Array, "*batch"]
        upper_scale: Float[Array, "*batch"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", whole("points", self.points, 2))
        keep_location_scale(self)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return float(self.spread)

    @property
    def num_outputs(self) -> int:
        """A first point and steps, logits of the masses, and a shape and a scale of each tail."""
        return 2 * self.points + 5

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """Increasing points and normalised masses; zeros give evenly spaced and equal ones."""
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        k = self.points
        step = 2 * self.spread / (k - 1)
        first = self.center + self.spread * (raw[..., :1] - 1)
        steps = positive(raw[..., 1:k], step, _STEP_FLOOR)
        shapes, scales = raw[..., 2 * k + 1 :: 2], raw[..., 2 * k + 2 :: 2]
        lower_shape, upper_shape = jnp.moveaxis(squash_shape(shapes, _SHAPES), -1, 0)
        lower_scale, upper_scale = jnp.moveaxis(positive(scales, step, _STEP_FLOOR), -1, 0)
        return self.Params(
            prefix_sums(jnp.concatenate([first, steps], axis=-1)),
            jax.nn.log_softmax(raw[..., k : 2 * k + 1]),
            lower_shape,
            lower_scale,
            upper_shape,
            upper_scale,
        )

    def knots(self, params: Params) -> Float[Array, "*batch knots"]:
        """The points, where the density jumps."""
        return align_with(params.points)[0]

    def _prepare(
        self, params: Params, *values: Value
    ) -> tuple[cells.Cells, cells.Tails, tuple[Array, ...]]:
        points, *rest = align_with(params.points, *params[2:], *values)
        log_masses, *_ = align_with(params.log_masses, *rest)
        masses = jnp.exp(log_masses)
        left, right = points[..., :-1], points[..., 1:]
        size = jnp.maximum(jnp.abs(left), jnp.abs(right))
        narrowest = jnp.maximum(_NARROWEST * jnp.finfo(points.dtype).eps * size, 1e-30)
        upto = prefix_sums(masses)
        beyond = prefix_sums(masses[..., ::-1])[..., ::-1]
        grid = cells.Cells(
            below=upto[..., :-2],
            above=beyond[..., 2:],
            mass=masses[..., 1:-1],
            left=left,
            right=right,
            width=jnp.maximum(right - left, narrowest),
        )
        lower_shape, lower_scale, upper_shape, upper_scale = rest[:4]
        tails = cells.Tails(
            first=points[..., 0],
            last=points[..., -1],
            lower_shape=lower_shape,
            lower_scale=lower_scale,
            upper_shape=upper_shape,
            upper_scale=upper_scale,
            log_lower=log_masses[..., 0],
            log_upper=log_masses[..., -1],
        )
        return grid, tails, tuple(rest[4:])
