"""Why plays are left out, and the account of them while a file is read."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.tables import DROP_COLUMNS

# Told by the tables.
ROWS_DISAGREE: Final = "rows of the plays table disagree"
NO_PASS: Final = "no pass thrown"
TWO_POINTS: Final = "two-point try"
NULLIFIED: Final = "nullified by a penalty"
SPIKE: Final = "spike"
NO_OUTCOME: Final = "no outcome"
NO_TARGET: Final = "nobody was targeted"
NO_GAME: Final = "game is not in the games table"
UNKNOWN_OFFENSE: Final = "offence is neither team of the game"
MISSING_VALUE: Final = "missing value in the plays table"
BAD_LINE: Final = "line of scrimmage off the field"
NO_TRACKING: Final = "no tracking"

# Told by the tracking.
NO_SNAP: Final = "no snap"
NO_THROW: Final = "no throw after the snap"
TOO_SHORT: Final = "too few frames"
TOO_LONG: Final = "too many frames"
BAD_DIRECTION: Final = "play direction missing or contradictory"
WRONG_DIRECTION: Final = "line-up contradicts the play direction"
UNKNOWN_TEAM: Final = "a player of neither team"
NOT_22_PLAYERS: Final = "expected 22 players"
PASSER_UNKNOWN: Final = "passer cannot be told"
TARGET_UNKNOWN: Final = "target cannot be told"
OWN_TARGET: Final = "passer is the target"
HOLE: Final = "hole in the tracking"
IMPOSSIBLE_SPEED: Final = "impossible speed"
OFF_FIELD: Final = "far off the field"


class Sieve:
    """The plays of one file: which are still kept, and why the others are not.

    A play that is dropped twice keeps its first reason.
    """

    def __init__(self, plays: pl.DataFrame, file: str) -> None:
        """Start with all plays kept.

        Args:
            plays: game_id and play_id of P plays, row p being play p.
            file: name of the tracking file.
        """
        self._keys = plays.select("game_id", "play_id")
        self.file = file
        self._dropped: dict[int, tuple[str, str]] = {}

    @property
    def kept(self) -> Bool[NDArray, " P"]:
        """Which plays are still kept."""
        kept = np.ones(self._keys.height, bool)
        kept[list(self._dropped)] = False
        return kept

    def drop(
        self, plays: Int[NDArray, " D"], reason: str, details: Sequence[str] | str = ""
    ) -> None:
        """Drop plays for a reason.

        Args:
            plays: their numbers.
            reason: a fixed phrase.
            details: what was found, for each play or for all of them.
        """
        if isinstance(details, str):
            details = [details] * len(plays)
        for play, detail in zip(plays.tolist(), details, strict=True):
            self._dropped.setdefault(play, (reason, detail))

    def keep(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows whose ``play`` is still kept."""
        if not self._dropped:
            return rows
        return rows.filter(pl.Series(self.kept[rows["play"].to_numpy()], dtype=pl.Boolean))

    def table(self) -> pl.DataFrame:
        """The dropped plays, `DROP_COLUMNS`, in the order of their numbers."""
        plays = sorted(self._dropped)
        reasons = [self._dropped[play][0] for play in plays]
        details = [self._dropped[play][1] for play in plays]
        return drop_table(self._keys[plays], file=self.file, reason=reasons, detail=details)


def drop_table(
    keys: pl.DataFrame, *, file: str, reason: Sequence[str] | str, detail: Sequence[str] | str
) -> pl.DataFrame:
    """`DROP_COLUMNS` of the plays with these game_id and play_id.

    Args:
        keys: D plays.
        file: name of the tracking file; empty where the play is in none.
        reason: of each or of all.
        detail: of each or of all.
    """
    columns = {
        name: pl.Series(values, dtype=pl.String) if not isinstance(values, str) else pl.lit(values)
        for name, values in (("file", file), ("reason", reason), ("detail", detail))
    }
    return keys.with_columns(**columns).select(
        pl.col(name).cast(dtype) for name, dtype in DROP_COLUMNS.items()
    )
