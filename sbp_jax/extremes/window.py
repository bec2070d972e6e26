"""The moving mean of the last values of many series, each of which may skip a step."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Window(NamedTuple):
    """The last `depth` values of each series and their sum.

    Attributes:
        values: in the order in which they are overwritten.
        place: where the next value goes.
        total: sum of the values.
        fresh: sum of those before `place`. When all have been overwritten it takes the place of
            `total`, so that rounding errors do not pile up.
    """

    values: Float[Array, "*batch depth"]
    place: Int[Array, "*batch"]
    total: Float[Array, "*batch"]
    fresh: Float[Array, "*batch"]


def window_mean(window: Window) -> Float[Array, "*batch"]:
    """Mean of the values, and 0 of a window of no depth."""
    return window.total / max(window.values.shape[-1], 1)


def is_within(window: Window, x: Float[Array, " series"]) -> Bool[Array, " series"]:
    """Whether a value lies between the least and the largest of the window; false without depth.

    A few large values, none of them an alarm, may move the mean so far that most values after them
    are alarms on the other side. If all alarms were kept out, the mean would stay there.

    >>> window = Window(jnp.array([[1.0, 3.0]]), jnp.array([0]), jnp.array([4.0]), jnp.zeros(1))
    >>> [bool(is_within(window, jnp.array([x]))[0]) for x in (2.0, 4.0)]
    [True, False]
    """
    if window.values.shape[-1] == 0:
        return jnp.zeros(x.shape, bool)
    return (x >= jnp.min(window.values, axis=1)) & (x <= jnp.max(window.values, axis=1))


def push(window: Window, x: Float[Array, " series"], enters: Bool[Array, " series"]) -> Window:
    """Put a value in place of the oldest one, where `enters` is true.

    >>> window = Window(jnp.array([[1.0, 3.0]]), jnp.array([0]), jnp.array([4.0]), jnp.zeros(1))
    >>> window_mean(push(window, jnp.array([5.0]), jnp.array([True]))).tolist()
    [4.0]
    >>> window_mean(push(window, jnp.array([5.0]), jnp.array([False]))).tolist()
    [2.0]
    """
    depth = window.values.shape[-1]
    if depth == 0:
        return window
    rows = jnp.arange(len(x))
    old = window.values[rows, window.place]
    new = jnp.where(enters, x, old)
    fresh = window.fresh + jnp.where(enters, new, 0.0)
    place = window.place + enters
    full = place == depth
    return Window(
        window.values.at[rows, window.place].set(new, unique_indices=True),
        jnp.where(full, 0, place),
        jnp.where(full, fresh, window.total + (new - old)),
        jnp.where(full, 0.0, fresh),
    )
