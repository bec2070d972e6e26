"""Where a detector starts: tails and moving mean of a batch of known values, on the host."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sbp_jax.distributions.genpareto_fit import grimshaw
from sbp_jax.errors import DetectorError
from sbp_jax.extremes.doubt import Doubt, has_room, is_led
from sbp_jax.extremes.level import MOST_REMEMBERED, Level
from sbp_jax.extremes.tails import FEWEST_PEAKS, Rule, Tails, alarm_limit
from sbp_jax.extremes.unit import Unit, find_unit
from sbp_jax.extremes.window import Window

_fit_all = jax.jit(grimshaw)


class _Series(NamedTuple):
    """One calibration series in its standard unit, without missing values.

    Attributes:
        name: in messages.
        last: the values that fill the window.
        centred: values less the moving mean before them, of those that have one.
    """

    name: str
    unit: tuple[float, float, float]
    last: np.ndarray
    centred: np.ndarray


class _Tail(NamedTuple):
    threshold: float
    peaks: np.ndarray  # as in `Tails`
    peak_count: int
    value_count: int


def calibrate(
    calibration: np.ndarray,
    *,
    signs: Sequence[int],
    depth: int,
    level: float,
    rule: Rule,
    capacity: int,
    wait: int,
    patience: int,
) -> tuple[Unit, Window, Tails, Doubt, Level]:
    """Unit, filled window, fitted tails, nothing in doubt and level of each series.

    Args:
        calibration: (S, N), or (N,) for one series whose results then have no leading axis.
        signs: 1 for an upper tail, -1 for a lower one.
        depth: of the moving mean, which takes the first values for itself; 0 for none.
        level: share of the values below the threshold.
        rule: for the limits.
        capacity: number of peaks kept.
        wait: values that an alarm must be alone among.
        patience: values before a change is the new normal.
    """
    if calibration.ndim not in (1, 2):
        raise DetectorError(f"calibration: expected shape (N,) or (S, N), got {calibration.shape}")
    if 0 in calibration.shape:
        raise DetectorError(f"calibration: expected values, got an empty {calibration.shape}")
    alone = calibration.ndim == 1
    names = ["the series"] if alone else [f"series {row}" for row in range(len(calibration))]
    rows = calibration[None] if alone else calibration
    series = [_read(row, name, depth) for row, name in zip(rows, names, strict=True)]
    found = [_find_tail(each, sign, level, capacity) for each in series for sign in signs]
    tails = _fit_tails(found, names, (len(series), len(signs)), rule)
    unit = Unit(*jnp.array([each.unit for each in series], jnp.float32).T)
    settled = _settled(series, signs, min(patience, MOST_REMEMBERED))
    doubt = Doubt(jnp.zeros_like(tails.limit), jnp.full_like(tails.peak_count, wait))
    state = (unit, _fill_window(series), tails, doubt, settled)
    return jax.tree.map(lambda x: x[0], state) if alone else state


def _read(values: np.ndarray, name: str, depth: int) -> _Series:
    if np.any(np.isinf(values)):
        where = int(np.argmax(np.isinf(values)))
        raise DetectorError(
            f"{name}: expected finite calibration values, got {values[where]} at index {where}"
        )
    kept = values[~np.isnan(values)]
    if not len(kept):
        raise DetectorError(f"{name}: expected calibration values, got NaN in all {len(values)}")
    if len(kept) <= depth:
        raise DetectorError(
            f"{name}: expected more calibration values than the depth {depth} of the moving mean, "
            f"got {len(kept)}"
        )
    centre, rest, scale = find_unit(kept, name)
    standard = (kept - centre - rest) / scale
    sums = np.cumsum(np.append(0.0, standard))
    means = (sums[depth:-1] - sums[: len(kept) - depth]) / max(depth, 1)
    return _Series(
        name, (centre, rest, scale), standard[len(kept) - depth :], standard[depth:] - means
    )


def _find_tail(series: _Series, sign: int, level: float, capacity: int) -> _Tail:
    values = sign * series.centred
    threshold = float(np.float32(np.quantile(values, level)))
    excess = (values - threshold).astype(np.float32)
    excess = excess[excess > 0]
    if len(excess) < FEWEST_PEAKS:
        side = "above" if sign > 0 else "below"
        raise DetectorError(
            f"{series.name}: expected at least {FEWEST_PEAKS} calibration values {side} the "
            f"threshold, got {len(excess)} of {len(values)}; give more values (about "
            f"{FEWEST_PEAKS / (1 - level):.0f} where none are equal), or lower the level {level:g}"
        )
    peaks = np.zeros(capacity, np.float32)
    numbers = np.arange(len(excess))[-capacity:]
    peaks[numbers % capacity] = excess[numbers]
    return _Tail(threshold, peaks, len(excess), len(values))


def _fit_tails(
    found: Sequence[_Tail], names: Sequence[str], shape: tuple[int, int], rule: Rule
) -> Tails:
    threshold = jnp.array([each.threshold for each in found], jnp.float32)
    peaks = jnp.array([each.peaks for each in found], jnp.float32)
    count = jnp.array([each.peak_count for each in found], jnp.int32)
    size = jnp.array([each.value_count for each in found], jnp.int32)
    fit = _fit_all(peaks, peaks > 0)
    lost = np.flatnonzero(~np.isfinite(fit.shape))
    if len(lost):
        raise DetectorError(
            f"{names[lost[0] // shape[1]]}: expected calibration values with a tail that can be "
            f"fitted, got {found[lost[0]].peak_count} peaks without a most likely one; take the "
            "logarithm of values that differ by so many orders of magnitude"
        )
    limit = alarm_limit(rule, fit, jnp.minimum(count, peaks.shape[1]), count, size)
    room, led = has_room(peaks, limit), is_led(peaks, limit)
    fitted = (fit.shape, fit.scale, limit)
    tails = Tails(threshold, peaks, count, size, *fitted, room, led, searched=count)
    return jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), tails)


def _fill_window(series: Sequence[_Series]) -> Window:
    values = jnp.array([each.last for each in series], jnp.float32)
    none = jnp.zeros(len(series), jnp.float32)
    return Window(values, none.astype(jnp.int32), jnp.sum(values, axis=1), none)


def _settled(series: Sequence[_Series], signs: Sequence[int], remembered: int) -> Level:
    lowest = [[np.min(sign * each.centred) for sign in signs] for each in series]
    none = jnp.zeros(len(series), jnp.float32)
    never = none.astype(jnp.int32)
    recent = Window(jnp.zeros((len(series), remembered), jnp.float32), never, none, none)
    return Level(recent, never, jnp.array(lowest, jnp.float32))
