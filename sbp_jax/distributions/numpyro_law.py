"""The class of a family's NumPyro distribution, and NumPyro's censoring and truncation of it.

Imported by `numpyro_adapter` alone, once NumPyro is known to be there. At the top of a module, so
that distributions pickle.

NumPyro's own censored and truncated distributions take 1 - F from F, so that beyond F = 1 - 1e-7
every tail is as thin; truncated ones also refuse any base that is not theirs. Where the base is a
family's, they are replaced (`_of_family`) by classes that ask it for the logarithms themselves.
"""

import copy
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PRNGKeyArray
from numpyro import distributions as dist
from numpyro.distributions.batch_util import promote_batch_shape
from numpyro.distributions.distribution import COERCIONS
from numpyro.distributions.kl import kl_divergence
from numpyro.distributions.util import validate_sample

from sbp_jax.distributions.bins import random_levels
from sbp_jax.distributions.divergence import divergence
from sbp_jax.distributions.elementary import align, log_sum
from sbp_jax.distributions.family import Family, batch_shape, with_batch
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.inversion import invert_log


class FamilyDistribution(dist.Distribution):
    """A family with parameters; see `numpyro_adapter.to_numpyro`."""

    support = dist.constraints.real
    arg_constraints = {"params": dist.constraints.dependent}  # noqa: RUF012
    reparametrized_params = ["params"]  # noqa: RUF012
    pytree_data_fields = ("params",)
    pytree_aux_fields = ("family",)

    def __init__(self, family: Family, params: Any) -> None:
        self.family, self.params = family, params
        super().__init__(batch_shape(family, params))

    def log_prob(self, value: ArrayLike) -> Array:
        """Log density."""
        return self.family.log_prob(self.params, value)

    def sample(self, key: PRNGKeyArray, sample_shape: Sequence[int] = ()) -> Array:
        """Draws of shape `sample_shape` + batch shape."""
        return self.family.sample(key, self.params, sample_shape)

    def cdf(self, value: ArrayLike) -> Array:
        """Distribution function."""
        return self.family.cdf(self.params, value)

    def log_cdf(self, value: ArrayLike) -> Array:
        """Its logarithm."""
        return self.family.log_cdf(self.params, value)

    def log_sf(self, value: ArrayLike) -> Array:
        """log(1 - F)."""
        return self.family.log_sf(self.params, value)

    def log_interval(self, low: ArrayLike, high: ArrayLike) -> Array:
        """log(F(high) - F(low))."""
        return self.family.log_interval(self.params, low, high)

    def icdf(self, q: ArrayLike) -> Array:
        """Quantiles."""
        return self.family.quantile(self.params, q)

    def entropy(self) -> Array:
        """Differential entropy in nats.

        Raises:
            NotImplementedError: the family has none in closed form.
        """
        closed: Any = getattr(self.family, "entropy", None)
        if closed is None:
            raise NotImplementedError(f"entropy: {self.family!r} has none in closed form")
        return jnp.broadcast_to(closed(self.params), self.batch_shape)

    @property
    def mean(self) -> Array:
        """Expected value."""
        return self.family.mean(self.params)

    @property
    def variance(self) -> Array:
        """Variance."""
        return self.family.variance(self.params)


def _promote(adapter: Any) -> Any:
    """The adapter with the shape of its parameters, after a map or a scan has stacked them."""
    promoted = copy.copy(adapter)
    promoted._batch_shape = batch_shape(adapter.family, adapter.params)
    return promoted


promote_batch_shape.register(FamilyDistribution, _promote)


def _divergence(p: FamilyDistribution, q: FamilyDistribution) -> Array:
    return divergence(p.family, p.params, q.family, q.params)


def _divergence_from_normal(p: FamilyDistribution, q: dist.Normal) -> Array:
    return _divergence(p, _ours(q))


def _divergence_of_normal(p: dist.Normal, q: FamilyDistribution) -> Array:
    return _divergence(_ours(p), q)


