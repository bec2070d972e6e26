"""Table player_play.csv in the layout of the Big Data Bowl 2025: what each player did on a play.

Of its fifty columns those are written that a simulation has something to say about.

Legend: K plays, R = 22 K rows.
"""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.chunk import Chunk
from sbp_jax.nfl.simulator.coverage import Task
from sbp_jax.nfl.simulator.league import TEAMS, League
from sbp_jax.nfl.simulator.lineup import ELIGIBLE, QUARTERBACK
from sbp_jax.nfl.simulator.routes import Route
from sbp_jax.nfl.simulator.schedule import PASS, RUN, SACK, Games
from sbp_jax.nfl.tracking.play_frames import PLAYERS, SIDE

_ROUTE_NAMES: Final = pl.Series([route.name for route in Route])


def player_play_table(league: League, games: Games, chunk: Chunk) -> pl.DataFrame:
    """Rows of K plays, 22 for each of them."""
    plays, players = chunk.plays, chunk.script.lineup.player
    count, rows = plays.kind.size, np.arange(plays.kind.size)
    passes, runs, sacks = (plays.kind == kind for kind in (PASS, RUN, SACK))
    complete = passes & chunk.outcomes.complete

    def only(place: Int[NDArray, " K"] | int, holds: Bool[NDArray, " K"]) -> NDArray:
        """True for one player of the plays where it holds."""
        flags = np.zeros((count, PLAYERS), bool)
        flags[rows, place] = holds
        return flags

    carries, throws = only(chunk.target, runs), only(QUARTERBACK, ~runs)
    catches, sacked = only(chunk.target, complete), only(QUARTERBACK, sacks)
    route = np.full((count, PLAYERS), Route.BLOCK, np.int64)
    route[:, ELIGIBLE] = chunk.script.routes.route
    running = (route != Route.BLOCK) & ~runs[:, None]
    rushes = chunk.script.defense.task == Task.RUSH
    defends = np.zeros((count, PLAYERS), bool)
    defends[:, SIDE:] = True
    yards = np.broadcast_to(chunk.yards[:, None], (count, PLAYERS))
    rusher = np.concatenate([np.zeros((count, SIDE), bool), rushes & ~runs[:, None]], axis=1)
    play = np.repeat(rows, PLAYERS)
    who = players.ravel()

    def value(holds: NDArray) -> pl.Series:
        return pl.Series(np.where(holds, yards, 0).ravel())

    return pl.DataFrame(
        {
            "gameId": games.game_id[plays.game][play],
            "playId": plays.play_id[play],
            "nflId": league.nfl_id[who],
            "teamAbbr": pl.Series(TEAMS).gather(league.team[who]),
            "hadRushAttempt": _digit(carries),
            "rushingYards": value(carries),
            "hadDropback": _digit(throws),
            "passingYards": value(throws & complete[:, None]),
            "sackYardsAsOffense": value(sacked),
            "hadPassReception": _digit(catches),
            "receivingYards": value(catches),
            "wasTargettedReceiver": _digit(only(chunk.target, passes)),
            "hadInterception": _digit(only(chunk.interceptor, passes & chunk.outcomes.intercepted)),
            "wasInitialPassRusher": _known(_digit(rusher), defends & ~runs[:, None]),
            "wasRunningRoute": _known(_digit(running), running),
            "routeRan": _known(_ROUTE_NAMES.gather(route.ravel()), running),
        }
    )


def _digit(flags: NDArray) -> pl.Series:
    return pl.Series(flags.ravel().astype(np.int8))


def _known(values: pl.Series, known: NDArray) -> pl.Series:
    """Null where it is not known, or has no meaning."""
    frame = pl.DataFrame({"values": values, "known": known.ravel()})
    return frame.select(pl.when("known").then("values")).to_series()
