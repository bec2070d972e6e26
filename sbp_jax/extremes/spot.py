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
alarm that may be an ordinary value (`doubt`) counts as a value and as a peak, known only to have
exceeded the limit of its time; what cannot is left out, so that anomalies blind no detector. A
level that lasts is taken for the new one (`level`). What then remains above q comes from the fit
being an estimate, and `corrected=True`, the default, makes up for that
(`tails.alarm_limit`).

Alarms among 1,000 ordinary values at q = 1e-3, level 0.98, in 256 series of 8,192 values from a
generalized Pareto law, by the number of values in the calibration (of which 2 % are peaks):

    calibrated on                         1,000                    10,000
    shape                           -0.2    0.0    0.3       -0.2    0.0    0.3
    as published                    2.51   2.56   2.62       1.23   1.24   1.25
    exclude, corrected              2.24   2.28   2.32       1.19   1.20   1.21
    censor, not corrected           1.18   1.19   1.19       1.06   1.06   1.06
    default                         1.04   1.04   1.05       1.03   1.02   1.01

Standard errors are 0.02, and 0.08 and 0.03 where alarms are excluded. For risks that are small
beside 1 / n no limit is good: at q = 1e-4 the default has about 1.0 q after 10,000 values, and
1.4 to 1.7 q after 1,000.

Reference: Siffer, Fouque, Termier and Largouet (2017), Anomaly detection in streams with extreme
value theory, KDD.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Real

from sbp_jax.distributions.layout import explicit_mesh, on_automatic_axes
from sbp_jax.errors import DetectorError
from sbp_jax.extremes.calibrate import calibrate
from sbp_jax.extremes.doubt import Doubt, waiting_time, weigh
from sbp_jax.extremes.level import Level, follow_level
from sbp_jax.extremes.tails import FEWEST_PEAKS, Rule, Tails, tail_probability, take_in
from sbp_jax.extremes.unit import Pair, Unit, join, split, to_standard
from sbp_jax.extremes.window import Window, is_within, push, window_mean
from sbp_jax.runs.ranges import Count, Range, Whole, refuse_out_of_range

Tail = Literal["upper", "lower", "both"]
Alarms = Literal["censor", "exclude"]

_SIGNS: Final[dict[Tail, tuple[int, ...]]] = {"upper": (1,), "lower": (-1,), "both": (1, -1)}


class SpotState(NamedTuple):
    """All that a detector remembers; every array has the leading axis of the series, if any."""

    unit: Unit
    window: Window
    tails: Tails
    doubt: Doubt
    level: Level


class SpotStep(NamedTuple):
    """What a detector says of one value, or of each value of a stream; sides lie on the last axis.

    All of it is from before the value was taken in.

    Attributes:
        alarm: whether the value lies beyond `limit`; false where it is missing.
        limit: in the unit of x, the moving mean included. A NumPy array of float64 from `update`
            and `run`; in a traced program, of JAX's default precision.
        probability: of a value further out on that side, `(N_t / n) S`, where the value lies
            beyond the threshold t of that side; NaN where it does not, or is missing, as the tail
            says nothing there. It falls below the risk where there is an alarm.
        rest: what rounding cut off from `limit`, so that their sum in float64 is right far from 0
            too. It is 0 where the limit is of float64.
    """

    alarm: Bool[Array, "*batch side"]
    limit: Float[Array | np.ndarray, "*batch side"]
    probability: Float[Array, "*batch side"]
    rest: Float[Array | np.ndarray, "*batch side"]


@dataclass(frozen=True)
class Spot:
    """A streaming detector of extreme values; the description, whose state is kept apart.

    Missing values (NaN) are passed over. inf is an alarm on its side, and changes nothing. Shapes
    are restricted to xi >= -1/2; below (uniform noise, say) there are fewer alarms than q, and
    every refit is a full search, so that streams take about eight times as long. z moves only when
    a peak is taken in, as published. It never falls below t. What is an alarm on one side is an
    ordinary value to the other, but stays out of the moving mean of both, unless it lies between
    values that the mean is of (where alarms are not excluded).

    Which alarms count, and when a change is the new normal, is told in `docs/series.md`.

    Attributes:
        risk: q, the wanted share of alarms among ordinary values; less than 1 - level.
        level: share of the calibration values below the threshold t, which then stays.
        depth: number of values in the moving mean (DSPOT), or 0 for none (SPOT); >= 0.
        tails: which sides are watched: "upper", "lower", or "both", in this order.
        capacity: number of most recent peaks that are fitted, >= 10, without which no fit means
            anything; n and N_t count all.
        alarms: "censor" or, as published, "exclude".
        corrected: whether z makes up for the fit being an estimate; as published it does not.
        patience: how many more values must be off than not before their level is the new one, at
            least 1; without effect where alarms are excluded.

    >>> rng = np.random.default_rng(0)
    >>> spot = Spot(risk=1e-3)
    >>> state = spot.fit(rng.normal(size=20000))
    >>> state, steps = spot.run(state, np.array([0.5, np.nan, 9.0, 2.5]))
    >>> steps.alarm[:, 0].tolist()
    [False, False, True, False]
    >>> round(float(steps.limit[0, 0]), 1)  # the normal quantile is 3.09
    3.0
    """

    risk: Annotated[float, Range(0, above=True)] = 1e-4
    level: Annotated[float, Range(0, 1, above=True, below=True)] = 0.98
    depth: Whole = 0
    tails: Tail = "upper"
    capacity: Annotated[int, Range(FEWEST_PEAKS)] = 512
    alarms: Alarms = "censor"
    corrected: bool = True
    patience: Count = 250

    def __post_init__(self) -> None:
        """Refuse what makes no detector."""
        refuse_out_of_range(self, DetectorError)
        if not self.risk < 1 - self.level:
            raise DetectorError(
                f"risk: expected a number in (0, 1 - level) = (0, {1 - self.level:g}), "
                f"got {self.risk}"
            )

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
        parts = calibrate(
            np.asarray(calibration, np.float64),
            signs=_SIGNS[self.tails],
            depth=self.depth,
            level=self.level,
            rule=self.rule,
            capacity=self.capacity,
            wait=waiting_time(self.risk),
            patience=self.patience,
        )
        return SpotState(*parts)

    def update(self, state: SpotState, x: Real[ArrayLike, "*batch"]) -> tuple[SpotState, SpotStep]:
        """Judge one value of each series, then take it in.

        Args:
            state: of `fit`, or of the value before.
            x: () or (S,), as the calibration values had a leading axis or not.
        """
        _check_shape(state, np.shape(x), time_axes=0)
        return _with_limits(*_on_any_mesh(_update, self, state, split(x)))

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
        return _with_limits(*_on_any_mesh(_run, self, state, split(stream)))


