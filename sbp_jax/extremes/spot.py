r"""SPOT and DSPOT: alarms at values that a stream passes with a chosen, small probability.

Symbols: x a value, t threshold, q risk, n values and N_t peaks (values above t) so far, xi and
sigma shape and scale of the generalized Pareto tail fitted to the excesses over t, S its survival
function. A value is an alarm above

    z = t + sigma / xi ((q n / N_t) ** -xi - 1),       so that (N_t / n) S(z - t) = q

and otherwise a peak above t, upon which the tail is fitted again and z moves. DSPOT does so with x
less the mean of the last `depth` values that were no alarms. A lower tail is the upper one of -x.

Alarms are kept away from the fit, so that anomalies cannot widen it. In the paper they are left
out altogether (`alarms="exclude"`); then every fit is to a sample cut off at z, its tail too light,
and the rate of alarms rises above q as the stream goes on. With `alarms="censor"`, the default, an
alarm counts as a value and as a peak, known only to have exceeded the limit of its time. What then
remains above q comes from the fit being an estimate, and `corrected=True`, the default, makes up
for that to first order (`tails.alarm_limit`).

Alarms among 1,000 ordinary values at q = 1e-3, level 0.98, in 256 series of 8,192 values from a
generalized Pareto law, by the number of values in the calibration (of which 2 % are peaks):

    calibrated on                         1,000                    10,000
    shape                           -0.2    0.0    0.3       -0.2    0.0    0.3
    as published                    2.51   2.56   2.62       1.23   1.24   1.25
    exclude, corrected              2.24   2.28   2.32       1.19   1.20   1.21
    censor, not corrected           1.20   1.19   1.17       1.02   1.02   1.02
    default                         1.08   1.08   1.06       0.99   0.99   0.99

Standard errors are 0.02, and 0.08 and 0.03 where alarms are excluded. For risks that are small
beside 1 / n no limit is good: at q = 1e-4 the default has about 1.05 q after 10,000 values, and
2.3 q after 1,000.

Reference: Siffer, Fouque, Termier and Largouet (2017), Anomaly detection in streams with extreme
value theory, KDD.
"""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Final, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Real

from sbp_jax.errors import DetectorError
from sbp_jax.extremes.calibrate import calibrate
from sbp_jax.extremes.tails import FEWEST_PEAKS, Rule, Tails, tail_probability, take_in
from sbp_jax.extremes.unit import Unit, host_standard, to_original, to_standard
from sbp_jax.extremes.window import Window, push, window_mean

Tail = Literal["upper", "lower", "both"]
Alarms = Literal["censor", "exclude"]

_SIGNS: Final[dict[Tail, tuple[int, ...]]] = {"upper": (1,), "lower": (-1,), "both": (1, -1)}


class SpotState(NamedTuple):
    """All that a detector remembers; every array has the leading axis of the series, if any."""

    unit: Unit
    window: Window
    tails: Tails


class SpotStep(NamedTuple):
    """What a detector says of one value, or of each value of a stream; sides lie on the last axis.

    All of it is from before the value was taken in.

    Attributes:
        alarm: whether the value lies beyond `limit`; false where it is missing.
        limit: in the unit of x, the moving mean included.
        probability: of a value further out on that side, `(N_t / n) S`, where the value lies
            beyond the threshold t of that side; NaN where it does not, or is missing, as the tail
            says nothing there. It falls below the risk where there is an alarm.
    """

    alarm: Bool[Array, "*batch side"]
    limit: Float[Array, "*batch side"]
    probability: Float[Array, "*batch side"]


