"""Dropout whose rate may be a number that the program is given."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


class Dropout(nn.Dropout):
    """`flax.linen.Dropout`, also with a traced rate, so that a population shares one program.

    With a rate that is a Python number it is the parent to the bit. A traced rate draws the same
    mask as the number would, and must be below 1.
    """

    @nn.compact
    def __call__(
        self, inputs: jax.Array, deterministic: bool | None = None, rng: Any = None
    ) -> jax.Array:
        """Drop, and divide what stays by the probability of staying."""
        if deterministic or not isinstance(self.rate, jax.core.Tracer):
            return super().__call__(inputs, deterministic, rng)
        keep = 1.0 - self.rate
        shape = [1 if i in self.broadcast_dims else n for i, n in enumerate(inputs.shape)]
        mask = jax.random.bernoulli(self.make_rng(self.rng_collection), keep, tuple(shape))
        return jnp.where(mask, inputs / keep.astype(inputs.dtype), jnp.zeros_like(inputs))
