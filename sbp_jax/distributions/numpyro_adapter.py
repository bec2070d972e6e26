"""Families as NumPyro distributions: observation models and latent variables.

NumPyro is optional and imported only when an adapter is asked for, so that this module can be
imported without it.
"""

import copy
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from jaxtyping import Array, ArrayLike, PRNGKeyArray

from sbp_jax.distributions.family import Family, batch_shape
from sbp_jax.errors import MissingExtraError


def to_numpyro(family: Family, params: Any) -> Any:
    """Return a `numpyro.distributions.Distribution` of this family with these parameters.

    Every draw is one number (`event_shape` is ()), and `batch_shape` is what the batch
    dimensions of the parameters broadcast to. It has `log_prob`, `sample`, `cdf`, `icdf`, `mean`
    and `variance`, expands, and is a pytree: the parameters are its leaves, the family is static.
    Draws are differentiable in the parameters where the family's are.

    The support is the real line, whatever the family. A value outside the family's own support
    has log density -inf with gradient 0, so a latent variable of a bounded family must start
    inside (`init_to_sample`). An observation of NaN has log density NaN.

    Where thresholds of a spliced family move with a sampled variable, the likelihood jumps as one
    passes an observation, and no gradient shows it: NUTS and SVI then go astray. Keep the logits
    fixed while shapes and scales are sampled.

    Args:
        family: any family.
        params: its parameters, as `family.constrain` gives them or made of sampled values.

    Raises:
        MissingExtraError: NumPyro is not installed.

    References:
        Phan, Pradhan, Jankowiak (2019), arXiv 1912.11554.
    """
    return _adapter(_import("numpyro.distributions"))(family, params)


def _import(name: str) -> Any:
    try:
        import_module("numpyro")
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            'to_numpyro needs NumPyro, which is not installed: pip install "sbp-jax[numpyro]"'
        ) from error


def _promote(adapter: Any) -> Any:
    """The adapter with the shape of its parameters, after a map or a scan has stacked them."""
    promoted = copy.copy(adapter)
    promoted._batch_shape = batch_shape(adapter.family, adapter.params)
    return promoted


@cache
def _adapter(numpyro: Any) -> type:
    """The class of adapters; made once NumPyro is there, since it derives from NumPyro's."""

    class FamilyDistribution(numpyro.Distribution):
        """A family with parameters; see `to_numpyro`."""

        support = numpyro.constraints.real
        arg_constraints = {"params": numpyro.constraints.dependent}  # noqa: RUF012
        reparametrized_params = ["params"]  # noqa: RUF012
        pytree_data_fields = ("params",)
        pytree_aux_fields = ("family",)

        def __init__(self, family: Family, params: Any) -> None:
            self.family, self.params = family, params
            super().__init__(batch_shape(family, params))

        def log_prob(self, value: ArrayLike) -> Array:
            return self.family.log_prob(self.params, value)

        def sample(self, key: PRNGKeyArray, sample_shape: Sequence[int] = ()) -> Array:
            return self.family.sample(key, self.params, sample_shape)

        def cdf(self, value: ArrayLike) -> Array:
            return self.family.cdf(self.params, value)

        def icdf(self, q: ArrayLike) -> Array:
            return self.family.quantile(self.params, q)

        @property
        def mean(self) -> Array:
            return self.family.mean(self.params)

        @property
        def variance(self) -> Array:
            return self.family.variance(self.params)

    promote_batch_shape = _import("numpyro.distributions.batch_util").promote_batch_shape
    promote_batch_shape.register(FamilyDistribution, _promote)
    return FamilyDistribution
