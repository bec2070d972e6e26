"""Synthetic plays of the size of the real ones, with something in them to learn.

Legend: N plays, T frames of a play, C columns of a frame, S static facts.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from sbp_jax.batch import Batch

COLUMNS: Final = 176
STATICS: Final = 20
FEWEST_FRAMES: Final = 8
MOST_FRAMES: Final = 98
_MEMORY: Final = 0.9  # how much of a column is left one frame later


class Plays(NamedTuple):
    """Plays without padding, end to end.

    Attributes:
        frames: (sum of T, C) of all plays, each oldest first.
        lengths: (N,) frames of each.
        static: (N, S).
        target: (N,) whole yards.
    """

    frames: Float[NDArray, "frames C"]
    lengths: Int[NDArray, " N"]
    static: Float[NDArray, "N S"]
    target: Float[NDArray, " N"]


def draw_plays(count: int, *, seed: int) -> Plays:
    """Plays whose target follows a heavy-tailed law that their last frames and facts decide.

    Lengths are those of `draw_lengths`. Columns are stationary
    autoregressions of unit variance. With z the columns of the last frame and s the facts, the
    target is ``10 + 8 tanh(s0 + z0) + 3 z1 + 1.5 exp(0.3 z2) t``, rounded, where t follows
    Student's law with three degrees of freedom, its positive half stretched by 1.5.

    Args:
        count: N.
        seed: the same seed gives the same plays.
    """
    rng = np.random.default_rng(seed)
    lengths = draw_lengths(count, rng)
    frames = rng.standard_normal((int(lengths.sum()), COLUMNS), np.float32)
    static = rng.standard_normal((count, STATICS), np.float32)
    first = np.cumsum(lengths) - lengths
    for step in range(1, MOST_FRAMES):
        at = first[lengths > step] + step
        frames[at] = _MEMORY * frames[at - 1] + np.sqrt(1 - _MEMORY**2) * frames[at]
    frames = frames.astype(np.float16)  # as the real features are stored
    last = frames[first + lengths - 1].astype(np.float32)
    noise = rng.standard_t(3, count)
    noise = np.where(noise > 0, 1.5 * noise, noise)
    location = 10 + 8 * np.tanh(static[:, 0] + last[:, 0]) + 3 * last[:, 1]
    target = np.rint(location + 1.5 * np.exp(0.3 * last[:, 2]) * noise)
    return Plays(frames, lengths, static, target.astype(np.float32))


def draw_lengths(count: int, rng: np.random.Generator) -> Int[NDArray, " N"]:
    """Frames of each play: ``exp(N(log 30, 0.38))``, rounded, between 8 and 98."""
    lengths = np.exp(rng.normal(np.log(30), 0.38, count))
    return np.clip(np.rint(lengths), FEWEST_FRAMES, MOST_FRAMES).astype(np.int64)


def pad(plays: Plays, steps: int = MOST_FRAMES) -> Batch:
    """A batch (N, steps, C), observed frames first.

    Args:
        plays: at most ``steps`` frames each.
        steps: T.
    """
    mask = np.arange(steps) < plays.lengths[:, None]
    sequence = np.zeros((*mask.shape, plays.frames.shape[1]), plays.frames.dtype)
    sequence[mask] = plays.frames
    return Batch(sequence, mask, plays.static, plays.target)
