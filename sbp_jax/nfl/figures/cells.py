"""Forecasts as probabilities of whole yards, which is what can be drawn of any family."""

from typing import Any, Final, NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from sbp_jax.batch import Arrayish
from sbp_jax.distributions import Family
from sbp_jax.evaluation.verdict import cell_median, cell_probabilities

CELLS: Final = (-15, 99)
"""Lowest and highest yards that are drawn; plays beyond are too rare to see."""


class CellForecast(NamedTuple):
    """Probabilities of whole yards, and the marks that a figure shows with them.

    Attributes:
        pmf: (B, cells) probabilities of the yards from `CELLS[0]` to `CELLS[1]`. What a law
            holds beyond is left out, so a row sums to a little less than 1.
        median: (B,) median of the law on whole yards, as in `sbp_jax.evaluation.Verdict`.
        lower: (B,) where the lower tail ends, in yards; NaN for a family without tails.
        upper: (B,) where the upper tail begins.
    """

    pmf: Float[Arrayish, "B cells"]
    median: Float[Arrayish, " B"]
    lower: Float[Arrayish, " B"]
    upper: Float[Arrayish, " B"]


def cell_forecast(family: Family[Any], params: Any) -> CellForecast:
    """Probabilities of whole yards under a family; jit it with the family closed over.

    Args:
        family: a family of distributions.
        params: its parameters, with batch shape (B,).

    >>> from sbp_jax.distributions import SplicedBinnedPareto
    >>> family = SplicedBinnedPareto([x - 0.5 for x in range(-5, 31)], tail_mass=0.05)
    >>> forecast = cell_forecast(family, family.constrain(jnp.zeros((1, family.num_outputs))))
    >>> forecast.pmf.shape, float(forecast.median[0]), float(forecast.upper[0])
    ((1, 115), 12.0, 27.75)
    """
    median = cell_median(family, params, cell=1.0) + 0.0  # no -0
    lower, upper = jnp.full_like(median, jnp.nan), jnp.full_like(median, jnp.nan)
    if hasattr(family, "thresholds"):
        lower, upper = family.thresholds(params)
    return CellForecast(cell_probabilities(family, params, CELLS), median, lower, upper)
