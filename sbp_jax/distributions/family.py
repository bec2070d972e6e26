"""What every family of predictive distributions offers.

A family is a frozen, hashable description without parameters, so it can be a static argument or
a closure of a jitted function. Its parameters are a pytree (`Params`, a NamedTuple). Every method
is a pure function that jits, vmaps and differentiates. Batch dimensions of the parameters
broadcast against the other arguments by NumPy's rules; computation is in float32 or wider.

Within a traced function a number of the description may itself be traced, where the family says
so, such as the tail masses of `SplicedBinnedPareto`: members of a population then differ in it
within one program. Such a family does not hash and lives no longer than the trace.
"""

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.bins import Bins
from sbp_jax.distributions.elementary import align
from sbp_jax.distributions.layout import as_batch, explicit_mesh

P = TypeVar("P")
F = TypeVar("F", bound=Callable[..., Any])
Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]


@runtime_checkable
class Family(Protocol[P]):
    """A family of distributions on the real line; `P` is the type of its parameters."""

    @property
    def num_outputs(self) -> int:
        """How many raw numbers a network must emit for one distribution."""

    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> P:
        """Parameters from raw numbers (..., num_outputs); any finite raw is valid, 0 sensible."""

    def log_prob(self, params: P, y: Value) -> Result:
        """Normalised log density at y; -inf outside the support."""

    def cdf(self, params: P, y: Value) -> Result:
        """Distribution function F(y)."""

    def log_cdf(self, params: P, y: Value) -> Result:
        """Log F(y), accurate also where F is near 0 or 1."""

    def sf(self, params: P, y: Value) -> Result:
        """Survival function 1 - F(y), accurate where it is small."""

    def log_sf(self, params: P, y: Value) -> Result:
        """log(1 - F(y)), accurate also where it is near 0 or 1."""

    def log_interval(self, params: P, lo: Value, hi: Value) -> Result:
        """log(F(hi) - F(lo)) without cancellation; -inf where hi <= lo."""

    def quantile(self, params: P, q: Value) -> Result:
        """Inverse of F; ends of the support at q = 0 and 1, NaN for q outside [0, 1]."""

    def median(self, params: P) -> Result:
        """Quantile at 1/2."""

    def mean(self, params: P) -> Result:
        """Expected value; infinite or NaN where it does not exist."""

    def variance(self, params: P) -> Result:
        """Variance; inf where it does not exist."""

    def second_moment(self, params: P) -> Result:
        """Expected square, about 0; inf where it does not exist."""

    def sample(self, key: PRNGKeyArray, params: P, shape: Sequence[int] = ()) -> Result:
        """Draws of shape `shape` + batch shape, differentiable in the parameters."""

    def crps(self, params: P, y: Value) -> Result:
        """Continuous ranked probability score, in the unit of y."""

    def tail_log_score(self, params: P, y: Value, r: Value, *, upper: bool = True) -> Result:
        """Score, to be minimised, of the distribution beyond r alone, in nats."""


@runtime_checkable
class HasBins(Protocol):
    """A family with bins, whose logits come first among its raw numbers and in its parameters."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Of the bins, strictly increasing, in the unit of the target."""

    @property
    def bins(self) -> Bins:
        """The grid of bins."""


def compiled(method: F) -> F:
    """Make a method one compiled program, also where a user calls it outside `jax.jit`.

    Its some hundred operations are otherwise compiled, and later dispatched, one by one. Within
    another program it is inlined. The family is a static argument and so must be hashable; one
    that holds a traced number is not, and is part of another program anyway.
    """
    method = on_any_mesh(method)
    program = jax.jit(method, static_argnums=0, inline=True)

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        inlined = is_traced(self) or _traced_on_mesh((args, kwargs))
        return (method if inlined else program)(self, *args, **kwargs)

    return call  # type: ignore[return-value]


def compiled_sample(method: F) -> F:
    """As `compiled`, for `sample`, whose shape is static and may come as any sequence."""
    method = on_any_mesh(method)
    program = jax.jit(method, static_argnums=(0, 3), inline=True)

    @functools.wraps(method)
    def sample(self: Any, key: Any, params: Any, shape: Sequence[int] = ()) -> Any:
        inlined = is_traced(self) or _traced_on_mesh((key, params))
        sizes = tuple(operator.index(size) for size in shape)  # scalars of NumPy and JAX, too
        return (method if inlined else program)(self, key, params, sizes)

    return sample  # type: ignore[return-value]


def _traced_on_mesh(arguments: Any) -> bool:
    """Whether arguments are traced while a mesh with explicit axes is set (`jax.set_mesh`).

    Then a method is part of another program or of a derivative. Of the latter JAX mistakes the
    axes where a program in it has a derivative of its own, which holds programs again (0.10).
    """
    return bool(jax.sharding.get_abstract_mesh().explicit_axes) and any(
        isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments)
    )


