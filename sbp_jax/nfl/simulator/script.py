"""All that is decided before the snap: a script that the players of a play then follow.

Legend: K plays.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.coverage import Defense, draw_defense
from sbp_jax.nfl.simulator.league import League
from sbp_jax.nfl.simulator.lineup import Lineup, line_up, top_speed
from sbp_jax.nfl.simulator.pocket import Pocket, draw_pocket
from sbp_jax.nfl.simulator.routes import Routes, draw_routes
from sbp_jax.nfl.simulator.schedule import Situations
from sbp_jax.nfl.tracking.play_frames import SIDE

T = TypeVar("T", bound=tuple)


class Script(NamedTuple):
    """Plans of all players of K plays.

    Attributes:
        plays: situations.
        lineup: who plays, and where.
        routes: of the eligible players.
        defense: coverage, rush and blocking.
        pocket: of the passer.
        speed: (K, 22) the most that each player runs, yards per second.
        limit: (K, 22) of his acceleration, yards per second squared.
        reaction: (K, 11) of each defender, seconds.
        drill: (K, 5) where the eligible players go when the play breaks down.
        drill_frame: (K,) frame after the snap from which it has.
    """

    plays: Situations
    lineup: Lineup
    routes: Routes
    defense: Defense
    pocket: Pocket
    speed: Float[NDArray, "K 22"]
    limit: Float[NDArray, "K 22"]
    reaction: Float[NDArray, "K 11"]
    drill: Complex[NDArray, "K 5"]
    drill_frame: Int[NDArray, " K"]


def write_scripts(rng: np.random.Generator, league: League, plays: Situations) -> Script:
    """Draw everybody's plans."""
    count = plays.kind.size
    lineup = line_up(rng, plays)
    routes = draw_routes(rng, plays, lineup)
    return Script(
        plays=plays,
        lineup=lineup,
        routes=routes,
        defense=draw_defense(rng, plays, lineup, routes),
        pocket=draw_pocket(rng, plays, lineup, routes),
        speed=top_speed(league, lineup),
        limit=league.acceleration[lineup.player],
        reaction=league.reaction[lineup.player[:, SIDE:]],
        drill=rng.uniform(1, 22, (count, 5)) + 1j * rng.uniform(-21, 21, (count, 5)),
        drill_frame=np.rint(rng.uniform(34, 46, count)).astype(np.int64),
    )


def select(fields: T, index: NDArray | slice) -> T:
    """Some of the plays of a (nested) tuple of arrays, in the order of the index."""
    return type(fields)(*(select(x, index) if isinstance(x, tuple) else x[index] for x in fields))
