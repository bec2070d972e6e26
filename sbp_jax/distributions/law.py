"""A family with its parameters: one answer, whoever gave it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions.elementary import align
from sbp_jax.distributions.family import Family, batch_shape, with_batch
from sbp_jax.distributions.mixture import Mixture
from sbp_jax.distributions.tabulate import tabulate_bins, tabulate_quantiles
from sbp_jax.distributions.tabulated import Tabulated
from sbp_jax.distributions.threshold_weighted import twcrps

P = TypeVar("P")
Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
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
    """

    family: Family[P] = field(metadata={"static": True})
    params: P

    @classmethod
    def from_bins(
        cls,
        edges: Sequence[float | int] | Real[ArrayLike, "..."],
        probabilities: Real[ArrayLike, "..."],
        *,
        tail_mass: float = 0.01,
    ) -> "Law[Tabulated.Params]":
        """The law of anybody's histograms, with tails; see `tabulate.tabulate_bins`.

        Args:
            edges: (n + 1,) or (..., n + 1), the outermost perhaps infinite.
            probabilities: (..., n), each row summing to one.
            tail_mass: that a closed histogram gives up on either side, in its end bins.

        Raises:
            ValueError: edges or probabilities that are none.
        """
        return Law(
            *tabulate_bins(np.asarray(edges), np.asarray(probabilities), tail_mass=tail_mass)
        )

    @classmethod
    def from_quantiles(
        cls, levels: Sequence[float | int] | Real[ArrayLike, "..."], values: Real[ArrayLike, "..."]
    ) -> "Law[Tabulated.Params]":
        """The law of anybody's quantiles, with tails; see `tabulate.tabulate_quantiles`.

        Args:
            levels: (k,) increasing, in (0, 1).
            values: (..., k); those that cross are sorted (`tabulate.crossings` counts them).

        Raises:
            ValueError: levels or values that are none.
        """
        return Law(*tabulate_quantiles(np.asarray(levels), np.asarray(values)))

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

    def __getitem__(self, index: Any) -> "Law[P]":
        """Some of the distributions, by whatever indexes an array of the batch's shape."""
        shape = self.shape
        whole = with_batch(self.family, self.params, shape)
        numbers = jnp.arange(jnp.prod(jnp.array(shape, int))).reshape(shape)[index]

        def take(leaf: Array) -> Array:
            own = leaf.shape[len(shape) :]
            return leaf.reshape(-1, *own)[numbers]

        return Law(self.family, jax.tree.map(take, whole))

    def log_prob(self, y: Value) -> Result:
        """Log density at y, in nats; -inf outside the support."""
        return self.family.log_prob(self.params, y)

    def cdf(self, y: Value) -> Result:
        """Probability of y or less."""
        return self.family.cdf(self.params, y)

    def log_cdf(self, y: Value) -> Result:
        """Its logarithm, accurate where it is near 0 or 1."""
        return self.family.log_cdf(self.params, y)

    def sf(self, y: Value) -> Result:
        """Probability of more than y, accurate where it is small."""
        return self.family.sf(self.params, y)

    def log_sf(self, y: Value) -> Result:
        """Its logarithm, accurate where it is near 0 or 1."""
        return self.family.log_sf(self.params, y)

    def log_interval(self, low: Value, high: Value) -> Result:
        """Log probability of [low, high], without cancellation; either end may be infinite."""
        return self.family.log_interval(self.params, low, high)

    def quantile(self, levels: Sequence[float | int] | Real[ArrayLike, "..."]) -> Result:
        """Quantiles.

        Args:
            levels: one number, or an array (k,) or of more axes; NaN comes of what is not in
                [0, 1].

        Returns:
            Of the batch's shape for one number, else with the axes of the levels behind it.
        """
        asked = jnp.asarray(levels)
        if not asked.ndim:
            return self.family.quantile(self.params, asked)
        each = jax.vmap(lambda q: self.family.quantile(self.params, q), out_axes=-1)
        found = each(asked.reshape(-1))
        return found.reshape(*found.shape[:-1], *asked.shape)

    def interval(self, probability: float = 0.9) -> Result:
        """Ends of the central interval of a probability, lower and upper on the last axis.

        Raises:
            ValueError: the probability is not in (0, 1).
        """
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
        return self.family.crps(self.params, y)

    def twcrps(self, y: Value, lower: Value = -jnp.inf) -> Result:
        """The same above a threshold alone: it judges the upper tail."""
        return twcrps(self.family, self.params, *align(y, lower))

    def sample(self, key: PRNGKeyArray, shape: Sequence[int] = ()) -> Result:
        """Draws, of shape `shape` before the batch's."""
        return self.family.sample(key, self.params, tuple(shape))

    def to_numpyro(self) -> Any:
        """The same as a NumPyro distribution.

        Raises:
            MissingExtraError: NumPyro is not installed.
        """
        from sbp_jax.distributions.numpyro_adapter import to_numpyro

        return to_numpyro(self.family, self.params)


def mixture_of(
    laws: Sequence[Law], weights: Sequence[float | int] | Real[ArrayLike, " M"] | None = None
) -> Law:
    """The law whose distribution function is the mean of those of several laws: an ensemble's.

    Args:
        laws: M of them, of one family and shape.
        weights: (M,) of each, > 0; equal ones if left out.

    Raises:
        ValueError: no laws, laws of several families or shapes, or weights that are not all > 0.

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
    if relative.shape != (len(laws),) or not bool(jnp.all(relative > 0)):
        raise ValueError(f"weights: expected {len(laws)} numbers > 0, got {weights!r}")
    shape = first.shape
    whole = [with_batch(law.family, law.params, shape) for law in laws]
    base = jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=len(shape)), *whole)
    logits = jnp.broadcast_to(jnp.log(relative), (*shape, len(laws)))
    return Law(Mixture(first.family, len(laws)), Mixture.Params(logits, base))