def on_any_mesh(method: F) -> F:
    """Let a method of a family, or a function of one, be called on a mesh with explicit axes.

    Its results are sharded as the batch of its arguments is; see `layout`.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        mesh = explicit_mesh((args, kwargs))
        if mesh is None:
            return method(self, *args, **kwargs)
        names = [*inspect.signature(method).parameters][1:]
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        static = {k: v for k, v in given.items() if k == "shape" or isinstance(v, bool)}
        arrays = {k: v for k, v in given.items() if k not in static}
        own = {name: _own_of_argument(self, name, value) for name, value in arrays.items()}

        def of(arrays: Any) -> Any:
            return method(self, **arrays, **static)

        return as_batch(of, arrays, own, mesh, len(static.get("shape", ())))

    return call  # type: ignore[return-value]


class where_base_has:  # noqa: N801  # a decorator
    """A method that a family has if its base has a method of a name, else AttributeError.

    What comes of it is a bound method as any other, so that it pickles.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, method: Callable[..., Any]) -> Any:
        """Take the method."""
        self._method = method
        self.__doc__ = method.__doc__
        return self

    def __get__(self, family: Any, owner: type) -> Any:
        if family is None:
            return self._method
        getattr(family.base, self._name)
        return MethodType(self._method, family)


def _own_of_argument(family: Any, name: str, value: Any) -> Any:
    """How many last dimensions of each leaf of an argument are not the batch's."""
    if name == "params":
        return own_dimensions(family)
    return {"raw": 1, "key": jnp.ndim(value)}.get(name, 0)


def own_dimensions(family: Any) -> Any:
    """How many last dimensions of each leaf of a family's parameters are not the batch's."""
    one = jax.eval_shape(family.constrain, jnp.zeros(family.num_outputs))
    return jax.tree.map(lambda leaf: leaf.ndim, one)


def is_traced(family: Any) -> bool:
    """Whether one of the numbers that may be, `Derived.traceable`, is a JAX tracer, or a base's."""
    own = any(
        isinstance(value, jax.core.Tracer)
        for name in family.traceable
        for value in getattr(family, name)
    )
    return own or (hasattr(family, "base") and is_traced(family.base))


def batch_shape(family: Family[P], params: P) -> tuple[int, ...]:
    """What the batch dimensions of the parameters broadcast to, without computing anything."""
    shape: tuple[int, ...] = jax.eval_shape(family.log_prob, params, 0.0).shape
    return shape


def with_batch(family: Family[P], params: P, shape: tuple[int, ...]) -> P:
    """Parameters with all batch dimensions in every leaf, broadcast to a shape."""

    def broadcast(leaf: Any, own: int) -> Array:
        return jnp.broadcast_to(leaf, (*shape, *jnp.shape(leaf)[jnp.ndim(leaf) - own :]))

    found: P = jax.tree.map(broadcast, params, own_dimensions(family))
    return found


class Derived(Generic[P]):
    """Methods that follow from the others, the same for every family.

    Attributes:
        traceable: names of the tuples of numbers that may be traced.
    """

    traceable: ClassVar[tuple[str, ...]] = ()

    def median(self: Family[P], params: P) -> Result:
        """Quantile at 1/2."""
        return self.quantile(params, 0.5)

    @on_any_mesh
    def second_moment(self: Family[P], params: P) -> Result:
        """Expected square, about 0: variance plus squared mean; inf where it does not exist."""
        variance = self.variance(params)
        exists = jnp.isfinite(variance)
        return variance + jnp.where(exists, self.mean(params), 0.0) ** 2

    @on_any_mesh
    def tail_log_score(
        self: Family[P], params: P, y: Value, r: Value, *, upper: bool = True
    ) -> Result:
        """Logarithmic score of the tail beyond r, everything short of r counted as one outcome.

        Upper tail: `-log f(y)` for y > r, `-log F(r)` otherwise; lower tail: `-log f(y)` for
        y < r, `-log(1 - F(r))` otherwise. Proper, unlike the mean of -log f over the observations
        that happen to lie beyond r, which rewards a forecaster for crying wolf.

        Reference: Diks, Panchenko, van Dijk (2011), Journal of Econometrics 163.
        """
        short = self.log_cdf(params, r) if upper else self.log_sf(params, r)
        y, r, short, log_prob = align(y, r, short, self.log_prob(params, y))
        score = -jnp.where(y > r if upper else y < r, log_prob, short)
        return jnp.where(jnp.isnan(y) | jnp.isnan(r), jnp.nan, score)
