"""Seasons in folds: each is scored once, by a model that saw none of it."""

from itertools import pairwise

import pytest

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.folds import Fold, season_folds

TEN = list(range(2009, 2019))


@pytest.mark.parametrize(
    ("seasons", "count"), [(TEN, 2), (TEN, 3), (TEN, 5), (TEN, 10), ([2009, 2011, 2016], 3)]
)
def test_every_season_is_tested_once_and_stands_once_in_each_fold(seasons, count):
    folds = season_folds(seasons, count)
    assert len(folds) == count
    assert [season for fold in folds for season in fold.test] == seasons
    for fold in folds:
        assert sorted([*fold.test, *fold.valid, *fold.train]) == seasons
        assert len(fold.valid) == 1
        assert fold.train


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_blocks_are_neighbours_of_about_the_same_size(count):
    blocks = [fold.test for fold in season_folds(TEN, count)]
    assert all(b - a == 1 for block in blocks for a, b in pairwise(block))
    sizes = [len(block) for block in blocks]
    assert max(sizes) - min(sizes) <= 1


def test_the_season_after_the_block_validates_and_the_first_after_the_last():
    assert season_folds([2011, 2012, 2013, 2014, 2015, 2016], 3) == [
        Fold((2011, 2012), (2013,), (2014, 2015, 2016)),
        Fold((2013, 2014), (2015,), (2011, 2012, 2016)),
        Fold((2015, 2016), (2011,), (2012, 2013, 2014)),
    ]


def test_the_order_of_the_seasons_does_not_count():
    assert season_folds(TEN[::-1], 5) == season_folds(TEN, 5)


@pytest.mark.parametrize(
    ("seasons", "count", "message"),
    [
        ([2009, 2010, 2009], 2, r"seasons: expected each once, got \[2009, 2010, 2009\]"),
        ([2009, 2010], 2, "folds: expected 2 to 2 of at least 3 seasons, got 2 of 2"),
        (TEN, 1, "folds: expected 2 to 10 of at least 3 seasons, got 1 of 10"),
        (TEN, 11, "folds: expected 2 to 10 of at least 3 seasons, got 11 of 10"),
        ([], 2, "folds: expected 2 to 0 of at least 3 seasons, got 2 of 0"),
        ([2009, 2010, 2011], 2, r"seasons left to train on, got none for \(2009, 2010\)"),
    ],
)
def test_seasons_that_make_no_folds_are_refused(seasons, count, message):
    with pytest.raises(ScoringError, match=message):
        season_folds(seasons, count)