def _check_shape(state: SpotState, shape: tuple[int, ...], time_axes: int) -> None:
    series = state.unit.centre.shape
    if len(shape) != len(series) + time_axes or shape[: len(series)] != series:
        expected = (*map(str, series), *("T" * time_axes))
        raise DetectorError(
            f"values: expected shape ({', '.join(expected)}) for the series of the state, "
            f"got {shape}"
        )


def _with_limits(state: SpotState, step: SpotStep) -> tuple[SpotState, SpotStep]:
    """Steps whose limit and rest, so far two numbers to be added, are what they should be."""
    limit, rest = join(step.limit, step.rest)
    return state, step._replace(limit=limit, rest=rest)


def _on_any_mesh(
    judge: Callable[..., tuple[SpotState, SpotStep]], spot: Spot, state: SpotState, x: Pair
) -> tuple[SpotState, SpotStep]:
    """Judge values, also where series are divided over a mesh with explicit axes."""
    mesh = explicit_mesh((state, x))
    if mesh is None:
        return judge(spot, state, x)
    many = state.unit.centre.ndim
    specs = (jax.typeof(leaf).sharding.spec for leaf in (*x, *state.unit))
    by_series = next((spec[:many] for spec in specs if any(spec[:many])), ())
    result: tuple[SpotState, SpotStep] = on_automatic_axes(
        lambda given: judge(spot, *given), (state, x), mesh, lambda _: [*by_series]
    )
    return result


@partial(jax.jit, static_argnums=0)
def _update(spot: Spot, state: SpotState, x: Pair) -> tuple[SpotState, SpotStep]:
    if not state.unit.centre.ndim:
        together = jax.tree.map(lambda part: part[None], (state, x))
        after = _update(spot, *together)
        return jax.tree.map(lambda part: part[0], after)
    return _advance(spot, state, x)


@partial(jax.jit, static_argnums=0)
def _run(spot: Spot, state: SpotState, x: Pair) -> tuple[SpotState, SpotStep]:
    if not state.unit.centre.ndim:
        together = jax.tree.map(lambda part: part[None], (state, x))
        after = _run(spot, *together)
        return jax.tree.map(lambda part: part[0], after)
    state, steps = jax.lax.scan(partial(_advance, spot), state, Pair(x.high.T, x.low.T))
    return state, jax.tree.map(lambda part: jnp.moveaxis(part, 0, 1), steps)


def _advance(spot: Spot, state: SpotState, values: Pair) -> tuple[SpotState, SpotStep]:
    """One step of all series; limit and rest of the step are still to be added."""
    unit, window, tails, doubt, level = state
    x = to_standard(unit, values)
    signs = jnp.array(_SIGNS[spot.tails], jnp.float32)[None]
    mean = window_mean(window)[:, None]
    centred = signs * (x[:, None] - mean)
    excess = centred - tails.threshold
    alarm = excess > tails.limit
    centre, rest, scale = (part[:, None] for part in unit)
    beyond_centre = rest + scale * (mean + signs * (tails.threshold + tails.limit))
    centre = jnp.broadcast_to(centre, alarm.shape)
    step = SpotStep(alarm, centre, tail_probability(tails, excess), beyond_centre)

    finite = jnp.isfinite(x)
    learning = spot.alarms == "censor"
    counted = finite[:, None] & ~alarm
    entries = jnp.where(counted, jnp.maximum(excess, 0.0), 0.0)
    counted = counted.astype(jnp.int32)
    if learning:
        seen = jnp.broadcast_to(finite[:, None], alarm.shape)
        wait = waiting_time(spot.risk)
        doubt, bound = weigh(doubt, alarm, tails.limit, seen, entries > 0, tails.led, wait)
        believed = (bound > 0) & (tails.room | tails.led)
        entries = jnp.where(believed, -bound, entries)
        counted = counted + believed
    tails = take_in(tails, entries, counted, spot.rule)
    enters = ~jnp.any(alarm, axis=1)
    if learning:
        enters = enters | is_within(window, x)
    window = push(window, x, finite & enters)
    if learning:
        off = jnp.any(alarm | (centred < level.lowest), axis=1)
        level, unit, window = follow_level(level, unit, window, x, off, spot.patience)
    return SpotState(unit, window, tails, doubt, level), step
