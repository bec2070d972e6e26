r"""What training minimises. Each objective estimates something else; none is a flag of a family.

`proper`: the true distribution has the lowest expected loss. `atoms`: fit for a target that takes
some value, such as 0 yards, with positive probability. `robust`: how hard one far observation can
pull.

density_nll
    The density, by maximum likelihood: the most efficient estimate for a continuous target.
    Proper. Not for atoms: a narrow enough piece of density on an atom makes the loss as small as
    one likes. Robust only as far as the family's own tails are heavy. Not for a spliced family
    with splice "quantile": its density jumps at thresholds that move with the logits, and what an
    observation loses when a threshold passes it shows in no derivative, so the descent goes
    astray. Use splice "edge", or interval_nll, which has no jump.
interval_nll
    The probability of y's cell, by maximum likelihood: the first choice for whole numbers such
    as yards. It needs the width of the cell. Proper for the probabilities of cells; atoms are fine.
    Robust like density_nll.
window_nll
    The mean density over a window about y, by maximum likelihood: the first choice for bins that
    move (`Moved`, or a `Mixture` of such) under a continuous target. Their density is constant
    within a bin, so that the location has no derivative; a window as wide as a middle bin sees the
    edge that it covers. Nearly proper: what is learnt best is the law blurred by the window, which
    shrinks with the bins. Not for atoms. Robust like density_nll.
base_plus_tail
    The bins as a classifier on every observation, plus the excess over the thresholds held
    fixed: the surrogate of the SBP paper. Prefer it where far observations must not move the
    body. Not the likelihood of the spliced distribution, but each of its two terms is proper for
    its own part; atoms are fine. Robust: no far observation can pull at the bins harder than
    one in the outermost bin.
crps
    The distribution function, by its integrated squared error, in units of the family: prefer it
    where errors count by their size, or where a likelihood becomes infinite. Proper;
    atoms are fine. Robust: the loss grows like the distance of y, so its pull stays bounded. It
    says little about the far tail, where it squares small probabilities: tail indices are
    learnt slowly.
smoothed_classification
    Cross-entropy of the bins, each label spread over its neighbours: bins alone, or the body of
    a spliced family (its tail shapes and scales learn nothing here). Prefer it where bins are
    narrow for the data, or labels are off by a bin. Proper at smoothing 0 for the probabilities
    of bins, otherwise for those of the spread labels; atoms are fine, though smoothing takes
    from them. Robust like base_plus_tail.
pinball
    The quantiles of a `QuantileHead`, and nothing in between them: prefer it where a few
    quantiles are all that is wanted. Proper for these quantiles; atoms are fine. Robust: the
    pull of an observation does not grow with its distance.

Units. Multiply y, the cell and the numbers of the family that are in its unit by c > 0: every
objective stays as it is, but for log c where it holds the logarithm of a density, which has no
gradient. So training takes the same steps.

Finite tails. With a `shape_range` below 0 a tail of the spliced family ends, and an observation
beyond the end has probability 0: density_nll, interval_nll and base_plus_tail are then inf there,
with gradient 0 in the shape and scale of that tail, so nothing tells the optimiser to lengthen it
again, and `fit` stops with a TrainingError. No loss or gradient is NaN. crps and
smoothed_classification stay finite; crps also keeps pulling the tail towards the observation.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from sbp_jax.distributions import (
    Family,
    HasBins,
    Mixture,
    Moved,
    QuantileHead,
    SplicedBinnedPareto,
    genpareto,
)
from sbp_jax.distributions.elementary import align_with

ObjectiveName = Literal[
    "density_nll",
    "interval_nll",
    "window_nll",
    "base_plus_tail",
    "crps",
    "smoothed_classification",
    "pinball",
]
Objective = Callable[[Any, Float[Array, " b"]], Float[Array, " b"]]

Smoothing = float | Float[Array, ""]
CellWidth = float | Float[Array, "*#b"]

_MOST_SMOOTHING = 0.5
# What not every family has, and an objective needs.
_NEEDS = {
    "smoothed_classification": "bins",
    "base_plus_tail": "thresholds",
    "pinball": "pinball",
    "window_nll": "log_window",
}


def make_objective(
    name: ObjectiveName,
    family: Family,
    cell_width: CellWidth | None = None,
    *,
    smoothing: Smoothing = 0.0,
) -> Objective:
    """Return ``(params, y) -> losses`` for a family.

    Args:
        name: one of the list at the top of this module.
        family: what the parameters belong to.
        cell_width: width of the cell around y, > 0, in the unit of y (1 for whole yards); None
            for a continuous y. A fact about the target, so that it may be given with every name;
            interval_nll needs it, base_plus_tail scores excesses by their cell or, without one, by
            their density. Within a traced function it may be an array, one for each y, and is then
            not checked.
        smoothing: of smoothed_classification, in [0, 0.5); with any other name it must be 0.
            Within a traced function it may be traced, and is then not checked.

    Raises:
        ValueError: the objective is unknown, or an option is out of its range or has no effect.
        TypeError: the objective does not exist for this family.
    """
    if name not in get_args(ObjectiveName):
        raise ValueError(f"objective: expected {', '.join(get_args(ObjectiveName))}, got {name!r}")
    check_cell(cell_width)
    if name in _NEEDS and not hasattr(family, _NEEDS[name]):
        raise TypeError(f"{name}: expected a family with {_NEEDS[name]!r}, got {family!r}")
    able: Any = family
    if name == "smoothed_classification":
        return partial(smoothed_classification, able, smoothing=_check_smoothing(smoothing))
    if smoothing != 0:
        raise ValueError(f"smoothing: expected 0, as {name} has none, got {smoothing!r}")
    if name == "interval_nll":
        if cell_width is None:
            raise ValueError("cell_width: expected a number > 0 for interval_nll, got None")
        return partial(interval_nll, family, cell_width=cell_width)
    if name == "base_plus_tail":
        return partial(base_plus_tail, able, cell_width=cell_width)
    of_family: dict[str, Any] = {
        "density_nll": density_nll,
        "window_nll": window_nll,
        "crps": crps,
        "pinball": pinball,
    }
    return partial(of_family[name], able)


def check_cell(width: CellWidth | None) -> None:
    """ValueError unless the width of a cell is None, a finite number > 0 or an array."""
    if width is not None and not isinstance(width, jax.Array) and not 0 < width < math.inf:
        raise ValueError(f"cell_width: expected a finite number > 0, got {width!r}")


def density_nll(family: Family, params: Any, y: Float[Array, " b"]) -> Float[Array, " b"]:
    """Negative log density at y, in nats."""
    return -family.log_prob(params, y)


def interval_nll(
    family: Family, params: Any, y: Float[Array, " b"], *, cell_width: CellWidth
) -> Float[Array, " b"]:
    """Negative log probability of ``[y - w/2, y + w/2]``, in nats."""
    half = cell_width / 2
    return -family.log_interval(params, y - half, y + half)


def window_nll(family: Moved | Mixture, params: Any, y: Float[Array, " b"]) -> Float[Array, " b"]:
    """Negative log of the mean density in a window about y, `Moved.log_window`, in nats.

    The window is as wide as the law's own scale makes it, so that it too learns.
    """
    return -family.log_window(params, y)


def base_plus_tail(
    family: SplicedBinnedPareto,
    params: SplicedBinnedPareto.Params,
    y: Float[Array, " b"],
    *,
    cell_width: CellWidth | None = None,
) -> Float[Array, " b"]:
    """Classification by the bins on every y, plus the tails on what exceeds the thresholds.

    ``-log f_bins(y) - 1{y > t_U} log P(cell of y | beyond t_U) - 1{y < t_L} (the mirror image)``.
    Thresholds carry no gradient, so the logits learn from the first term alone and the tails
    from the others alone. A y outside all bins counts for the nearest one, and no more than that
    on a side without a tail. Excesses are scored on the part of their cell beyond the threshold:
    of whole yards, an excess is known no better. Without a cell they are scored by their density.

    Reference: Ehrlich, Callot, Aubet (2021), arXiv 2106.10952, with the density of the excess
    replaced by its probability.
    """
    lower, upper = jax.lax.stop_gradient(family.thresholds(params))
    inside = jnp.clip(y, family.edges[0], family.edges[-1])
    classified = family.bins.log_prob(params.logits, inside)

    def tail(excess: Array, shape: Array, scale: Array) -> Array:
        if cell_width is None:
            fit = genpareto.logpdf(jnp.maximum(excess, 0.0), shape, scale)
        else:
            half = cell_width / 2
            near = jnp.maximum(excess - half, 0.0)
            width = jnp.maximum(excess + half - near, half)
            fit = genpareto.loginterval(near, width, shape, scale)
        return jnp.where(excess > 0, fit, 0.0)

    fit = classified
    if family.tail_mass[0] is not None:
        fit += tail(lower - y, params.lower_shape, params.lower_scale)
    if family.tail_mass[1] is not None:
        fit += tail(y - upper, params.upper_shape, params.upper_scale)
    return -fit


def crps(family: Family, params: Any, y: Float[Array, " b"]) -> Float[Array, " b"]:
    """Continuous ranked probability score, in units of the family (`unit`).

    Reference: Gneiting and Raftery (2007), Journal of the American Statistical Association 102.
    """
    return family.crps(params, y) / unit_of(family)


def smoothed_classification(
    family: HasBins,
    params: Any,
    y: Float[Array, " b"],
    *,
    smoothing: Smoothing = 0.0,
) -> Float[Array, " b"]:
    """Cross-entropy of the bins against a label spread over neighbouring bins, in nats.

    ``-(1 - s) log p_i - s/2 (log p_(i-1) + log p_(i+1))`` for y in bin i; at an end the half that
    has no neighbour stays in bin i. A y outside all bins counts for the end bin.

    Neighbours, not all bins alike: with the uniform label every bin learns at least a mass of s/n,
    however far out, which ruins the tails. Here the expected loss is least at the true
    probabilities blurred by one bin, which keeps the size of a tail. Below 1/2 the blur can be
    undone, so that no two distributions share a minimiser; hence the range. The spread counts
    bins, not their widths.

    Args:
        family: a family of bins; of a spliced one the logits alone learn.
        params: its parameters.
        y: observations; NaN gives NaN.
        smoothing: s, in [0, 0.5), not checked if traced; 0 is plain cross-entropy.

    Raises:
        ValueError: smoothing is out of its range.

    >>> from sbp_jax.distributions import Binned
    >>> family = Binned([0.0, 1.0, 2.0, 3.0])
    >>> params = family.constrain(jnp.log(jnp.array([0.5, 0.25, 0.25])))
    >>> loss = smoothed_classification(family, params, jnp.array(9.0), smoothing=0.4)
    >>> round(float(jnp.exp(-loss)), 4)
    0.25
    """
    _check_smoothing(smoothing)
    logits, y = align_with(params.logits, y)
    inner = family.bins.bounds(logits)[0][..., 1:]
    label = jnp.sum(y[..., None] >= inner, axis=-1)
    exact = jax.nn.one_hot(label, family.bins.count, dtype=logits.dtype)
    padded = jnp.concatenate([exact[..., :1], exact, exact[..., -1:]], axis=-1)
    neighbours = 0.5 * (padded[..., :-2] + padded[..., 2:])
    target = (1 - smoothing) * exact + smoothing * neighbours
    loss = -jnp.sum(target * jax.nn.log_softmax(logits), axis=-1)
    return jnp.where(jnp.isnan(y), jnp.nan, loss)


def pinball(
    family: QuantileHead, params: QuantileHead.Params, y: Float[Array, " b"]
) -> Float[Array, " b"]:
    """Pinball loss, the mean over the head's levels, in units of the family (`unit`).

    ``max(tau (y - q), (tau - 1) (y - q))`` at level tau with quantile q.

    Reference: Koenker and Bassett (1978), Econometrica 46.
    """
    return family.pinball(params, y) / unit_of(family)


def unit_of(family: Family) -> float:
    """How large the numbers are that a family describes, in the unit of y; 1 if it does not say."""
    return float(getattr(family, "unit", 1.0))


def _check_smoothing(smoothing: Smoothing) -> Smoothing:
    if isinstance(smoothing, jax.core.Tracer):  # it has no value to check yet
        return smoothing
    if not 0 <= smoothing < _MOST_SMOOTHING:
        raise ValueError(f"smoothing: expected a number in [0, 0.5), got {smoothing!r}")
    return smoothing
