"""A dense causal network from a series to a distribution at every step."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from sbp_jax.batch import Batch
from sbp_jax.distributions import Family, HasBins
from sbp_jax.models.flax_network import FlaxNetwork
from sbp_jax.models.forecaster import Forecaster, NetworkConfig, make_forecaster
from sbp_jax.models.knot_anchors import KnotAnchor
from sbp_jax.models.tcn import receptive_field
from sbp_jax.runs.ranges import Count, Finite, Share, Whole


@dataclass(frozen=True)
class SeriesNetwork(NetworkConfig):
    """Sizes of the network, those of `NetworkConfig` and two more.

    The bins of `SplicedBinnedPareto` and `Binned` get no logit each but logits at `knots` distances
    from a point that the network moves, straight in between: a histogram that shifts with the level
    of the series, has few outputs, and can still change its form.

    Attributes:
        knots: on either side of the point, and one at it; 0 gives every bin a logit of its own.
        center: standardised value where the point lies before training: 0 is the median, and of
            counts 1 is the mean. Finite.
    """

    features: Count = 8
    layers: Whole = 4
    kernel_size: Count = 4
    hidden: tuple[Count, ...] = (16,)
    dropout: Share = 0.0
    encoder_dropout: Share = 0.0
    knots: Whole = 6
    center: Finite = 0.0


def context_of(forecaster: Forecaster) -> int:
    """Points that a forecast is made from, the receptive field.

    >>> from sbp_jax.distributions import Binned
    >>> context_of(series_forecaster(Binned([0.0, 1.0, 2.0, 4.0])))
    91
    """
    network = forecaster.network
    if not isinstance(network, FlaxNetwork):
        raise TypeError(f"network: expected one of series_forecaster, got {type(network).__name__}")
    return receptive_field(network.module.kernel_size, network.module.layers)


def series_forecaster(family: Family, network: SeriesNetwork | None = None) -> Forecaster:
    """Join a network to a family whose numbers are in standardised units.

    >>> from sbp_jax.distributions import Binned
    >>> series_forecaster(Binned([0.0, 1.0, 2.0, 4.0])).family.num_outputs
    3
    """
    network = network or SeriesNetwork()
    if not (network.knots and isinstance(family, HasBins)):
        return make_forecaster(network, family)
    bins = len(family.edges) - 1
    away = np.geomspace(0.5, max(bins / 2, 1.0), network.knots)
    knots = tuple(np.concatenate([-away[::-1], [0.0], away]).tolist())
    anchor = KnotAnchor(None, 1.0, knots, shift_scale=bins / 16)
    return make_forecaster(network, family, (anchor,), free_logits=False, bins_from=network.center)


def series_batch(inputs: Float[Array, "B T"]) -> Batch:
    """What the network sees of inputs in which NaN is missing: two channels.

    The first is ``arcsinh`` of twice the standardised value, halved: about the value itself in
    the body, its logarithm far out, so that one spike does not drown the rest of the context.
    The second says what is missing.
    """
    missing = jnp.isnan(inputs)
    seen = 0.5 * jnp.arcsinh(2 * jnp.where(missing, 0.0, inputs))
    rows, _ = inputs.shape
    return Batch(
        sequence=jnp.stack([seen, missing.astype(seen.dtype)], axis=-1),
        mask=jnp.ones(inputs.shape, bool),
        static=jnp.zeros((rows, 0), seen.dtype),
        target=jnp.zeros(rows, seen.dtype),
    )


def forecast_steps(
    forecaster: Forecaster,
    params: Any,
    inputs: Float[Array, "B T"],
    length: int,
    key: PRNGKeyArray | None = None,
) -> Any:
    """Distributions at the last `length` steps of inputs, in one pass.

    Args:
        forecaster: of `series_forecaster`.
        params: of its network.
        inputs: (B, T) standardised; NaN where missing.
        length: steps whose output is wanted; those before are history.
        key: of dropout; None for none.

    Returns:
        Parameters of the family, a pytree of (B, length, ...).
    """
    batch = series_batch(inputs)
    if key is None:
        raw = forecaster.apply(params, batch, readout="all")
    else:
        raw = forecaster.apply_train(params, batch, key, readout="all")
    return forecaster.family.constrain(raw[:, -length:])


def init_network(forecaster: Forecaster, key: PRNGKeyArray) -> Any:
    """Fresh parameters."""
    return forecaster.init(key, series_batch(jnp.zeros((1, 1))))
