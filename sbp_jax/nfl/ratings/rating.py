"""What a rating of passers is, wherever it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl
from jaxtyping import Float

from sbp_jax.evaluation.reliability import Statistic
from sbp_jax.nfl.plays import PlayTables

WHO: Final = ("season", "passer_id")
GAME: Final = (*WHO, "game_id")


class RegularPlays(NamedTuple):
    """Plays of regular seasons, all that a rating may be made of.

    Attributes:
        scored: throws and sacks with their scores; throws have the column `completion_expected`.
        passes: all attempts, as the official statistics count them.
        sacks: rows of the snaps table.
    """

    scored: pl.DataFrame
    passes: pl.DataFrame
    sacks: pl.DataFrame

    @classmethod
    def of_tables(cls, scored: pl.DataFrame, tables: PlayTables) -> Self:
        """The regular seasons' plays among those of all games."""
        regular = pl.col("season_type") == "REG"
        sacks = tables.snaps.filter(regular & (pl.col("kind") == "sack"))
        return cls(scored.filter(regular), tables.passes.filter(regular), sacks)

    def of_passers(self, passer_seasons: pl.DataFrame) -> "RegularPlays":
        """Those of the passer-seasons of a table."""
        chosen = passer_seasons.select(WHO)
        return RegularPlays(*(plays.join(chosen, on=WHO, how="semi") for plays in self))

    @property
    def throws(self) -> pl.DataFrame:
        """Scored throws."""
        return self.scored.filter(~pl.col("sack"))


class GameTotals(NamedTuple):
    """What a rating is made of, game by game, so that halves of a season can be rated.

    Attributes:
        statistic: the rating of summed totals, its last axis being that of the columns.
        totals: a row for each season, passer and game; its order decides which half a game is in.
        columns: of the totals, in the order that the statistic takes them.
    """

    statistic: Statistic
    totals: pl.DataFrame
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Rating:
    """A rating that is compared with others.

    Attributes:
        title: what tables and figures call it.
        values: season, passer_id, and the rating in a column of its own name; None where the
            table of passer-seasons has that column already.
        halves: its totals by game; None where a season cannot be halved.
        shown: whether the figure of ratings and winning has a panel for it.
    """

    title: str
    values: Callable[[RegularPlays], pl.DataFrame] | None = None
    halves: Callable[[RegularPlays], GameTotals] | None = None
    shown: bool = False


def ratio(totals: Float[np.ndarray, "*any 2"]) -> Float[np.ndarray, "*any"]:
    """The rating that is a quotient of two totals."""
    return totals[..., 0] / totals[..., 1]
