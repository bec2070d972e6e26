"""The fitted upper tails of many series, and how they take in new peaks.

A lower tail is the upper tail of -x. Tails lie on the axes (series, side), in the standard unit of
their series. Only a tail that has a new peak is refitted, by itself, so that the cost of a step is
that of the few tails concerned and not that of all of them.
"""

from functools import partial
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.genpareto_fit import Fit
from sbp_jax.extremes.doubt import has_room, highest_limit, is_led
from sbp_jax.extremes.tail_fit import follow, search

FEWEST_PEAKS: Final = 10
_NEAREST, _FURTHEST = 1e-30, 1e30  # limits are neither 0, which means no peak, nor infinite
SEARCH_AGAIN: Final = 1.25  # growth of the number of peaks after which no warm start is trusted


class Tails(NamedTuple):
    """What is known of each tail; numbers of values are whole, the rest in the standard unit.

    Attributes:
        threshold: t, from where on a value is a peak.
        peaks: excesses over t of the most recent peaks, at the place of their number modulo the
            capacity; a peak known only to exceed a bound is that bound, negative; 0 where empty.
        peak_count: N_t, all peaks so far, those that have left `peaks` included.
        value_count: n, all values so far.
        shape: of the fit to `peaks`.
        scale: of that fit.
        limit: z, excess over t from where on a value is an alarm.
        room: whether an alarm that was alone counts as a peak.
        searched: `peak_count` when the fit was last found without a warm start.
    """

    threshold: Float[Array, "*batch side"]
    peaks: Float[Array, "*batch side capacity"]
    peak_count: Int[Array, "*batch side"]
    value_count: Int[Array, "*batch side"]
    shape: Float[Array, "*batch side"]
    scale: Float[Array, "*batch side"]
    limit: Float[Array, "*batch side"]
    room: Bool[Array, "*batch side"]
    led: Bool[Array, "*batch side"]
    searched: Int[Array, "*batch side"]


class Rule(NamedTuple):
    """How the limit follows from a fit: the risk q, and whether the mean risk is corrected."""

    risk: float
    corrected: bool


def alarm_limit(
    rule: Rule,
    fit: Fit,
    known: Int[Array, "*batch"],
    count: Int[Array, "*batch"],
    size: Int[Array, "*batch"],
) -> Float[Array, "*batch"]:
    r"""Excess z with S(z) = p, where p = q n / N_t; next to 0 for p >= 1.

    The limit of an estimated tail is passed more often than p in the mean: for an exponential tail
    fitted to k peaks, with w = -log p and to first order in 1 / k,

        E S(z) / p = 1 + c / k,     c = -3 w + 3 w^2 - 2 w^3 / 3 + w^4 / 8,

    from the variances (1, 2) / k, the covariance -1 / k and the biases (-3, 3) / k of shape and
    log scale. The corrected limit is that of p / (1 + c / k + (c / k)^2); simulated samples need a
    square with a coefficient of 0.9 to 1.5 where c / k is 0.1 to 0.4, and more where peaks are few.
    (It is used for every shape: between -0.2 and 0.3 the right c differs by less than a fifth from
    this one.)

    Args:
        rule: q, and whether to correct.
        fit: shape and scale.
        known: k, the number of peaks that the fit has seen in full.
        count: N_t.
        size: n.

    Reference for the biases: Giles, Feng and Godwin (2016), Communications in Statistics: Theory
    and Methods 45.

    >>> fit = Fit(jnp.float32(0.0), jnp.float32(2.0))
    >>> numbers = jnp.int32(20), jnp.int32(20), jnp.int32(1000)
    >>> limit = jax.jit(alarm_limit, static_argnums=0)
    >>> float(limit(Rule(1e-4, corrected=False), fit, *numbers))  # 2 log 200
    10.59663...
    >>> float(limit(Rule(1e-4, corrected=True), fit, *numbers))
    16.1...
    """
    share = jnp.minimum(rule.risk * size.astype(jnp.float32) / count.astype(jnp.float32), 1.0)
    if rule.corrected:
        w = -jnp.log(share)
        c = w * (-3 + w * (3 + w * (-2 / 3 + w / 8)))
        lack = c / jnp.maximum(known, FEWEST_PEAKS).astype(jnp.float32)
        share = share / (1 + lack + lack * lack)
    return jnp.clip(genpareto.isf(share, fit.shape, fit.scale), _NEAREST, _FURTHEST)


def tail_probability(
    tails: Tails, excess: Float[Array, "series side"]
) -> Float[Array, "series side"]:
    """Probability `(N_t / n) S(excess)` of a value further out; NaN where there is no excess."""
    share = tails.peak_count.astype(jnp.float32) / tails.value_count.astype(jnp.float32)
    beyond = share * genpareto.sf(excess, tails.shape, tails.scale)
    return jnp.where(excess > 0, beyond, jnp.nan)


def take_in(
    tails: Tails,
    entries: Float[Array, "series side"],
    counted: Int[Array, "series side"],
    rule: Rule,
) -> Tails:
    """Count values, and refit the tails that get a new entry.

    Args:
        tails: what is known so far.
        entries: what joins `Tails.peaks`, written as there; 0 for nothing.
        counted: by how much n grows.
        rule: for the new limits.
    """
    shape = entries.shape
    tails = tails._replace(value_count=tails.value_count + counted)
    flat: Tails = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tails)
    entries = entries.reshape(-1)

    def waiting(carry: tuple[Tails, Array]) -> Array:
        return jnp.any(carry[1])

    def next_tail(carry: tuple[Tails, Array]) -> tuple[Tails, Array]:
        tails, pending = carry
        row = jax.lax.argmax(pending, 0, jnp.int32)
        return _refit(tails, row, entries[row], rule), pending.at[row].set(False)

    flat, _ = jax.lax.while_loop(waiting, next_tail, (flat, entries != 0))
    return jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), flat)


def _refit(tails: Tails, row: Array, entry: Array, rule: Rule) -> Tails:
    """Tails of which one has taken in an entry."""
    place = tails.peak_count[row] % tails.peaks.shape[-1]
    peaks = jax.lax.dynamic_update_slice(tails.peaks, entry[None, None], (row, place))
    count = tails.peak_count[row] + 1
    before = Fit(tails.shape[row], tails.scale[row])
    fit, settled = follow(peaks[row], before)
    again = ~settled | (count >= SEARCH_AGAIN * tails.searched[row])
    fit = jax.lax.cond(again, search, lambda _: fit, peaks[row])
    found = jnp.isfinite(fit.shape) & (fit.scale > 0)
    fit = jax.tree.map(partial(jnp.where, found), fit, before)  # no fit is no reason to forget one
    known = jnp.sum(peaks[row] > 0, dtype=jnp.int32)
    limit = alarm_limit(rule, fit, known, count, tails.value_count[row])
    limit = jnp.minimum(limit, highest_limit(peaks[row]))
    return tails._replace(
        peaks=peaks,
        peak_count=tails.peak_count.at[row].set(count),
        shape=tails.shape.at[row].set(fit.shape),
        scale=tails.scale.at[row].set(fit.scale),
        limit=tails.limit.at[row].set(limit),
        room=tails.room.at[row].set(has_room(peaks[row], limit)),
        led=tails.led.at[row].set(is_led(peaks[row], limit)),
        searched=tails.searched.at[row].set(jnp.where(again, count, tails.searched[row])),
    )
