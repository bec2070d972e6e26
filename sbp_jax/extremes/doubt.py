"""Which alarms are believed to be ordinary values.

An ordinary value is an alarm with a probability as small as the risk q, and leaving all such values
out of the fit makes the tail too light. Anomalies are alarms too, and the fit must not see them.
Three rules tell them apart, without a look at how far out they lie:

- *Alone*: an alarm is in doubt until `wait` values have followed it without another alarm, and is
  not believed if there was one among as many values before it. Of ordinary alarms a share of
  `2 wait q` is lost so, twice `LOST` at the most.
- *Led up to*: no more alarms are believed than peaks lead up to them (`has_room`), and they raise
  the limit to no more than `highest_limit`.
- *At once*: where peaks lie thick right before the limit, the tail goes on there, and an alarm is
  believed without a wait (`is_led`). So a spread that grows is learnt, though its alarms are many.

So a burst that is set apart from the ordinary values changes no limit, and anomalies that come
singly change it little. Only single ones that lie no further out than twice the limit, or so, are
taken for a heavier tail.
"""

from typing import Final, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

LOST: Final = 0.01  # ordinary alarms, as a share, that have another among the values after them
LONGEST: Final = 20  # values that are waited for at most
GROWTH: Final = 1.5  # of the limit beyond what has been seen


CLOSE: Final = 3  # peaks in the last quarter before the limit that make the next alarm no surprise


class Doubt(NamedTuple):
    """What is not decided yet.

    Attributes:
        bound: excess that the alarm in doubt is known to lie beyond; 0 where there is none.
        calm: number of values since the last alarm, the time that is waited at most.
    """

    bound: Float[Array, "*batch side"]
    calm: Int[Array, "*batch side"]


def waiting_time(risk: float) -> int:
    """Number of values that an alarm must be alone among, on either side.

    >>> waiting_time(1e-3), waiting_time(1e-6)
    (10, 20)
    """
    return round(min(LOST / risk, LONGEST))


def has_room(
    peaks: Float[Array, "*batch capacity"], limit: Float[Array, "*batch"]
) -> Bool[Array, "*batch"]:
    """Whether one more alarm may be of the same tail as the peaks.

    The first may. After it, no more alarms may than peaks lead up to them: than are known to lie
    beyond half of the limit. Of a tail with a finite mean fewer values lie beyond z than between
    z / 2 and z, if z is large; anomalies come without others that lead up to them. So the limit
    cannot run away from the peaks: where many alarms count, it is no more than twice what as many
    peaks have passed.

    Args:
        peaks: as in `Tails`.
        limit: z.

    >>> peaks = jnp.array([0.5, 1.0, 1.5, -2.0, 0.0])
    >>> bool(has_room(peaks, jnp.float32(2.5))), bool(has_room(peaks, jnp.float32(4.0)))
    (True, False)
    """
    leading = jnp.sum(2 * peaks > limit[..., None], axis=-1)
    return jnp.sum(peaks < 0, axis=-1) <= leading


def is_led(
    peaks: Float[Array, "*batch capacity"], limit: Float[Array, "*batch"]
) -> Bool[Array, "*batch"]:
    """Whether one more alarm is believed at once, though it may not be alone.

    It is where `CLOSE` more peaks than alarms lie in the last quarter before the limit.

    Args:
        peaks: as in `Tails`.
        limit: z.

    >>> peaks = jnp.array([0.5, 2.0, 2.1, 2.2, 2.4, -2.0, 0.0])
    >>> bool(is_led(peaks, jnp.float32(2.5))), bool(is_led(peaks, jnp.float32(2.7)))
    (True, False)
    """
    close = jnp.sum(4 * peaks > 3 * limit[..., None], axis=-1)
    return jnp.sum(peaks < 0, axis=-1) + CLOSE <= close


def highest_limit(peaks: Float[Array, "*batch capacity"]) -> Float[Array, "*batch"]:
    """How far alarms may raise the limit: half as far again as what has been seen.

    Args:
        peaks: as in `Tails`.

    Returns:
        An excess; inf where no alarm is among the peaks.

    >>> float(highest_limit(jnp.array([0.5, 1.0, 1.5, -2.0, 0.0])))
    3.0
    """
    furthest = jnp.max(jnp.abs(peaks), axis=-1)
    return jnp.where(jnp.any(peaks < 0, axis=-1), GROWTH * furthest, jnp.inf)


def weigh(
    doubt: Doubt,
    alarm: Bool[Array, "series side"],
    limit: Float[Array, "series side"],
    seen: Bool[Array, "series side"],
    busy: Bool[Array, "series side"],
    led: Bool[Array, "series side"],
    wait: int,
) -> tuple[Doubt, Float[Array, "series side"]]:
    """Take in a value, and decide on the alarm in doubt where enough values have followed it.

    Args:
        doubt: before the value.
        alarm: whether it is one.
        limit: that an alarm has passed, an excess.
        seen: whether there is a value.
        busy: whether it is a peak, upon which the decision is put off to the next value.
        led: whether an alarm is believed at once.
        wait: see `waiting_time`.

    Returns:
        What is then in doubt, and the bound of an alarm that is not any more, 0 where there is
        none.
    """
    alone = doubt.calm >= wait
    calm = jnp.where(alarm & seen, 0, jnp.minimum(doubt.calm + seen, wait))
    passed = jnp.where((calm >= wait) & seen & ~alarm & ~busy, doubt.bound, 0.0)
    kept = jnp.where(passed > 0, 0.0, doubt.bound)
    bound = jnp.where(alarm & seen, jnp.where(alone & ~led, limit, 0.0), kept)
    passed = jnp.where(alarm & seen & led, limit, passed)
    return Doubt(bound, calm), passed
