"""The Flax module as a network: the one place that knows how Flax calls things."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from sbp_jax.batch import Batch
from sbp_jax.models.play_model import PlayModel
from sbp_jax.models.tcn import Precision, Readout


@dataclass(frozen=True)
class FlaxNetwork:
    """`PlayModel` as an `AdjustableNetwork`.

    Attributes:
        module: the module, without parameters.
    """

    module: PlayModel

    @property
    def varied(self) -> Mapping[str, tuple[float, float]]:
        """What the module says that may be varied."""
        return self.module.varied

    def init(self, key: PRNGKeyArray, example: Batch) -> Any:
        """Fresh parameters, a plain nested dict; of the example only shapes count."""
        row = jax.tree.map(lambda leaf: jnp.zeros((1, *leaf.shape[1:]), leaf.dtype), example)
        return self.module.init(key, row)["params"]

    def apply(
        self, params: Any, batch: Batch, *, readout: Readout = "last"
    ) -> Float[Array, "... outputs"]:
        """Raw outputs (B, num_outputs), or (B, T, num_outputs) with ``readout="all"``."""
        raw: Any = self.module.apply({"params": params}, batch, readout=readout)
        return raw

    def apply_train(
        self, params: Any, batch: Batch, key: PRNGKeyArray, *, readout: Readout = "last"
    ) -> Float[Array, "... outputs"]:
        """Raw outputs as of `apply`, with dropout drawn from the key."""
        variables, rngs = {"params": params}, {"dropout": key}
        raw: Any = self.module.apply(variables, batch, readout=readout, train=True, rngs=rngs)
        return raw

    def computing_in(self, precision: Precision) -> Self:
        """The same, but for the precision of the module's arithmetic."""
        return self.with_settings(precision=precision)

    def with_settings(self, **numbers: Any) -> Self:
        """The same with some of the module's fields."""
        return replace(self, module=self.module.clone(**numbers))
