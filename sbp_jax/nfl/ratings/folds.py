"""Seasons in folds, so that every season is scored by a model that never saw it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from sbp_jax.nfl.errors import ScoringError


class Fold(NamedTuple):
    """Seasons of one model.

    Attributes:
        test: those that it scores and never saw.
        valid: the one that picks its epoch.
        train: all others.
    """

    test: tuple[int, ...]
    valid: tuple[int, ...]
    train: tuple[int, ...]


def season_folds(seasons: Sequence[int], count: int) -> list[Fold]:
    """Blocks of neighbouring seasons, each tested once; the next block's first one validates.

    Args:
        seasons: all of them.
        count: how many models; at least 2, at most one a season, and 3 seasons are needed.

    Raises:
        ScoringError: there are too few seasons for it, or one is there twice.

    >>> season_folds([2016, 2017, 2018, 2019], 2)[0]
    Fold(test=(2016, 2017), valid=(2018,), train=(2019,))
    """
    ordered = sorted(seasons)
    if len(set(ordered)) != len(ordered):
        raise ScoringError(f"seasons: expected each once, got {list(seasons)}")
    if len(ordered) < 3 or not 2 <= count <= len(ordered):
        raise ScoringError(
            f"folds: expected 2 to {len(ordered)} of at least 3 seasons, got {count} of "
            f"{len(ordered)}"
        )
    ends = [round(i * len(ordered) / count) for i in range(count + 1)]
    blocks = [tuple(ordered[a:b]) for a, b in pairwise(ends)]
    folds = []
    for i, test in enumerate(blocks):
        valid = blocks[(i + 1) % count][:1]
        train = tuple(x for x in ordered if x not in (*test, *valid))
        if not train:
            raise ScoringError(f"folds: expected seasons left to train on, got none for {test}")
        folds.append(Fold(test, valid, train))
    return folds
