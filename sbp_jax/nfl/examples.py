"""Plays as people read them and as a network does."""

from dataclasses import dataclass

import polars as pl

from sbp_jax.batch import Batch


@dataclass(frozen=True)
class Examples:
    """Plays of one split.

    Attributes:
        plays: facts of each play in their own units, a row a play.
        batch: the same plays in the same order, encoded; sequences padded to the longest.
    """

    plays: pl.DataFrame
    batch: Batch

    def __len__(self) -> int:
        """How many plays."""
        return self.plays.height
