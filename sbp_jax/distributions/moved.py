r"""Any family moved by a location and a scale of its own: bins that follow the input.

Symbols: m location, s scale > 0, z = (y - m) / s, G and g distribution function and density of
the base family, w width of a cell:

    F(y) = G(z)     f(y) = g(z) / s     F^-1(q) = m + s G^-1(q)     CRPS(F, y) = s CRPS(G, z)

Everything is the base's own method at z, so a moved family is as exact as its base.

The trap. Where the base is made of bins, its density is constant within each: the derivative of
log f in y, and so in m, is 0, and what happens at the edges is a jump that no derivative sees. Its
m and s must be trained on the mass of a cell, `log_interval`, in which edges count; the objective
interval_nll does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.arguments import Number, family_of, flag
from sbp_jax.distributions.bins import check_raw
from sbp_jax.distributions.elementary import align, align_with, defined_by, divide_end, far_off
from sbp_jax.distributions.family import (
    Derived,
    Family,
    batch_shape,
    compiled,
    compiled_sample,
    on_any_mesh,
    where_base_has,
    with_batch,
)
from sbp_jax.distributions.raw_zeros import keep_location_scale

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_ROUNDINGS = 1024  # of z that a window is wide at least
_WIDEST = 12.0  # largest |log(scale / spread)|: six decimal digits either way


@dataclass(frozen=True)
class Moved(Derived):
    """A family of z = (y - m) / s, with m and s beside its own parameters.

    Args:
        base: the family of z.
        center: m at raw zeros, in the unit of the target.
        spread: s at raw zeros, > 0, in the unit of the target.
        location: whether m is emitted; without, it is `center`, for a target with an edge there.

    >>> from sbp_jax.distributions import Binned
    >>> family = Moved(Binned([-2.0, -1.0, 0.0, 1.0, 2.0]), center=7.0, spread=10.0)
    >>> params = family.constrain(jnp.zeros(family.num_outputs))
    >>> float(family.mean(params)), float(family.quantile(params, 1.0))
    (7.0, 27.0)
    """

    base: Family
    center: Number = 0.0
    spread: Number = 1.0
    location: bool | Any = True

    class Params(NamedTuple):
        """Location and scale, in the unit of the target; parameters of the base, of z."""

        loc: Float[Array, "*batch"]
        scale: Float[Array, "*batch"]
        base: Any

    def __post_init__(self) -> None:
        family_of("base", self.base)
        keep_location_scale(self)
        object.__setattr__(self, "location", flag("location", self.location))

    @property
    def num_outputs(self) -> int:
        """Those of the base, then the scale, then the location if it is emitted."""
        return self.base.num_outputs + 1 + self.location

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, at raw zeros."""
        return float(self.spread * getattr(self.base, "unit", 1.0))

    @where_base_has("edges")
    @on_any_mesh
    def log_window(self, params: Params, y: Value) -> Result:
        """Log of the mean density about y, in the target's unit.

        The window is as wide as one of the base's middle bins, moved: what the objective window_nll
        sees of an observation. Far out, where so narrow a window would be lost in rounding, it is
        wider, and a density is even over it all the same.

        Raises:
            AttributeError: the base has no bins.
        """
        binned: Any = self.base
        edges = binned.edges
        middle = len(edges) // 2
        of_base = (edges[middle + 1] - edges[middle - 1]) / 2
        z, scale = _finite(params, y)
        width = jnp.maximum(of_base, _ROUNDINGS * jnp.finfo(z.dtype).eps * jnp.abs(z))
        low, high = z - width / 2, z + width / 2
        return self.base.log_interval(params.base, low, high) - jnp.log(width * scale)

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """`scale = spread exp(12 tanh(raw / 12))`, `loc = center + spread raw`.

        In the order of `num_outputs`. The logarithm of the scale is close to raw, and bounded.
        """
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        base = self.base.constrain(raw[..., : self.base.num_outputs])
        return self.place(raw[..., self.base.num_outputs :], base)

    def place(self, raw: Float[Array, "*batch own"], base: Any) -> Params:
        """Parameters of z, put where the raw numbers say that are not the base's own."""
        scale = self.spread * jnp.exp(_WIDEST * jnp.tanh(raw[..., 0] / _WIDEST))
        shift = raw[..., 1] if self.location else jnp.zeros_like(scale)
        return self.Params(self.center + self.spread * shift, scale, base)

    @where_base_has("knots")
    @on_any_mesh
    def knots(self, params: Params) -> Float[Array, "*batch knots"]:
        """Where the density may jump: the base's knots, moved.

        Raises:
            AttributeError: the base has none.
        """
        jumping: Any = self.base
        z, loc, scale = align_with(jumping.knots(params.base), params.loc, params.scale)
        return loc[..., None] + scale[..., None] * z

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density `log g(z) - log s`."""
        z, scale = _finite(params, y)
        return self.base.log_prob(params.base, z) - jnp.log(scale)

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function G(z)."""
        return self.base.cdf(params.base, _standard(params, y))

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log G(z)."""
        return self.base.log_cdf(params.base, _standard(params, y))

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function 1 - G(z)."""
        return self.base.sf(params.base, _standard(params, y))

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """Log(1 - G(z))."""
        return self.base.log_sf(params.base, _standard(params, y))

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """Log mass of [lo, hi], that of the moved interval; -inf where hi <= lo."""
        return self.base.log_interval(params.base, _standard(params, lo), _standard(params, hi))

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """`m + s G^-1(q)`."""
        return _placed(params, self.base.quantile(params.base, q))

    @compiled
    def mean(self, params: Params) -> Result:
        """`m + s E z`."""
        return _placed(params, self.base.mean(params.base))

    @compiled
    def variance(self, params: Params) -> Result:
        """`s^2 Var z`."""
        scale, variance = align(params.scale, self.base.variance(params.base))
        return defined_by(scale**2 * variance, align(params.loc, variance)[0])

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws `m + s z`, differentiable in all parameters where the base's are."""
        # As many draws of z as there are laws, also where several share the base's parameters.
        base = with_batch(self.base, params.base, batch_shape(self, params))
        return _placed(params, self.base.sample(key, base, tuple(shape)))

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        """Continuous ranked probability score, s times that of z."""
        z, scale, loc, y = align(*_finite(params, y), params.loc, y)
        finite, far = jnp.abs(y) < jnp.inf, far_off(y - loc, scale)
        score = scale * self.base.crps(params.base, jnp.where(finite & ~far, z, 0.0))
        return jnp.where(finite & ~far | jnp.isnan(score), score, jnp.abs(y - loc))

    @where_base_has("twcrps")
    @on_any_mesh
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        """Threshold-weighted CRPS from `lower` to `upper`, s times that of z; as the base has it.

        Raises:
            AttributeError: the base has none in closed form.
        """
        exact: Any = self.base
        ends = (_standard(params, x) for x in (y, lower, upper))
        scale, score = align(params.scale, exact.twcrps(params.base, *ends))
        finite = jnp.abs(score) < jnp.inf
        held = scale * jnp.where(finite, score, 0.0)
        return jnp.where(finite, held, jax.lax.stop_gradient(scale * score))

    @where_base_has("entropy")
    @on_any_mesh
    def entropy(self, params: Params) -> Result:
        """Differential entropy in nats, `log s` more than that of z.

        Raises:
            AttributeError: the base has none in closed form.
        """
        exact: Any = self.base
        loc, scale, of_z = align(params.loc, params.scale, exact.entropy(params.base))
        return defined_by(jnp.log(scale) + of_z, loc)

    @where_base_has("with_tail_mass")
    def with_tail_mass(self, mass: Any) -> "Moved":
        """The same with another tail mass of the base, which may be traced.

        Raises:
            AttributeError: the base has none.
        """
        able: Any = self.base
        return replace(self, base=able.with_tail_mass(mass))


def _standard(params: Moved.Params, y: Value) -> Array:
    """Z of y, which may be infinite; the gradient is 0 there."""
    loc, scale, y = align(params.loc, params.scale, y)
    return divide_end(y - loc, scale)


def _finite(params: Moved.Params, y: Value) -> tuple[Array, Array]:
    """Z of y, and the scale: infinite z of a finite y is rounding, not the end of a support."""
    loc, scale, y = align(params.loc, params.scale, y)
    finite = jnp.abs(y) < jnp.inf
    z = (jnp.where(finite, y, loc) - loc) / scale
    largest = jnp.finfo(z.dtype).max
    return jnp.where(finite, jnp.clip(z, -largest, largest), y), scale


def _placed(params: Moved.Params, z: Value) -> Array:
    """Y of z, which may be infinite; the gradient is 0 there."""
    loc, scale, z = align(params.loc, params.scale, z)
    finite = jnp.abs(z) < jnp.inf
    return jnp.where(finite, loc + scale * jnp.where(finite, z, 0.0), jax.lax.stop_gradient(z))
