"""Dropout whose rate may be a number that the program is given."""

from collections.abc import Callable
from functools import partial
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
        shape = [1 if i in self.broadcast_dims else n for i, n in enumerate(inputs.shape)]
        key = self.make_rng(self.rng_collection)
        mask = jax.random.bernoulli(key, 1.0 - self.rate, tuple(shape))
        return _keep(inputs, mask, self.rate)


def channel_drops(
    key: jax.Array | None, rate: Any, places: int, rows: int, channels: int
) -> list[Callable[[jax.Array], jax.Array]]:
    """Dropout of whole channels of (B, N, C) at several places of a network, drawn at once.

    Dropping single steps would let their neighbours leak them.

    Args:
        key: from which all masks are drawn; None drops nothing.
        rate: probability of dropping a channel of an example, in [0, 1); may be traced.
        places: how many functions are wanted.
        rows: B.
        channels: C.

    >>> drop, _ = channel_drops(jax.random.key(0), 0.5, places=2, rows=1, channels=4)
    >>> bool(jnp.all(jnp.isin(drop(jnp.ones((1, 3, 4))), jnp.array([0.0, 2.0]))))
    True
    """
    if key is None:
        return [lambda x: x] * places
    masks = jax.random.bernoulli(key, 1.0 - rate, (places, rows, 1, channels))
    return [partial(_keep, mask=mask, rate=rate) for mask in masks]


def _keep(x: jax.Array, mask: jax.Array, rate: Any) -> jax.Array:
    """What the mask keeps, divided by the probability of being kept."""
    return jnp.where(mask, x / jnp.asarray(1.0 - rate, x.dtype), jnp.zeros_like(x))
