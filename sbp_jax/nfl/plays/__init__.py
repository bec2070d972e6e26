"""Real passes, and every other play, out of the NFL's GameCenter files.

`load_plays` turns the files into three tables; nothing here imports JAX.
"""

from sbp_jax.nfl.errors import (
    AllGamesBrokenError,
    CacheError,
    NoSourceError,
    PlaysError,
    SeasonNotFoundError,
    WorkerError,
)
from sbp_jax.nfl.plays.load import SEASONS, PlayTables, load_plays
from sbp_jax.nfl.plays.report import DroppedGame, GamesReport

__all__ = [
    "SEASONS",
    "AllGamesBrokenError",
    "CacheError",
    "DroppedGame",
    "GamesReport",
    "NoSourceError",
    "PlayTables",
    "PlaysError",
    "SeasonNotFoundError",
    "WorkerError",
    "load_plays",
]
