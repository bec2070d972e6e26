"""The detector on what a forecast law leaves unexplained, its spread included.

`run_on_residuals` takes away where a value was expected; a stream whose spread changes has alarms
by the dozen wherever it is wide. Here the stream that SPOT sees is the value's normal score in its
own law, z = Phi^-1(F(x)): standard normal if the laws are right, whatever they are. Where their
tails are wrong, the detector's own tail makes up for it.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from sbp_jax.distributions import Law
from sbp_jax.distributions.inversion import invert_log
from sbp_jax.distributions.standard_normal import inverse_log_upper, log_upper
from sbp_jax.errors import DetectorError
from sbp_jax.extremes.spot import Spot, SpotState, SpotStep


@jax.jit
def normal_scores(law: Law, y: Real[ArrayLike, "*batch"]) -> Float[Array, "*batch"]:
    """Where values lie in their laws, as standard normal numbers; NaN stays NaN.

    Accurate in both tails, however far; +-inf outside the support.

    >>> from sbp_jax.distributions import Gaussian
    >>> law = Law(Gaussian(), Gaussian.Params(jnp.array([0.0, 10.0]), jnp.array([1.0, 2.0])))
    >>> normal_scores(law, jnp.array([2.0, 30.0])).round(3).tolist()
    [2.0, 10.0]
    """
    below, above = law.log_cdf(y), law.log_sf(y)
    distance = inverse_log_upper(jnp.minimum(below, above))
    return jnp.where(below < above, -distance, distance)


def run_on_law(
    spot: Spot, state: SpotState, stream: Real[ArrayLike, "*batch time"], law: Law
) -> tuple[SpotState, SpotStep]:
    """`Spot.run` on normal scores, with limits in the unit of x.

    Args:
        spot: the detector.
        state: of `spot.fit(normal_scores(law, values))` over a held-out stretch, or of a stream
            before.
        stream: x, (T,) or (S, T), in JAX's default precision, as laws compute. Far from 0, where
            float32 cannot tell values apart, neither can a law of float32: forecast x less its
            offset there.
        law: of the same shape, each made before its value was known; continuous.

    Returns:
        The state after the stream, and steps whose limit is where the law has the limit of the
        score: another one at each step.

    Raises:
        DetectorError: the shapes disagree.

    >>> import numpy as np
    >>> from sbp_jax.distributions import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> spread = jnp.asarray(2.0 + np.sin(np.arange(3000) / 100))  # by a network
    >>> law = Law(Gaussian(), Gaussian.Params(jnp.zeros(3000), spread))
    >>> x = spread * rng.normal(size=3000)
    >>> spot = Spot()
    >>> state = spot.fit(normal_scores(law, x)[:2000])
    >>> state, steps = run_on_law(spot, state, x[2000:].at[500].set(30.0), law[2000:])
    >>> np.flatnonzero(steps.alarm).tolist()
    [500]
    """
    if law.shape != jnp.shape(stream):
        raise DetectorError(
            f"law: expected a distribution of each value, {jnp.shape(stream)}, got {law.shape}"
        )
    state, steps = spot.run(state, normal_scores(law, stream))
    scores = jnp.asarray(steps.limit, jnp.result_type(float)) + steps.rest
    limit = _points(law[..., None], scores)
    return state, steps._replace(limit=limit, rest=jnp.zeros_like(limit))


@jax.jit
def _points(law: Law, scores: Float[Array, "*batch side"]) -> Float[Array, "*batch side"]:
    """The inverse of `normal_scores`, by a search in logarithms of the smaller of F and 1 - F."""
    quartiles = (jnp.broadcast_to(law.quantile(q), scores.shape) for q in (0.25, 0.75))
    target = log_upper(jnp.abs(scores))
    return invert_log(law.log_cdf, law.log_sf, scores > 0, target, *quartiles)
