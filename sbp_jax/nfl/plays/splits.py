"""Which seasons train, validate and test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from sbp_jax.nfl.errors import PlaysError
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.plays.examples import pass_examples, targeted_passes
from sbp_jax.nfl.plays.load import PlayTables
from sbp_jax.runs.ranges import Count, refuse_out_of_range

FIRST_RESERVED: Final = 2019
"""From this season on, games are kept for a last test and read only when asked for by name."""


class SplitError(PlaysError, ValueError):
    """Seasons that must not be used together, or not at all."""


@dataclass(frozen=True)
class SeasonSplit:
    """Seasons of each part.

    Attributes:
        train: seasons that parameters are fitted to, playoffs included.
        valid: the season that picks the best epoch, playoffs included.
        test: the season that is reported on, regular season only.
        max_snaps: longest history of a pass, >= 1.
        use_reserved: allow seasons from 2019 on.
    """

    train: tuple[int, ...] = tuple(range(2009, 2017))
    valid: tuple[int, ...] = (2017,)
    test: tuple[int, ...] = (2018,)
    max_snaps: Count = 64
    use_reserved: bool = False

    def __post_init__(self) -> None:
        """Refuse parts that overlap, are empty, or touch reserved seasons without leave."""
        refuse_out_of_range(self, SplitError)
        parts = (self.train, self.valid, self.test)
        if not all(parts):
            raise SplitError(f"expected seasons to train, validate and test on, got {parts}")
        if len(self.seasons) != sum(map(len, parts)):
            raise SplitError(f"expected no season in two parts, got {parts}")
        check_reserved(self.seasons, allowed=self.use_reserved, flag="--split.use-reserved")

    @property
    def seasons(self) -> tuple[int, ...]:
        """All of them, in order."""
        return tuple(sorted({*self.train, *self.valid, *self.test}))


def check_reserved(seasons: Sequence[int], *, allowed: bool, flag: str) -> None:
    """Refuse seasons that are kept for a last test, unless they are asked for.

    Args:
        seasons: that are to be read.
        allowed: whether the reserved ones may be.
        flag: what to pass on the command line to allow it.

    Raises:
        SplitError: reserved seasons without leave.
    """
    reserved = [season for season in seasons if season >= FIRST_RESERVED]
    if reserved and not allowed:
        raise SplitError(
            f"seasons {reserved} are reserved for a last test; pass {flag} to read them all the "
            "same"
        )


def split_examples(tables: PlayTables, split: SeasonSplit) -> Mapping[str, Examples]:
    """Parts ``train``, ``valid`` and ``test`` of the targeted passes.

    Raises:
        BatchError: a part has no passes, or a feature is not finite.
    """
    wanted = {"train": split.train, "valid": split.valid, "test": split.test}
    parts = {}
    for name, seasons in wanted.items():
        passes = targeted_passes(tables.passes, playoffs=name != "test")
        passes = passes.filter(pl.col("season").is_in(seasons))
        parts[name] = Examples(
            passes, pass_examples(passes, tables.snaps, max_snaps=split.max_snaps)
        )
    return parts
