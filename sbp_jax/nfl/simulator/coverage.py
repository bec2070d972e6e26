"""What each defender means to do, and who blocks the rushers.

Legend: K plays, R rushers of a play, 11 defenders and 11 offensive players by place.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.lineup import (
    BACK,
    BACKER_LEFT,
    BACKER_RIGHT,
    BACKFIELD,
    CORNER_LEFT,
    CORNER_RIGHT,
    END_LEFT,
    END_RIGHT,
    FIRST_ELIGIBLE,
    FREE_SAFETY,
    NICKEL,
    STRONG_SAFETY,
    Lineup,
)
from sbp_jax.nfl.simulator.routes import Route, Routes
from sbp_jax.nfl.simulator.schedule import SACK, Situations
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND

NOBODY: Final = -1


class Task(IntEnum):
    """Of a defender."""

    RUSH = 0
    MAN = 1
    ZONE = 2


class Scheme(IntEnum):
    """Of a defence."""

    COVER_0 = 0
    COVER_1 = 1
    COVER_2 = 2
    COVER_3 = 3
    QUARTERS = 4


_RUSHERS_SHARES: Final = (0.10, 0.62, 0.21, 0.07)
_FEWEST_RUSHERS: Final = 3
_SINGLE_HIGH: Final = (Scheme.COVER_1, Scheme.COVER_3)
_TWO_HIGH: Final = (Scheme.COVER_2, Scheme.QUARTERS)

# Where zone defenders go, by place from the linebackers on: yards downfield, and to the left of
# the ball. For the nickel back and the safeties the left is the side of the nickel back.
_HOOK: Final = 7.0 + 0j
_LANDMARKS: Final = {
    Scheme.COVER_0: [6 + 4j, 6 - 4j, 6 + 9j, 14 + 15j, 14 - 15j, 14 + 0j, 7 - 11j],
    Scheme.COVER_1: [6 + 4j, 8 + 0j, 6 + 9j, 14 + 15j, 14 - 15j, 15 + 0j, 7 - 11j],
    Scheme.COVER_2: [9 + 5j, 9 - 5j, 8 + 10j, 5 + 17j, 5 - 17j, 16 + 10j, 16 - 10j],
    Scheme.COVER_3: [8 + 4j, 8 - 4j, 6 + 12j, 14 + 16j, 14 - 16j, 15 + 0j, 6 - 12j],
    Scheme.QUARTERS: [8 + 6j, 8 - 5j, 6 + 12j, 13 + 17j, 13 - 17j, 14 + 6j, 14 - 6j],
}
_LANDMARK: Final = np.array([[_HOOK] * 4 + _LANDMARKS[scheme] for scheme in Scheme])
_DEEP: Final = _LANDMARK.real >= 13

# Which lineman takes which rusher, the rushers counted from left to right.
_BLOCKERS: Final = np.array(
    [
        [1, 3, 5, NOBODY, NOBODY, NOBODY],
        [1, 2, 4, 5, NOBODY, NOBODY],
        [1, 2, 3, 4, 5, NOBODY],
        [1, 2, 3, 4, 5, BACK],
    ]
)


class Defense(NamedTuple):
    """Plans of the defenders, and of those who block them.

    Attributes:
        scheme: (K,) `Scheme`.
        task: (K, 11) `Task` of each defender.
        man: (K, 11) the eligible player, 0 to 4, whom he covers; of no meaning for others.
        landmark: (K, 11) where a zone defender goes, yards.
        deep: (K, 11) he lets no receiver behind him.
        leverage: (K, 11) where he wants to be relative to his man, yards.
        blocker: (K, 11) place of who blocks this defender, or `NOBODY`.
        rusher: (K, 11) defender whom this offensive player blocks, or `NOBODY`.
        push: (K, 11) speed of a rusher against his blocker, yards per second.
        beaten: (K, 11) frame after the snap from which he is past his blocker.
    """

    scheme: Int[NDArray, " K"]
    task: Int[NDArray, "K 11"]
    man: Int[NDArray, "K 11"]
    landmark: Complex[NDArray, "K 11"]
    deep: Bool[NDArray, "K 11"]
    leverage: Complex[NDArray, "K 11"]
    blocker: Int[NDArray, "K 11"]
    rusher: Int[NDArray, "K 11"]
    push: Float[NDArray, "K 11"]
    beaten: Int[NDArray, "K 11"]


def draw_defense(
    rng: np.random.Generator, plays: Situations, lineup: Lineup, routes: Routes
) -> Defense:
    """Choose rushers, coverage and blocking assignments of K plays."""
    count = plays.kind.size
    extra = rng.choice(len(_RUSHERS_SHARES), count, p=_RUSHERS_SHARES)
    scheme = _schemes(rng, lineup, extra)
    left_blitz = rng.random(count) < 0.5
    task, man = _tasks(lineup, extra, scheme, left_blitz)
    side = np.where(lineup.nickel_left, 1.0, -1.0)
    landmark = _LANDMARK[scheme] + rng.normal(0, 0.8, (count, 11))
    for place in (NICKEL, FREE_SAFETY, STRONG_SAFETY):
        landmark[:, place].imag *= side
    landmark.imag += plays.ball_y[:, None] + rng.normal(0, 0.8, (count, 11))
    blocker, rusher = _blocking(lineup, routes, task, extra)
    return Defense(
        scheme=scheme,
        task=task,
        man=man,
        landmark=landmark,
        deep=_DEEP[scheme],
        leverage=rng.normal(0.2, 0.6, (count, 11)) + 1j * rng.normal(0, 0.6, (count, 11)),
        blocker=blocker,
        rusher=rusher,
        push=rng.uniform(0.4, 1.6, (count, 11)),
        beaten=_beaten(rng, plays, routes),
    )


def _schemes(
    rng: np.random.Generator, lineup: Lineup, extra: Int[NDArray, " K"]
) -> Int[NDArray, " K"]:
    """One that the safeties' places tell, except that six rushers leave none deep."""
    pick = rng.random(extra.size) < 0.5
    high = np.where(pick, *_SINGLE_HIGH)
    two = np.where(pick, *_TWO_HIGH)
    scheme = np.where(lineup.two_high, two, high)
    return np.where(extra == len(_RUSHERS_SHARES) - 1, Scheme.COVER_0, scheme)