def _ours(normal: dist.Normal) -> FamilyDistribution:
    return FamilyDistribution(Gaussian(), Gaussian.Params(normal.loc, normal.scale))


kl_divergence.register(FamilyDistribution, FamilyDistribution)(_divergence)
kl_divergence.register(FamilyDistribution, dist.Normal)(_divergence_from_normal)
kl_divergence.register(dist.Normal, FamilyDistribution)(_divergence_of_normal)


class _OfFamily:
    """A distribution made of a family's, or, if censored, of a truncated one."""

    base_dist: Any
    batch_shape: tuple[int, ...]

    def __init__(self, base_dist: Any, *args: Any, **kwargs: Any) -> None:
        # NumPyro would broadcast the parameters as if all their dimensions were the batch's.
        stand_in: Any = dist.Normal(jnp.zeros(base_dist.batch_shape))
        super().__init__(stand_in, *args, **kwargs)  # type: ignore[call-arg]
        self.base_dist = base_dist
        if issubclass(type(base_dist), _Truncated):
            self._support = base_dist.support


class LeftCensored(_OfFamily, dist.LeftCensoredDistribution):
    """Values of which some are known to be at most what is given: those count with log F."""

    @validate_sample  # type: ignore[untyped-decorator]
    def log_prob(self, value: ArrayLike) -> Array:
        """Log density, or log F where censored."""
        base = self.base_dist
        return _either(self.censored, base.log_cdf(value), base.log_prob(value))


class RightCensored(_OfFamily, dist.RightCensoredDistribution):
    """Values of which some are known to be at least what is given: those count with log(1 - F)."""

    @validate_sample  # type: ignore[untyped-decorator]
    def log_prob(self, value: ArrayLike) -> Array:
        """Log density, or log(1 - F) where censored."""
        base = self.base_dist
        return _either(self.censored, base.log_sf(value), base.log_prob(value))


class IntervalCensored(_OfFamily, dist.IntervalCensoredDistribution):
    """Values known by two bounds, of which NumPyro's flags say how each is meant."""

    @validate_sample  # type: ignore[untyped-decorator]
    def log_prob(self, value: ArrayLike) -> Array:
        """Log probability of what is known; of a point, its log density."""
        left, right, _, outside, point = self._get_censoring_masks(value)
        low, high = jnp.moveaxis(jnp.asarray(value), -1, 0)
        base = self.base_dist
        # What a flag leaves out may be anything, NaN too.
        low, high = jnp.where(left, high, low), jnp.where(right, low, high)
        found = _either(point, base.log_prob(low), base.log_interval(low, high))
        found = _either(left, base.log_cdf(high), found)
        found = _either(right, base.log_sf(low), found)
        return _either(outside, log_sum(base.log_cdf(low), base.log_sf(high)), found)


