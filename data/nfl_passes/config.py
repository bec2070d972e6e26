"""Which passes a data set holds, told by its name."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from sbp_jax.nfl.plays.splits import SeasonSplit

DEFAULT_SEASONS: Final = SeasonSplit()
SPLITS: Final = ("train", "valid", "test")


def config_name(seasons: SeasonSplit) -> str:
    """Name of the TFDS config, one for each choice of seasons and length of history.

    Data sets of several seasons thus lie side by side and are never taken for each other.

    >>> config_name(SeasonSplit())
    'history64'
    >>> config_name(SeasonSplit(train=(2009, 2010, 2012), valid=(2013,), test=(2014,)))
    'history64_train2009-2010+2012_valid2013_test2014'
    """
    parts = {split: sorted(getattr(seasons, split)) for split in SPLITS}
    name = f"history{seasons.max_snaps}"
    if parts == {split: sorted(getattr(DEFAULT_SEASONS, split)) for split in SPLITS}:
        return name
    return "_".join([name, *(f"{split}{_runs(years)}" for split, years in parts.items())])


def _runs(years: Sequence[int]) -> str:
    """Sorted years with neighbours joined: 2009-2011+2013."""
    starts = [years[0], *(late for early, late in pairwise(years) if late != early + 1)]
    ends = [*(early for early, late in pairwise(years) if late != early + 1), years[-1]]
    return "+".join(
        str(start) if start == end else f"{start}-{end}"
        for start, end in zip(starts, ends, strict=True)
    )