def _tasks(
    lineup: Lineup,
    extra: Int[NDArray, " K"],
    scheme: Int[NDArray, " K"],
    left_blitz: Bool[NDArray, " K"],
) -> tuple[Int[NDArray, "K 11"], Int[NDArray, "K 11"]]:
    """Tasks, and whom the man defenders cover."""
    plays = np.arange(extra.size)
    in_man = np.isin(scheme, (Scheme.COVER_0, Scheme.COVER_1))
    task = np.full((extra.size, 11), Task.ZONE, np.int64)
    task[:, : END_RIGHT + 1] = Task.RUSH
    drops = extra == 0
    task[drops, np.where(left_blitz, END_LEFT, END_RIGHT)[drops]] = Task.ZONE
    blitzes, both = extra >= 2, extra == 3
    task[blitzes, np.where(left_blitz, BACKER_LEFT, BACKER_RIGHT)[blitzes]] = Task.RUSH
    task[both, BACKER_LEFT : BACKER_RIGHT + 1] = Task.RUSH

    # The middle one of the five is left to a linebacker who stays, or to the free safety.
    backer = np.where(blitzes & left_blitz, BACKER_RIGHT, BACKER_LEFT)
    man = np.zeros((extra.size, 11), np.int64)
    inside = np.where(lineup.nickel_left[:, None], [1, 3], [3, 1])
    assigned = (
        (CORNER_LEFT, np.zeros_like(extra)),
        (CORNER_RIGHT, np.full_like(extra, 4)),
        (NICKEL, inside[:, 0]),
        (STRONG_SAFETY, inside[:, 1]),
        (np.where(both, FREE_SAFETY, backer), np.full_like(extra, 2)),
    )
    for place, order in assigned:
        man[plays, place] = lineup.from_left[plays, order]
        task[plays, place] = np.where(in_man, Task.MAN, task[plays, place])
    return task, man


def _blocking(
    lineup: Lineup, routes: Routes, task: Int[NDArray, "K 11"], extra: Int[NDArray, " K"]
) -> tuple[Int[NDArray, "K 11"], Int[NDArray, "K 11"]]:
    """Of each defender his blocker, of each offensive player his rusher."""
    across = np.where(task == Task.RUSH, lineup.spot[:, 11:].imag, -np.inf)
    rank = np.argsort(np.argsort(-across, axis=1, kind="stable"), axis=1, kind="stable")
    rushes = rank < (extra + _FEWEST_RUSHERS)[:, None]
    table = np.pad(_BLOCKERS, ((0, 0), (0, 11 - _BLOCKERS.shape[1])), constant_values=NOBODY)
    blocker = np.where(rushes, np.take_along_axis(table[extra], rank, axis=1), NOBODY)
    back = BACK - FIRST_ELIGIBLE
    stays = routes.route[:, back] == Route.BLOCK
    stays &= lineup.alignment[:, back] == BACKFIELD
    blocker[(blocker == BACK) & ~stays[:, None]] = NOBODY
    rusher = np.full_like(blocker, NOBODY)
    play, defender = np.nonzero(blocker != NOBODY)
    rusher[play, blocker[play, defender]] = defender
    return blocker, rusher


def _beaten(rng: np.random.Generator, plays: Situations, routes: Routes) -> Int[NDArray, "K 11"]:
    """Frames until each blocker loses; before a sack one does in good time."""
    count = plays.kind.size
    frames = np.rint(FRAMES_PER_SECOND * (1.4 + rng.gamma(3.0, 1.3, (count, 11))))
    sack = plays.kind == SACK
    early = np.rint(routes.frames * 0.4)[:, None]
    frames[sack] = np.minimum(frames, early)[sack]
    return frames.astype(np.int64)