class _Truncated(_OfFamily):
    """What the three kinds of truncation have in common; a bound that is absent is infinite."""

    def _bounds(self) -> tuple[Any, Any]:
        return getattr(self, "low", -jnp.inf), getattr(self, "high", jnp.inf)

    def _log_mass(self) -> Array:
        low, high = self._bounds()
        if not hasattr(self, "high"):
            return self.base_dist.log_sf(low)
        return (
            self.base_dist.log_interval(low, high)
            if hasattr(self, "low")
            else self.base_dist.log_cdf(high)
        )

    def log_prob(self, value: ArrayLike) -> Array:
        """Log density; -inf beyond the bounds."""
        low, high = self._bounds()
        found = self.base_dist.log_prob(value) - self._log_mass()
        return jnp.where(jnp.logical_or(value < low, value > high), -jnp.inf, found)

    def cdf(self, value: ArrayLike) -> Array:
        """Distribution function, 0 and 1 beyond the bounds."""
        return jnp.exp(self.log_cdf(value))

    def log_interval(self, low: ArrayLike, high: ArrayLike) -> Array:
        """log(F(high) - F(low))."""
        low, high = (jnp.clip(x, *self._bounds()) for x in (low, high))
        return self.base_dist.log_interval(low, high) - self._log_mass()

    def log_cdf(self, value: ArrayLike) -> Array:
        """Logarithm of the distribution function."""
        return self.log_interval(-jnp.inf, value)

    def log_sf(self, value: ArrayLike) -> Array:
        """log(1 - F)."""
        return self.log_interval(value, jnp.inf)

    def icdf(self, q: ArrayLike) -> Array:
        """Quantiles; NaN for q outside [0, 1]."""
        (q,) = align(q)
        return self._quantile(q, 1 - q)

    def sample(self, key: PRNGKeyArray, sample_shape: Sequence[int] = ()) -> Array:
        """Draws by inversion, as far out as the bounds are."""
        shape = (*sample_shape, *self.batch_shape)
        return self._quantile(*random_levels(key, shape, jnp.result_type(float)))

    def _quantile(self, level: Array, complement: Array) -> Array:
        """The point with `level` of the mass between the bounds below it, found in logarithms."""
        base, mass, (low, high) = self.base_dist, self._log_mass(), self._bounds()
        at_first, at_last = level == 0, complement == 0
        inside = (level > 0) & (complement > 0)
        level, complement = (jnp.where(inside, x, 0.5) for x in (level, complement))
        below = log_sum(*jnp.broadcast_arrays(base.log_cdf(low), mass + jnp.log(level)))
        above = log_sum(*jnp.broadcast_arrays(base.log_sf(high), mass + jnp.log(complement)))
        upper = above < below
        target = jnp.minimum(below, above)
        start, width = base.icdf(0.5), base.icdf(0.75) - base.icdf(0.25)
        found = invert_log(
            base.log_cdf,
            base.log_sf,
            upper,
            target,
            *(jnp.broadcast_to(x, target.shape) for x in (start - width, start + width)),
        )
        first, last = (jnp.clip(base.icdf(q), low, high) for q in (0.0, 1.0))
        end = jnp.where(at_first, first, jnp.where(at_last, last, jnp.nan))
        return jnp.where(inside, jnp.clip(found, low, high), end)


class LeftTruncated(_Truncated, dist.LeftTruncatedDistribution):
    """A family's distribution given that the value is at least `low`."""


class RightTruncated(_Truncated, dist.RightTruncatedDistribution):
    """A family's distribution given that the value is at most `high`."""


class TwoSidedTruncated(_Truncated, dist.TwoSidedTruncatedDistribution):
    """A family's distribution given that the value is between `low` and `high`."""


def _either(which: Array, value: Array, other: Array) -> Array:
    which, value, other = jnp.broadcast_arrays(which, value, other)
    return jnp.where(which, value, other)


_OURS = {
    dist.LeftCensoredDistribution: LeftCensored,
    dist.RightCensoredDistribution: RightCensored,
    dist.IntervalCensoredDistribution: IntervalCensored,
    dist.LeftTruncatedDistribution: LeftTruncated,
    dist.RightTruncatedDistribution: RightTruncated,
    dist.TwoSidedTruncatedDistribution: TwoSidedTruncated,
}


def _of_family(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """NumPyro's hook at the making of a distribution: ours in place of one of its, or None."""
    ours = _OURS.get(cls)
    if ours is None:
        return None
    base = _base(args[0] if args else kwargs.get("base_dist"))
    censored = not issubclass(ours, _Truncated)
    if not isinstance(base, (FamilyDistribution, _Truncated) if censored else FamilyDistribution):
        return None
    return ours(base, *args[1:], **{k: v for k, v in kwargs.items() if k != "base_dist"})


def _base(given: Any) -> Any:
    """What a distribution is made of; a family's that was expanded, with parameters that were."""
    of = given.base_dist if isinstance(given, dist.ExpandedDistribution) else None
    if not isinstance(of, FamilyDistribution):
        return given
    return FamilyDistribution(of.family, with_batch(of.family, of.params, given.batch_shape))


# First, since NumPyro's handlers append to the list and take off its end.
COERCIONS.insert(0, _of_family)
