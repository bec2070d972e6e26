"""A family with its parameters: one answer, whoever gave it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.arguments import Number, Whole, lengths, number, row
from sbp_jax.distributions.elementary import align
from sbp_jax.distributions.family import Family, batch_shape, own_dimensions, with_batch
from sbp_jax.distributions.layout import (
    as_batch,
    batch_spec,
    explicit_mesh,
    on_automatic_axes,
    whole,
)
from sbp_jax.distributions.mixture import Mixture
from sbp_jax.distributions.moved import Moved
from sbp_jax.distributions.tabulate import tabulate_bins, tabulate_quantiles
from sbp_jax.distributions.threshold_weighted import twcrps
from sbp_jax.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = TypeVar("P")
Value = Any
"""Numbers that broadcast with the batch: an array, a list, a column of a data frame."""
Result = Float[Array, "..."]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class Law(Generic[P]):
    """Distributions of one family, a batch of them.

    A pytree, whose leaves are the parameters and whose family is static: it passes through
    `jax.jit`, `vmap` and `tree.map`, and can be differentiated. Methods take y of any shape that
    broadcasts with `shape` by NumPy's rules; levels of `quantile` are an axis of their own, the
    last. Numbers are in the unit of the target.

    Attributes:
        family: of the distributions.
        params: their parameters, batch dimensions first.

    >>> from sbp_jax.distributions import Gaussian
    >>> law = Law(Gaussian(), Gaussian.Params(jnp.array([0.0, 10.0]), jnp.ones(2)))
    >>> law.shape, len(law), law[1].shape
    ((2,), 2, ())
    >>> law.quantile(0.5).tolist(), law.quantile([0.05, 0.5, 0.95]).shape
    ([0.0, 10.0], (2, 3))
    >>> law
    Law(shape=(2,), family=Gaussian)
    """

    family: Family[P] = field(metadata={"static": True})
    params: P

    @classmethod
    def from_bins(
        cls,
        edges: Sequence[float | int] | Real[ArrayLike, "..."],
        probabilities: Real[ArrayLike, "..."],
        *,
        tail_mass: Number = 0.01,
    ) -> "Law[Moved.Params]":
        """The law of anybody's histograms, with tails; see `tabulate.tabulate_bins`.

        Args:
            edges: (n + 1,) or (..., n + 1), n >= 1, the outermost perhaps infinite.
            probabilities: (..., n), each row summing to one.
            tail_mass: that a closed histogram gives up on either side, in its end bins.

        Raises:
            ValueError: edges or probabilities that are none.
        """
        return Law(
            *tabulate_bins(
                row("edges", edges),
                row("probabilities", probabilities),
                tail_mass=number("tail_mass", tail_mass),
            )
        )

    @classmethod
    def from_quantiles(
        cls, levels: Sequence[float | int] | Real[ArrayLike, "..."], values: Real[ArrayLike, "..."]
    ) -> "Law[Moved.Params]":
        """The law of anybody's quantiles, with tails; see `tabulate.tabulate_quantiles`.

        Args:
            levels: (k,) increasing, in (0, 1).
            values: (..., k); those that cross are sorted (`tabulate.crossings` counts them).

        Raises:
            ValueError: levels or values that are none.
        """
        return Law(*tabulate_quantiles(row("levels", levels), row("values", values)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch's; () for one distribution."""
        return batch_shape(self.family, self.params)

    def __len__(self) -> int:
        """How many there are along the first axis.

        Raises:
            TypeError: there is one, without an axis.
        """
        if not self.shape:
            raise TypeError("law: expected a batch of distributions, got one, which has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        """Shape and family; the numbers of a batch are many."""
        leaves = jax.tree.leaves(self.params)  # of a pytree, so they may be anything
        numbers = leaves and all(hasattr(leaf, "dtype") for leaf in leaves)
        shape = self.shape if numbers else "?"
        return f"Law(shape={shape}, family={type(self.family).__name__})"

    def __getitem__(self, index: Any) -> "Law[P]":
        """Some of the distributions, by whatever indexes a NumPy array of the batch's shape.

        Raises:
            IndexError: there are none such; an index that is traced is clamped instead.
        """
        shape = self.shape
        numbers = _numbers(shape, index)

        def take(arrays: tuple[P, Any]) -> P:
            params, numbers = arrays
            every = with_batch(self.family, params, shape)
            found: P = jax.tree.map(
                lambda leaf: leaf.reshape(math.prod(shape), *leaf.shape[len(shape) :])[numbers],
                every,
            )
            return found

        mesh = explicit_mesh((self.params, numbers))
        if mesh is None:
            return Law(self.family, take((self.params, numbers)))
        spec, _ = batch_spec(self.params, own_dimensions(self.family))
        kept = _kept(spec, shape, numbers)
        return Law(
            self.family,
            on_automatic_axes(take, (self.params, numbers), mesh, lambda _: kept),
        )

    def affine(self, loc: Number, scale: Number) -> "Law[Any]":
        """The law of `loc + scale y`: the same distributions in another unit, exactly.

        The family says nothing of the unit: it is the same whatever loc and scale are, so that
        laws of one family in several units share their programs and can be mixed.

        Raises:
            ValueError: loc is not finite, or scale not finite and > 0.

        >>> from sbp_jax.distributions import Gaussian
        >>> celsius = Law(Gaussian(), Gaussian.Params(jnp.array([0.0, 20.0]), jnp.ones(2)))
        >>> celsius.affine(32.0, 1.8).median.tolist()
        [32.0, 68.0]
        """
        loc, scale = number("loc", loc), number("scale", scale)
        if not (math.isfinite(loc) and 0 < scale < math.inf):
            raise ValueError(
                f"loc, scale: expected finite numbers, scale > 0, got {loc!r}, {scale!r}"
            )
        own: Any = self.params
        if isinstance(self.family, Mixture):
            each = Law(self.family.base, own.base).affine(loc, scale)
            return Law(replace(self.family, base=each.family), own._replace(base=each.params))
        if not isinstance(self.family, Moved):
            m, s = (jnp.full(self.shape, number, float) for number in (loc, scale))
            return Law(Moved(self.family), Moved.Params(m, s, self.params))
        moved = Moved.Params(loc + scale * own.loc, scale * own.scale, own.base)
        return Law(self.family, moved)

    def log_prob(self, y: Value) -> Result:
        """Log density at y, in nats; -inf outside the support."""
        return self.family.log_prob(self.params, _values(y))

    def cdf(self, y: Value) -> Result:
        """Probability of y or less."""
        return self.family.cdf(self.params, _values(y))

    def log_cdf(self, y: Value) -> Result:
        """Its logarithm, accurate where it is near 0 or 1."""
        return self.family.log_cdf(self.params, _values(y))

    def sf(self, y: Value) -> Result:
        """Probability of more than y, accurate where it is small."""
        return self.family.sf(self.params, _values(y))

    def log_sf(self, y: Value) -> Result:
        """Its logarithm, accurate where it is near 0 or 1."""
        return self.family.log_sf(self.params, _values(y))

    def log_interval(self, low: Value, high: Value) -> Result:
        """Log probability of [low, high], without cancellation; either end may be infinite."""
        return self.family.log_interval(self.params, _values(low, "low"), _values(high, "high"))

    def quantile(self, levels: Sequence[float | int] | Real[ArrayLike, "..."]) -> Result:
        """Quantiles.

        Args:
            levels: one number, or an array (k,) or of more axes; NaN comes of what is not in
                [0, 1].

        Returns:
            Of the batch's shape for one number, else with the axes of the levels behind it.

        Raises:
            InputError: the levels are no numbers.
        """
        asked = whole(jnp.asarray(_values(levels, "levels")))
        if not asked.ndim:
            return self.family.quantile(self.params, asked)
        each = jax.vmap(lambda q: self.family.quantile(self.params, q), out_axes=-1)
        found = each(asked.reshape(-1))
        return found.reshape(*found.shape[:-1], *asked.shape)

    def interval(self, probability: Number = 0.9) -> Result:
        """Ends of the central interval of a probability, lower and upper on the last axis.

        Raises:
            ValueError: the probability is not in (0, 1).
        """
        probability = number("probability", probability)
        if not 0 < probability < 1:
            raise ValueError(f"probability: expected a number in (0, 1), got {probability!r}")
        return self.quantile([(1 - probability) / 2, (1 + probability) / 2])

    @property
    def median(self) -> Result:
        """Quantile at 1/2."""
        return self.family.median(self.params)

    @property
    def mean(self) -> Result:
        """Expected value; infinite or NaN where it does not exist."""
        return self.family.mean(self.params)

    @property
    def variance(self) -> Result:
        """Variance; inf where it does not exist."""
        return self.family.variance(self.params)

    def crps(self, y: Value) -> Result:
        """Continuous ranked probability score."""
        return self.family.crps(self.params, _values(y))

    def twcrps(self, y: Value, lower: Value = -jnp.inf) -> Result:
        """The same above a threshold alone: it judges the upper tail."""
        return twcrps(self.family, self.params, *align(_values(y), _values(lower, "lower")))

    def sample(self, key: PRNGKeyArray, shape: Whole | Sequence[int] = ()) -> Result:
        """Draws, of shape `shape` before the batch's; a number is a shape of one axis.

        Raises:
            InputError: the shape is not of whole numbers >= 0.
        """
        return self.family.sample(key, self.params, lengths("shape", shape))

    def plot(self, y: Any = None, *, at: Any = None, axis: "Axes | None" = None) -> "Figure":
        """Draw it; see `sbp_jax.plots.law_figure.law_figure`.

        One distribution: its density with the central 50 and 90 %. Up to six: their densities
        over each other. More: bands of quantiles along the batch.

        Args:
            y: what was observed, of the batch's shape.
            at: (n,) where each distribution stands, of more than six; 0 to n - 1 if left out.
            axis: to draw into, instead of a new figure.

        Raises:
            ReportError: there is nothing to draw, or more than one axis of distributions.
            MissingExtraError: matplotlib is not installed.
        """
        # By the package's door: figures stand on distributions, and not the other way round.
        from sbp_jax import law_figure

        return law_figure(self, y, at=at, axis=axis)

    def to_numpyro(self) -> Any:
        """The same as a NumPyro distribution.

        Raises:
            MissingExtraError: NumPyro is not installed.
        """
        from sbp_jax.distributions.numpyro_adapter import to_numpyro

        return to_numpyro(self.family, self.params)


def _values(y: Any, name: str = "y") -> Real[ArrayLike, "..."]:
    """Numbers as JAX takes them: of a list, or a column of a data frame, an array.

    Raises:
        InputError: they are none.
    """
    if isinstance(y, jax.Array | np.ndarray | np.number | float | int):
        return y
    found = np.asarray(y)
    if found.dtype.kind not in "biuf":
        kind = {"U": "text", "O": "objects"}.get(found.dtype.kind, str(found.dtype))
        raise InputError(f"{name}: expected numbers, got {kind}")
    return found


def _numbers(shape: tuple[int, ...], index: Any) -> Any:
    """Which of the flattened distributions an index asks for."""
    count = math.prod(shape)
    if any(isinstance(part, jax.core.Tracer) for part in jax.tree.leaves(index)):
        return jnp.arange(count).reshape(shape)[
            jax.tree.map(lambda x: whole(x) if isinstance(x, jax.Array) else x, index)
        ]
    try:
        return np.arange(count).reshape(shape)[index]
    except IndexError as error:
        raise IndexError(
            f"index: expected one of distributions of shape {shape}, got {index!r}: {error}"
        ) from error


def _kept(spec: list[Any], shape: tuple[int, ...], numbers: Any) -> list[Any]:
    """How chosen distributions are sharded: as before along an axis that is there as a whole."""
    if not isinstance(numbers, np.ndarray):
        return []
    strides = np.arange(math.prod(shape)).reshape(shape).strides
    before = dict(zip(zip(shape, strides, strict=True), spec, strict=True))
    after = zip(numbers.shape, numbers.strides, strict=True)
    return [before.get(axis) if axis[0] > 1 else None for axis in after]


def mixture_of(
    laws: Sequence[Law], weights: Sequence[float | int] | Real[ArrayLike, " M"] | None = None
) -> Law:
    """The law whose distribution function is the mean of those of several laws: an ensemble's.

    Args:
        laws: M of them, of one family and shape.
        weights: (M,) of each, > 0; equal ones if left out.

    Raises:
        ValueError: no laws, laws of several families or shapes, or weights that are not all finite
            and > 0; of traced ones only their number is checked.

    >>> from sbp_jax.distributions import Gaussian
    >>> laws = [Law(Gaussian(), Gaussian.Params(jnp.array([x]), jnp.ones(1))) for x in (-1.0, 3.0)]
    >>> [mixture_of(laws, w).mean.round(3).tolist() for w in (None, [1.0, 3.0])]
    [[1.0], [2.0]]
    """
    if not laws:
        raise ValueError("laws: expected at least one, got none")
    first = laws[0]
    for i, law in enumerate(laws):
        if law.family != first.family or law.shape != first.shape:
            raise ValueError(
                f"laws: expected {first.family!r} of shape {first.shape} throughout, got "
                f"{law.family!r} of shape {law.shape} at {i}"
            )
    relative = jnp.ones(len(laws)) if weights is None else jnp.asarray(weights, jnp.float32)
    positive = jnp.all((relative > 0) & jnp.isfinite(relative))
    refused = not isinstance(positive, jax.core.Tracer) and not bool(positive)
    if relative.shape != (len(laws),) or refused:
        raise ValueError(f"weights: expected {len(laws)} numbers > 0, finite, got {weights!r}")
    shape = first.shape

    def side_by_side(params: list[Any]) -> Any:
        each = [with_batch(first.family, one, shape) for one in params]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=len(shape)), *each)

    params = [law.params for law in laws]
    mesh = explicit_mesh(params)
    if mesh is None:
        base = side_by_side(params)
    else:
        base = as_batch(side_by_side, params, [own_dimensions(first.family)] * len(laws), mesh)
    logits = jnp.broadcast_to(jnp.log(relative), (*shape, len(laws)))
    return Law(Mixture(first.family, len(laws)), Mixture.Params(logits, base))
