"""NN-SPOT: the detector on what a network's predictions leave unexplained.

There is no definition of it to follow; this is our reading. A network predicts x_t from what came
before, and the stream that SPOT sees is the residual x_t - prediction_t. It is calibrated on the
residuals of a stretch that the network was not trained on, since those of the training stretch are
too small. With `tails="both"` surprises of either sign are found.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Real

from sbp_jax.extremes.spot import Spot, SpotState, SpotStep
from sbp_jax.extremes.unit import join


def run_on_residuals(
    spot: Spot,
    state: SpotState,
    stream: Real[ArrayLike, "*batch time"],
    predictions: Real[ArrayLike, "*batch time"],
) -> tuple[SpotState, SpotStep]:
    """`Spot.run` on residuals, with limits in the unit of x.

    Args:
        spot: the detector.
        state: of `spot.fit(values - predictions)` over a held-out stretch, or of a stream before.
        stream: x, (T,) or (S, T).
        predictions: of the same shape, each made before its value was known. Where one is NaN the
            value counts as missing.

    Returns:
        The state after the stream, and steps whose limit is prediction + limit of the residual.

    >>> rng = np.random.default_rng(0)
    >>> predicted = 100 + np.sin(np.arange(3000) / 20)  # by a network
    >>> x = predicted + 0.1 * rng.normal(size=3000)
    >>> x[2500] += 1.5
    >>> spot = Spot()
    >>> state = spot.fit(x[1000:2000] - predicted[1000:2000])
    >>> state, steps = run_on_residuals(spot, state, x[2000:], predicted[2000:])
    >>> np.flatnonzero(steps.alarm).tolist()
    [500]
    >>> round(float(steps.limit[500, 0] - predicted[2500]), 1)
    0.3
    """
    values: Any
    expected: Any
    if isinstance(stream, jax.core.Tracer) or isinstance(predictions, jax.core.Tracer):
        values, expected = jnp.asarray(stream), jnp.asarray(predictions)
    else:  # in float64, as values may lie far from 0
        values, expected = (np.asarray(part, np.float64) for part in (stream, predictions))
    state, steps = spot.run(state, values - expected)
    limit, rest = join(expected[..., None], steps.limit)
    return state, steps._replace(limit=limit, rest=rest + steps.rest)
