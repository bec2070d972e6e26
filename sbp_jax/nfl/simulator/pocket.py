"""The passer's drop and where he drifts, and the pocket that his linemen set.

Legend: K plays.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.lineup import LINE, QUARTERBACK, Lineup
from sbp_jax.nfl.simulator.routes import Routes
from sbp_jax.nfl.simulator.schedule import RUN, SACK, SPIKE, Situations

# Three, five or seven steps, by concept: quick, medium, deep, screen.
_DROP_DEPTH: Final = np.array([-5.0, -7.2, -8.6, -6.2])
_STEPS_FROM_SHOTGUN: Final = np.array([-0.6, -2.0, -3.0, -1.6])
_ROLLOUT_SHARE: Final = 0.08


class Pocket(NamedTuple):
    """Plans of the passer and of linemen without a rusher to block.

    Attributes:
        drop: (K,) where the passer sets up, yards.
        drift: (K,) where he goes later: up in the pocket, or out of it.
        drift_frame: (K,) frame after the snap from which he does.
        evasion: (K,) how much he heeds a rusher near him; 0 before a sack.
        spot: (K, 5) where linemen set.
    """

    drop: Complex[NDArray, " K"]
    drift: Complex[NDArray, " K"]
    drift_frame: Int[NDArray, " K"]
    evasion: Float[NDArray, " K"]
    spot: Complex[NDArray, "K 5"]


def draw_pocket(
    rng: np.random.Generator, plays: Situations, lineup: Lineup, routes: Routes
) -> Pocket:
    """Choose drop and drift of K plays."""
    count = plays.kind.size
    start = lineup.spot[:, QUARTERBACK]
    concept = routes.concept
    depth = np.where(
        lineup.under_center, _DROP_DEPTH[concept], start.real + _STEPS_FROM_SHOTGUN[concept]
    )
    depth = np.where(plays.kind == RUN, start.real - 0.8, depth + rng.normal(0, 0.4, count))
    # Nobody drops out of his own end zone.
    depth = np.maximum(depth, 3 - (110 - plays.to_endzone))
    drop = depth + 1j * (start.imag + rng.normal(0, 0.3, count))
    drop = np.where(plays.kind == SPIKE, start, drop)
    rolls = rng.random(count) < _ROLLOUT_SHARE
    side = rng.choice([-1.0, 1.0], count)
    climb = rng.uniform(0.5, 2.5, count) + 1j * rng.normal(0, 1.0, count)
    roll = rng.uniform(-1, 1, count) + 1j * side * rng.uniform(6, 11, count)
    late = np.rint(rng.uniform(22, 34, count))
    return Pocket(
        drop=drop,
        drift=drop + np.where(rolls, roll, climb),
        drift_frame=np.where(rolls, np.rint(rng.uniform(6, 14, count)), late).astype(np.int64),
        evasion=np.where(plays.kind == SACK, 0.0, 1.0),
        spot=lineup.spot[:, LINE] - rng.uniform(1.2, 2.6, (count, 5)),
    )