@dataclass(frozen=True)
class Spot:
    """A streaming detector of extreme values; the description, whose state is kept apart.

    Missing values (NaN) are passed over. inf is an alarm on its side, and changes nothing. Shapes
    are restricted to xi >= -1/2; below (uniform noise, say) there are fewer alarms than q, and
    every refit is a full search, so that streams take about eight times as long. z moves only when
    a peak is taken in, as published. It never falls below t. What is an alarm on one side is an
    ordinary value to the other, but stays out of the moving mean of both.

    Attributes:
        risk: q, the wanted share of alarms among ordinary values; less than 1 - level.
        level: share of the calibration values below the threshold t, which then stays.
        depth: number of values in the moving mean (DSPOT), or 0 for none (SPOT); >= 0.
        tails: which sides are watched: "upper", "lower", or "both", in this order.
        capacity: number of most recent peaks that are fitted, >= 10, without which no fit means
            anything; n and N_t count all.
        alarms: "censor" or, as published, "exclude".
        corrected: whether z makes up for the fit being an estimate; as published it does not.

    >>> rng = np.random.default_rng(0)
    >>> spot = Spot(risk=1e-3)
    >>> state = spot.fit(rng.normal(size=20000))
    >>> state, steps = spot.run(state, np.array([0.5, np.nan, 9.0, 2.5]))
    >>> steps.alarm[:, 0].tolist()
    [False, False, True, False]
    >>> round(float(steps.limit[0, 0]), 1)  # the normal quantile is 3.09
    3.0
    """

    risk: float = 1e-4
    level: float = 0.98
    depth: int = 0
    tails: Tail = "upper"
    capacity: int = 512
    alarms: Alarms = "censor"
    corrected: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise DetectorError(f"level: expected a number in (0, 1), got {self.level}")
        if not 0 < self.risk < 1 - self.level:
            raise DetectorError(
                f"risk: expected a number in (0, 1 - level) = (0, {1 - self.level:g}), "
                f"got {self.risk}"
            )
        for name, least in (("depth", 0), ("capacity", FEWEST_PEAKS)):
            number = getattr(self, name)
            if not isinstance(number, Integral) or number < least:
                raise DetectorError(f"{name}: expected a whole number >= {least}, got {number!r}")
        for name, known in (("tails", get_args(Tail)), ("alarms", get_args(Alarms))):
            if getattr(self, name) not in known:
                raise DetectorError(f"{name}: expected one of {known}, got {getattr(self, name)!r}")

    @property
    def rule(self) -> Rule:
        """How limits follow from fits."""
        return Rule(self.risk, self.corrected)

    def fit(self, calibration: Real[ArrayLike, "*batch n"]) -> SpotState:
        """Start from known values, whose number is N; a fit by maximum likelihood (Grimshaw's).

        Args:
            calibration: (N,), or (S, N) for S series of the same detector, in the unit of x. NaN
                is passed over. With a moving mean, the first `depth` values fill its window.

        Raises:
            DetectorError: for values that are infinite, constant, or too few.
        """
        unit, window, tails = calibrate(
            np.asarray(calibration, np.float64),
            signs=_SIGNS[self.tails],
            depth=self.depth,
            level=self.level,
            rule=self.rule,
            capacity=self.capacity,
        )
        return SpotState(unit, window, tails)

    def update(self, state: SpotState, x: Real[ArrayLike, "*batch"]) -> tuple[SpotState, SpotStep]:
        """Judge one value of each series, then take it in.

        Args:
            state: of `fit`, or of the value before.
            x: () or (S,), as the calibration values had a leading axis or not.
        """
        _check_shape(state, np.shape(x), time_axes=0)
        x, standard = host_standard(state.unit, x)
        return _update(self, state, x, standard=standard)

    def run(
        self, state: SpotState, stream: Real[ArrayLike, "*batch time"]
    ) -> tuple[SpotState, SpotStep]:
        """Judge and take in the values of a stream one after the other.

        Args:
            state: as for `update`.
            stream: (T,) or (S, T).

        Returns:
            The state after the stream, and steps with axes (T, side) or (S, T, side).
        """
        _check_shape(state, np.shape(stream), time_axes=1)
        x, standard = host_standard(state.unit, stream)
        return _run(self, state, x, standard=standard)


def _check_shape(state: SpotState, shape: tuple[int, ...], time_axes: int) -> None:
    series = state.unit.centre.shape
    if len(shape) != len(series) + time_axes or shape[: len(series)] != series:
        expected = (*map(str, series), *("T" * time_axes))
        raise DetectorError(
            f"values: expected shape ({', '.join(expected)}) for the series of the state, "
            f"got {shape}"
        )


@partial(jax.jit, static_argnums=0, static_argnames="standard")
def _update(
    spot: Spot, state: SpotState, x: Array, *, standard: bool
) -> tuple[SpotState, SpotStep]:
    if not state.unit.centre.ndim:
        together = jax.tree.map(lambda part: part[None], (state, x))
        after = _update(spot, *together, standard=standard)
        return jax.tree.map(lambda part: part[0], after)
    return _advance(spot, state, x if standard else to_standard(state.unit, x))


@partial(jax.jit, static_argnums=0, static_argnames="standard")
def _run(spot: Spot, state: SpotState, x: Array, *, standard: bool) -> tuple[SpotState, SpotStep]:
    if not state.unit.centre.ndim:
        together = jax.tree.map(lambda part: part[None], (state, x))
        after = _run(spot, *together, standard=standard)
        return jax.tree.map(lambda part: part[0], after)
    unit = jax.tree.map(lambda part: part[:, None], state.unit)
    x = x if standard else to_standard(unit, x)
    state, steps = jax.lax.scan(partial(_advance, spot), state, x.T)
    return state, jax.tree.map(lambda part: jnp.moveaxis(part, 0, 1), steps)


def _advance(
    spot: Spot, state: SpotState, x: Float[Array, " series"]
) -> tuple[SpotState, SpotStep]:
    """One step of all series, in standard units."""
    unit, window, tails = state
    signs = jnp.array(_SIGNS[spot.tails], jnp.float32)[None]
    mean = window_mean(window)[:, None]
    excess = signs * (x[:, None] - mean) - tails.threshold
    alarm = excess > tails.limit
    limit = to_original(unit, mean + signs * (tails.threshold + tails.limit))
    step = SpotStep(alarm, limit, tail_probability(tails, excess))

    finite = jnp.isfinite(x)
    counted = jnp.broadcast_to(finite[:, None], alarm.shape)
    if spot.alarms == "exclude":
        counted = counted & ~alarm
    entries = jnp.where(alarm, -tails.limit, jnp.maximum(excess, 0.0))
    entries = jnp.where(counted, entries, 0.0)
    tails = take_in(tails, entries, counted, spot.rule)
    window = push(window, x, finite & ~jnp.any(alarm, axis=1))
    return SpotState(unit, window, tails), step
