r"""The spliced binned-Pareto distribution: bins in the middle, generalized Pareto tails.

Symbols: edges e_0 < ... < e_n, widths w_i, p = softmax(logits), F_B distribution function of the
bins alone, t_L and t_U thresholds, a and b probabilities of the tails, xi shape, beta scale, g
and S density and survival function of the generalized Pareto (module `genpareto`):

    f(y) = a g_L(t_L - y)     F(y) = a S_L(t_L - y)          y < t_L
         = p_i / w_i               = F_B(y)                  in between, y in bin i
         = b g_U(y - t_U)          = 1 - b S_U(y - t_U)      y > t_U

It integrates to one and F is continuous; f jumps at the thresholds. Nothing is renormalised,
because the tails take exactly the mass that the bins have beyond the thresholds.

References: Ehrlich, Callot, Aubet (2021), "Spliced Binned-Pareto Distribution for Robust Modeling
of Heavy-tailed Time Series", arXiv 2106.10952; Pickands (1975), Annals of Statistics 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from sbp_jax.distributions import cells, genpareto, splicing
from sbp_jax.distributions.arguments import Numbers
from sbp_jax.distributions.bin_grid import grid
from sbp_jax.distributions.bins import Bins, Edges, check_edges, check_raw, random_levels
from sbp_jax.distributions.elementary import (
    align_with,
    defined_by,
    log1mexp,
    log_sum,
    positive,
    safe_log,
)
from sbp_jax.distributions.family import Derived, compiled, compiled_sample
from sbp_jax.distributions.raw_zeros import check_shape_range, squash_shape
from sbp_jax.distributions.splicing import Mass, Mode, Splice, Tail, TailMass

Value = Real[ArrayLike, "*#batch"]
Result = Float[Array, "..."]

_SCALE_FLOOR = 1e-3  # lowest scale, as a fraction of the scale that raw zeros stand for


@dataclass(frozen=True, init=False)
class SplicedBinnedPareto(Derived):
    """Spliced binned-Pareto distribution.

    Formulas stand at the top of this module, methods and their arguments in `family.Family`.

    With splice "quantile" the thresholds are the bins' own quantiles, t_L = F_B^-1(a) and
    t_U = F_B^-1(1 - b), so they move with the logits, and the tails hold exactly a and b. With
    splice "edge", for targets with atoms (whole numbers in bins of width one), the thresholds
    are the edges next inside those masses, so that no bin is cut; see `splicing.splice`.

    Warning: with splice "quantile" the density jumps where a threshold is, and thresholds move with
    the logits. No derivative of `log_prob` sees an observation change sides, so its mean is not
    what gradient descent on it minimises. Train on `log_interval`, `crps`, the objective
    base_plus_tail, or with splice "edge"; see docs/distributions.md.

    Edge values: a threshold belongs to the body; with splice "edge" the upper one to its tail,
    as bins own their left edges. With a shape below 0 the tail ends at a finite point, beyond
    which the log density is -inf with gradient 0, also in `log_interval`: a likelihood may then
    become infinite in training. The default range of shapes excludes that; widen it to
    (-0.5, 0.95) for bounded targets, with the scales watched.

    A tail may be left out. The bins then reach to their outermost edge on that side, the threshold,
    with density 0 beyond, and its shape and scale are neither emitted nor read (0 and 1).

    Args:
        edges: at least 3 strictly increasing numbers, in the unit of the target.
        tail_mass: probability of each tail, or a pair (lower, upper), in (0, 0.5), where None
            leaves out that tail; stored as a pair. Within a traced function it may be traced.
        splice: "quantile" or "edge".
        shape_range: lowest and highest tail shape that `constrain` gives, in (-1, 2).

    >>> family = SplicedBinnedPareto(edges=range(-10, 61), tail_mass=0.05)
    >>> params = family.constrain(jnp.zeros(family.num_outputs))
    >>> [round(float(t), 4) for t in family.thresholds(params)]
    [-6.5, 56.5]
    >>> round(float(family.cdf(params, 25.0)), 4), bool(family.log_prob(params, 1e6) > -200)
    (0.5, True)
    """

    traceable = ("tail_mass",)
    edges: tuple[float, ...]
    tail_mass: TailMass
    splice: Mode
    shape_range: tuple[float, float]

    class Params(NamedTuple):
        """Logits of the bins; shape and scale (in the unit of the target) of either tail."""

        logits: Float[Array, "*batch bins"]
        lower_shape: Float[Array, "*batch"]
        lower_scale: Float[Array, "*batch"]
        upper_shape: Float[Array, "*batch"]
        upper_scale: Float[Array, "*batch"]

    def __init__(
        self,
        edges: Edges,
        tail_mass: Mass | Numbers = 0.05,
        splice: Mode = "quantile",
        shape_range: Numbers = (0.0, 0.95),
    ) -> None:
        splicing.check_mode(splice)
        object.__setattr__(self, "edges", check_edges(edges))
        object.__setattr__(self, "tail_mass", splicing.check_tail_mass(tail_mass))
        object.__setattr__(self, "splice", splice)
        object.__setattr__(self, "shape_range", check_shape_range(shape_range))

    @cached_property
    def bins(self) -> Bins:
        """The grid of bins."""
        return Bins(self.edges)

    @property
    def unit(self) -> float:
        """How large the numbers are that it describes, in the unit of the target."""
        return self.edges[-1] - self.edges[0]

    @property
    def num_outputs(self) -> int:
        """One logit for each bin, then lower shape, lower scale, upper shape, upper scale.

        The two of a tail that is left out are not among them.
        """
        return self.bins.count + 2 * sum(mass is not None for mass in self.tail_mass)

    def with_tail_mass(self, mass: Mass) -> "SplicedBinnedPareto":
        """The same with another mass, which may be traced, on the sides that have a tail."""
        below, above = (None if old is None else mass for old in self.tail_mass)
        return replace(self, tail_mass=(below, above))

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Params:
        """Parameters from raw network outputs, in the order of `num_outputs`.

        Logits are raw itself (clipped to +-1e30). A shape is a sigmoid scaled to `shape_range`,
        0 giving 0.1, or the middle where that is outside. A scale is `beta_0 softplus(raw) /
        log 2`, above a floor of a thousandth of beta_0; 0 gives beta_0 = tail mass times range,
        with which the density of equal bins continues into the tail without a jump.

        >>> SplicedBinnedPareto([0.0, 1.0, 2.0]).constrain(jnp.zeros(6)).upper_scale
        Array(0.1, dtype=float32)
        """
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        logits, tails = raw[..., : self.bins.count], raw[..., self.bins.count :]
        span = self.edges[-1] - self.edges[0]
        columns, values = iter(jnp.moveaxis(tails, -1, 0)), []
        for mass in self.tail_mass:
            if mass is None:
                values += [jnp.zeros_like(logits[..., 0]), jnp.ones_like(logits[..., 0])]
            else:
                shape, scale = next(columns), next(columns)
                values.append(squash_shape(shape, self.shape_range))
                values.append(positive(scale, mass * span, _SCALE_FLOOR))
        return self.Params(logits, *values)

    @compiled
    def thresholds(self, params: Params) -> tuple[Result, Result]:
        """Where the lower tail ends and the upper one begins, in the unit of the target.

        The outermost edge on a side without a tail.
        """
        cut = self._splice(align_with(*params)[0])
        return cut.lower, cut.upper

    @compiled
    def knots(self, params: Params) -> Float[Array, "*batch knots"]:
        """Where the density may jump: the edges, those beyond a threshold drawn to it."""
        lower, upper = self.thresholds(params)
        edges = grid(self.edges, lower).reshape((1,) * lower.ndim + (-1,))
        return jnp.clip(edges, lower[..., None], upper[..., None])

    @compiled
    def log_prob(self, params: Params, y: Value) -> Result:
        """Log density at y, finite everywhere for shapes >= 0."""
        p, cut, (y,) = self._prepare(params, y)
        tail = self._tail(p, cut, y)
        beyond = tail.log_prob()
        return self._select(p, tail, beyond, self.bins.log_prob(p.logits, y), beyond)

    @compiled
    def cdf(self, params: Params, y: Value) -> Result:
        """Distribution function; accurate relative to itself in the lower tail."""
        p, cut, (y,) = self._prepare(params, y)
        tail, body = self._tail(p, cut, y), self.bins.cdf(p.logits, y)
        beyond = tail.log_beyond()
        return self._select(p, tail, jnp.exp(beyond), body, -jnp.expm1(beyond))

    @compiled
    def log_cdf(self, params: Params, y: Value) -> Result:
        """Log distribution function, accurate near F = 0 and near F = 1."""
        p, cut, (y,) = self._prepare(params, y)
        tail, body = self._tail(p, cut, y), self.bins.log_cdf(p.logits, y)
        beyond = tail.log_beyond()
        return self._select(p, tail, beyond, body, log1mexp(-beyond))

    @compiled
    def sf(self, params: Params, y: Value) -> Result:
        """Survival function 1 - F; accurate relative to itself in the upper tail."""
        p, cut, (y,) = self._prepare(params, y)
        tail, body = self._tail(p, cut, y), self.bins.sf(p.logits, y)
        beyond = tail.log_beyond()
        return self._select(p, tail, -jnp.expm1(beyond), body, jnp.exp(beyond))

    @compiled
    def log_sf(self, params: Params, y: Value) -> Result:
        """Log survival function, accurate near F = 0 and near F = 1."""
        p, cut, (y,) = self._prepare(params, y)
        tail, body = self._tail(p, cut, y), self.bins.log_sf(p.logits, y)
        beyond = tail.log_beyond()
        return self._select(p, tail, log1mexp(-beyond), body, beyond)

    @compiled
    def log_interval(self, params: Params, lo: Value, hi: Value) -> Result:
        """Log probability of [lo, hi]: the sum of what it covers of both tails and of each bin.

        All parts are positive, so nothing cancels, however narrow or far out the interval.
        Either end may be infinite; -inf where hi <= lo.

        >>> family = SplicedBinnedPareto([-0.5, 0.5, 1.5, 2.5, 3.5], splice="edge")
        >>> params = family.constrain(jnp.zeros(8))
        >>> float(jnp.exp(family.log_interval(params, 0.5, 1.5)))
        0.25
        """
        p, cut, (lo, hi) = self._prepare(params, lo, hi)
        lower, upper = cells.log_tails(_tails(p, cut), lo, hi)
        lo, hi = jnp.clip(lo, cut.lower, cut.upper), jnp.clip(hi, cut.lower, cut.upper)
        body = self.bins.log_interval(p.logits, lo, hi)
        return log_sum(lower, body, upper)

    @compiled
    def quantile(self, params: Params, q: Value) -> Result:
        """Inverse of F.

        `t_L - beta_L expm1(-xi_L log(q / a)) / xi_L` below a, `F_B^-1(q)` in between, and
        `t_U + beta_U expm1(-xi_U log((1 - q) / b)) / xi_U` above 1 - b. The ends of the support
        (infinite for shapes >= 0) at q = 0 and 1; NaN for q outside [0, 1].
        """
        p, cut, (q,) = self._prepare(params, q)
        value = self._quantile(p, cut, q, 1 - q)
        return jnp.where((q >= 0) & (q <= 1), value, jnp.nan)

    @compiled
    def mean(self, params: Params) -> Result:
        """Mean; inf (-inf) where the upper (lower) shape is >= 1, NaN where both are."""
        p, cut, () = self._prepare(params)
        body, _ = self.bins.moments(p.logits, cut.lower, cut.upper, jnp.zeros_like(cut.lower))
        below = splicing.mass_times(cut.log_below, genpareto.mean(p.lower_shape, p.lower_scale))
        above = splicing.mass_times(cut.log_above, genpareto.mean(p.upper_shape, p.upper_scale))
        a, b = jnp.exp(cut.log_below), jnp.exp(cut.log_above)
        return (a * cut.lower - below) + body + (b * cut.upper + above)

    @compiled
    def variance(self, params: Params) -> Result:
        """Variance, summed about the mean, so that nothing cancels; inf where a shape is >= 1/2."""
        exists = (params.lower_shape < 0.5) & (params.upper_shape < 0.5)
        mean = self.mean(params)
        return self._square_about(params, jnp.where(exists, mean, 0.0))

    @compiled
    def second_moment(self, params: Params) -> Result:
        """Expected square, about 0; inf where a shape is >= 1/2."""
        return self._square_about(params, 0.0)

    @compiled
    def entropy(self, params: Params) -> Result:
        """Differential entropy `-E log f(Y)`, in nats; finite for every shape.

        With m_i the probability of bin i between the thresholds, `-sum_i m_i log(p_i / w_i)
        + a (log(beta_L / a) + 1 + xi_L) + b (log(beta_U / b) + 1 + xi_U)`. An empty bin adds 0.
        """
        p, cut, () = self._prepare(params)
        lower = genpareto.entropy(p.lower_shape, p.lower_scale)
        upper = genpareto.entropy(p.upper_shape, p.upper_scale)
        body = self.bins.entropy(p.logits, cut.lower, cut.upper)
        return (
            splicing.mass_entropy(cut.log_below, lower)
            + body
            + splicing.mass_entropy(cut.log_above, upper)
        )

    @compiled_sample
    def sample(self, key: PRNGKeyArray, params: Params, shape: Sequence[int] = ()) -> Result:
        """Draws by inversion, far into the tails; gradients are the quantile's at fixed levels."""
        logits, *tails = align_with(*params)
        batch = jnp.broadcast_shapes(logits.shape[:-1], *(x.shape for x in tails))
        levels = random_levels(key, (*shape, *batch), logits.dtype)
        p, cut, (level, complement) = self._prepare(params, *levels)
        return self._quantile(p, cut, level, complement)

    @compiled
    def crps(self, params: Params, y: Value) -> Result:
        r"""Continuous ranked probability score `\int (F(t) - 1{t >= y})^2 dt`, for shapes < 2.

        The sum of the integrals over the lower tail, the bins and the upper tail.
        """
        p, cut, (y,) = self._prepare(params, y)
        a, b = jnp.exp(cut.log_below), jnp.exp(cut.log_above)
        lower = genpareto.crps(_excess(cut.lower - y), p.lower_shape, p.lower_scale, a)
        upper = genpareto.crps(_excess(y - cut.upper), p.upper_shape, p.upper_scale, b)
        return lower + self.bins.crps(p.logits, y, cut.lower, cut.upper, a, b) + upper

    @compiled
    def twcrps(
        self, params: Params, y: Value, lower: Value = -jnp.inf, upper: Value = jnp.inf
    ) -> Result:
        r"""Threshold-weighted CRPS `\int_lower^upper (F(t) - 1{t >= y})^2 dt`, in closed form.

        Proper, and blind to what the forecast says outside [lower, upper]: with lower = r it
        judges the upper tail, with upper = r the lower one. 0 where upper <= lower; `crps` with
        both infinite.

        Reference: Gneiting and Ranjan (2011), Journal of Business and Economic Statistics 29.

        >>> family = SplicedBinnedPareto(edges=range(-10, 61))
        >>> params = family.constrain(jnp.zeros(family.num_outputs))
        >>> parts = [family.twcrps(params, 20.0, *w) for w in ((-jnp.inf, 30.0), (30.0, jnp.inf))]
        >>> bool(jnp.isclose(sum(parts), family.crps(params, 20.0)))
        True
        """
        p, cut, (y, start, stop) = self._prepare(params, y, lower, upper)
        near, far = (jnp.clip(x, cut.lower, cut.upper) for x in (start, stop))
        body = self.bins.crps(
            p.logits, y, near, far, self.bins.cdf(p.logits, near), self.bins.sf(p.logits, far)
        )
        return body + cells.twcrps_of_tails(_tails(p, cut), y, start, stop)

    def _splice(self, logits: Array) -> Splice:
        return splicing.splice(self.bins, logits, self.tail_mass, self.splice)

    def _prepare(self, params: Params, *values: Value) -> tuple[Params, Splice, tuple[Array, ...]]:
        """Align parameters and values, and find the thresholds.

        A tail that is left out is not read. Where a number of one is NaN, both scales are.
        """
        logits, *rest = align_with(*params, *values)
        cut, tails = self._splice(logits), rest[:4]
        for i, mass in enumerate(self.tail_mass):
            if mass is None:
                tails[2 * i] = jnp.zeros_like(tails[2 * i])
                tails[2 * i + 1] = jnp.ones_like(tails[2 * i + 1])
        known = tails[0] + tails[1] + tails[2] + tails[3]
        tails[1], tails[3] = (defined_by(x, known) for x in (tails[1], tails[3]))
        return self.Params(logits, *tails), cut, tuple(rest[4:])

    def _tail(self, p: Params, cut: Splice, y: Array) -> Tail:
        lower = None if self.tail_mass[0] is None else (p.lower_shape, p.lower_scale)
        upper = None if self.tail_mass[1] is None else (p.upper_shape, p.upper_scale)
        threshold = partial(self.bins.point_of, p.logits)
        return splicing.tail_of(y, cut, threshold, lower, upper, self.splice)

    def _select(self, p: Params, tail: Tail, lower: Array, body: Array, upper: Array) -> Array:
        """The piece that y lies in."""
        value = jnp.where(tail.below, lower, jnp.where(tail.above, upper, body))
        return defined_by(value, p.lower_scale)

    def _square_about(self, params: Params, center: Value) -> Result:
        """Expected squared distance from a centre; inf where a shape is >= 1/2."""
        p, cut, (center,) = self._prepare(params, center)
        exists = (p.lower_shape < 0.5) & (p.upper_shape < 0.5)
        lower_shape, upper_shape = (jnp.where(exists, x, 0.0) for x in (p[1], p[3]))
        _, body = self.bins.moments(p.logits, cut.lower, cut.upper, center)
        lower = cells.tail_square(center - cut.lower, lower_shape, p.lower_scale)
        upper = cells.tail_square(cut.upper - center, upper_shape, p.upper_scale)
        total = jnp.exp(cut.log_below) * lower + body + jnp.exp(cut.log_above) * upper
        return jnp.where(exists | jnp.isnan(total), total, jnp.inf)

    def _quantile(self, p: Params, cut: Splice, level: Array, complement: Array) -> Array:
        """Quantile at `level`; `complement` = 1 - level is given for its accuracy near 0."""
        log_below, log_above = safe_log(level), safe_log(complement)
        lower = cut.lower - genpareto.inverse_logsf(
            jnp.minimum(log_below - cut.log_below, 0.0), p.lower_shape, p.lower_scale
        )
        upper = cut.upper + genpareto.inverse_logsf(
            jnp.minimum(log_above - cut.log_above, 0.0), p.upper_shape, p.upper_scale
        )
        body = self.bins.quantile(p.logits, level, complement)
        body = jnp.where(log_above < cut.log_above, upper, body)
        return defined_by(jnp.where(log_below < cut.log_below, lower, body), p.lower_scale)


def _excess(z: Array) -> Array:
    return jnp.maximum(z, 0.0)


def _tails(p: SplicedBinnedPareto.Params, cut: Splice) -> cells.Tails:
    return cells.Tails(cut.lower, cut.upper, *p[1:], cut.log_below, cut.log_above)
