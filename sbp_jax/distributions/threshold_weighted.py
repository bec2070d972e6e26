r"""The threshold-weighted CRPS of any family, of densities and of counts.

    twCRPS = \int_r^inf (F(t) - 1{t >= y})^2 dt,    of counts  sum_(k >= r) (F(k) - 1{k >= y})^2

It is proper, and looks at nothing below r: the tail counts, and the body does not [1].

References:
    [1] Gneiting and Ranjan (2011), "Comparing density forecasts using threshold- and
    quantile-weighted scoring rules", Journal of Business and Economic Statistics 29.
"""

from typing import Any, Final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.distributions.elementary import align
from sbp_jax.distributions.family import Family, on_any_mesh
from sbp_jax.distributions.layout import settled_scan
from sbp_jax.distributions.score_quadrature import score_integral

_SUMMED: Final = 128
"""Counts that are summed one by one; beyond, the sum is as good as an integral."""
_FEATURES: Final = (0.01, 0.5, 0.99)

Values = Float[Array, "*#B"]


@on_any_mesh
def twcrps(family: Family, params: Any, y: Values, lower: Values) -> Values:
    """Threshold-weighted CRPS above a threshold, by the family's own method where it has one.

    Of bins, quantile heads and tables that is a closed form; of mixtures a quadrature between the
    components' own knots. Of the others (Gaussian, Student t, and a family of one's own without a
    method `twcrps`) it is a quadrature that knows the distribution by three quantiles: the
    relative error is below 1e-4 if F is smooth and of one scale. It may be 1e-2 if F has jumps
    in its slope or narrow steps; such a family should have a method of its own, for which
    `score_quadrature.score_integral` takes more features.

    Args:
        family: of distributions.
        params: (B, ...) its parameters.
        y: (B,) observations.
        lower: (B,) thresholds r; -inf for the whole CRPS.

    >>> from sbp_jax.distributions import Gaussian
    >>> params = Gaussian.Params(jnp.zeros(1), jnp.ones(1))
    >>> round(float(twcrps(Gaussian(), params, jnp.zeros(1), jnp.array([-jnp.inf]))[0]), 4)
    0.2337
    """
    if hasattr(family, "twcrps"):
        exact: Values = family.twcrps(params, y, lower)
        return exact
    quantiles = [family.quantile(params, q) for q in _FEATURES]
    location = jnp.stack(quantiles, axis=-1)
    scale = jnp.broadcast_to((quantiles[-1] - quantiles[0])[..., None] / 4, location.shape)
    return score_integral(
        lambda t: family.cdf(params, t), lambda t: family.sf(params, t), y, location, scale,
        start=lower,
    )  # fmt: skip


@on_any_mesh
def count_crps(
    family: Family, params: Any, y: Values, lower: Values, *, cell: Values
) -> tuple[Values, Values]:
    """CRPS of counts, whole and above a threshold; the law has F(k + 1/2) at k.

    In the unit of `sbp_jax.series.fit_count_scaling`: the count k is the cell from ``k cell`` to
    ``(k + 1) cell``. Both scores are in counts.

    Args:
        family: of distributions.
        params: (B, ...) its parameters.
        y: (B,) observations, the middle of their cells.
        lower: (B,) thresholds r, whole numbers >= 0, in counts.
        cell: (B,) width of a cell.

    >>> from sbp_jax.distributions import Binned
    >>> family = Binned([0.0, 1.0, 2.0])  # 0 and 1 are equally likely
    >>> y, cell = jnp.array([0.5]), jnp.ones(1)
    >>> crps, tail = count_crps(family, family.constrain(jnp.zeros((1, 2))), y, cell, cell=cell)
    >>> crps.tolist(), tail.tolist()
    ([0.25], [0.0])
    """

    @jax.checkpoint  # as in `Mixture`, for second derivatives
    def add(totals: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
        upper = (k + 1) * cell
        square = (family.cdf(params, upper) - (y < upper).astype(y.dtype)) ** 2
        return (totals[0] + square, totals[1] + jnp.where(k >= lower, square, 0.0)), None

    y, lower, cell = align(y, lower, cell)
    numbers = jnp.arange(_SUMMED, dtype=y.dtype)
    summed, _ = jax.lax.scan(add, settled_scan(add, (jnp.zeros_like(y),) * 2, numbers), numbers)
    # The sum from k on is the integral from half a step earlier, whose cells reach half a step on.
    starts = [(jnp.maximum(first, _SUMMED) + 0.5) * cell for first in (jnp.zeros_like(y), lower)]
    beyond = [twcrps(family, params, y, start) / cell for start in starts]
    return summed[0] + beyond[0], summed[1] + beyond[1]
